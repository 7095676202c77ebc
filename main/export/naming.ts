/** Chooses names for finished pictures: unique within a run, and never that of an original. */

import { lstat, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import type { ConflictPolicy, formats } from '../../preload/contract/choices.ts';
import { isOursToReplace } from './ours.ts';

export type ExportFormat = (typeof formats)[number];

/** A name reserved for one photo of this run; no other photo in the process gets it. */
export interface Reservation {
  readonly path: string;
  /** Whether an existing file of this name may be replaced. */
  readonly overwrite: boolean;
  /** With `skip`: a picture of this name already exists, so the photo need not be developed. */
  readonly isThereAlready: boolean;
  /** The number tried last: 1 is the plain name. */
  readonly number: number;
  readonly photoPath: string;
  readonly format: ExportFormat;
}

export const extension = { tiff: '.tif', png: '.png', jpeg: '.jpg', dng: '.dng' } as const;

/** Identifies a file, whatever its names. */
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
    // A broken link occupies its name too.
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

/** The names of one run in one folder. */
export class OutputNames {
  readonly #folder: string;
  readonly #policy: ConflictPolicy;
  readonly #originals: readonly string[];
  readonly #taken = new Set<string>();
  /** The last request. Names are given one at a time, in the order of the requests. */
  #last: Promise<unknown> = Promise.resolve();
  #identities: Promise<ReadonlySet<string>> | undefined;

  /**
   * @param folder for the pictures
   * @param originals every photo of the run, none of which is ever a target, through whatever link
   */
  constructor(folder: string, policy: ConflictPolicy, originals: readonly string[]) {
    this.#folder = resolve(folder);
    this.#policy = policy;
    this.#originals = originals;
  }

  /** Reserves a name for a photo: `IMG_1.tif`, or `IMG_1-2.tif` if that is taken, and so on. */
  async reserve(photoPath: string, format: ExportFormat): Promise<Reservation> {
    return this.#inTurn(() => this.#reserveFrom(1, photoPath, format));
  }

  /** The next name, for when another process took the reserved one first. */
  async reserveNext({ number, photoPath, format }: Reservation): Promise<Reservation> {
    return this.#inTurn(() => this.#reserveFrom(number + 1, photoPath, format));
  }

  /**
   * The disk answers in any order, but a second run must give each photo the same name as the
   * first.
   */
  async #inTurn(reserve: () => Promise<Reservation>): Promise<Reservation> {
    const reservation = this.#last.then(reserve);
    this.#last = reservation.catch(() => undefined);
    return reservation;
  }

  async #reserveFrom(first: number, photoPath: string, format: ExportFormat): Promise<Reservation> {
    const stem = basename(photoPath, extname(photoPath));
    for (let number = first; ; number++) {
      const name = number === 1 ? stem : `${stem}-${number}`;
      const path = join(this.#folder, name + extension[format]);
      // Windows and macOS treat names alike that differ only in case or in the encoding of accents,
      // and pictures may be moved there.
      const key = path.normalize('NFC').toLowerCase();
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      const base = { path, number, photoPath, format, isThereAlready: false };
      // A file that appears there while the photo is developed is not replaced.
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
