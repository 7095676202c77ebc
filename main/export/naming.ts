/**
 * Names for finished pictures: no two of a run are the same, and none is an original's.
 */

import { lstat, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { ConflictPolicy, formats } from '../../preload/contract/choices.ts';
import { isOursToReplace } from './ours.ts';

export type ExportFormat = (typeof formats)[number];

/** A name kept for one photo of this run; nobody else in the process gets it. */
export interface Reservation {
  readonly path: string;
  /** Whether what stands there may be replaced. */
  readonly overwrite: boolean;
  /** With `skip`: a picture of the name is there already, and the photo need not be developed. */
  readonly isThereAlready: boolean;
  /** Number tried last: 1 is the plain name. */
  readonly number: number;
  readonly photoPath: string;
  readonly format: ExportFormat;
}

export const EXTENSION = { tiff: '.tif', png: '.png', jpeg: '.jpg', dng: '.dng' } as const;

/** One file whatever its names are. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    // A link that leads nowhere holds its name too.
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** The names of one run into one folder. */
export class OutputNames {
  readonly #folder: string;
  readonly #policy: ConflictPolicy;
  readonly #originals: readonly string[];
  readonly #taken = new Set<string>();
  /** The last name asked for: names are given one at a time, in the order of asking. */
  #last: Promise<unknown> = Promise.resolve();
  #identities: Promise<ReadonlySet<string>> | undefined;

  /**
   * @param folder where the pictures go
   * @param originals every photo of the run: none of them is ever a target, by whatever link
   */
  constructor(folder: string, policy: ConflictPolicy, originals: readonly string[]) {
    this.#folder = resolve(folder);
    this.#policy = policy;
    this.#originals = originals;
  }

  /** Keeps a name for a photo: `IMG_1.tif`, or `IMG_1-2.tif` where that is taken, and so on. */
  async reserve(photoPath: string, format: ExportFormat): Promise<Reservation> {
    return this.#inTurn(() => this.#reserveFrom(1, photoPath, format));
  }

  /** The next name, where another process was quicker to take the reserved one. */
  async reserveNext({ number, photoPath, format }: Reservation): Promise<Reservation> {
    return this.#inTurn(() => this.#reserveFrom(number + 1, photoPath, format));
  }

  /** The disk's answers come in any order; a second run must give each photo the first run's name. */
  async #inTurn(reserve: () => Promise<Reservation>): Promise<Reservation> {
    const reservation = this.#last.then(reserve);
    this.#last = reservation.catch(() => undefined);
    return reservation;
  }

  async #reserveFrom(first: number, photoPath: string, format: ExportFormat): Promise<Reservation> {
    const stem = basename(photoPath, extname(photoPath));
    for (let number = first; ; number++) {
      const name = number === 1 ? stem : `${stem}-${number}`;
      const path = join(this.#folder, name + EXTENSION[format]);
      // Folders on Windows and macOS don't tell case or accents' spelling apart, and pictures travel.
      const key = path.normalize('NFC').toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      const base = { path, number, photoPath, format, isThereAlready: false };
      // What comes to stand there while the photo is developed is not replaced.
      if (!(await exists(path))) return { ...base, overwrite: false };
      if (this.#policy === 'rename' || (await this.#isOriginal(path, photoPath))) continue;
      if (this.#policy === 'skip') return { ...base, overwrite: false, isThereAlready: true };
      if (await isOursToReplace(path)) return { ...base, overwrite: true };
    }
  }

  async #isOriginal(path: string, photoPath: string): Promise<boolean> {
    this.#identities ??= Promise.all(this.#originals.map(identityOf)).then(
      (found) => new Set(found.filter((identity) => identity !== undefined)),
    );
    const identity = await identityOf(path);
    if (identity === undefined) return false;
    return identity === (await identityOf(photoPath)) || (await this.#identities).has(identity);
  }
}
