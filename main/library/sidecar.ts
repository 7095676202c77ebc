/**
 * Stores edits, their history, rating, flag and label of a photo in a file beside it, or in the app's
 * data if that is not possible.
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Inputs } from '../../preload/contract/contract.ts';
import { writeAtomically } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import { readSmallFile } from '../base/small-file.ts';
import { sidecarEnding } from './folder.ts';
import { newSidecar, parseSidecar, sidecarText, type Sidecar, type Told } from './sidecar-form.ts';
import { storedLook } from './stored-look.ts';

interface Updated {
  readonly before: Sidecar;
  readonly sidecar: Sidecar;
  readonly isBeside: boolean;
}

/** Flag and label to be set; `none` takes one away. */
export type Marks = Omit<Inputs['library.mark'], 'photos'>;

export function marked(sidecar: Sidecar, { flag, label }: Marks): Sidecar {
  return {
    ...sidecar,
    ...(flag === undefined ? {} : { flag: flag === 'none' ? undefined : flag }),
    ...(label === undefined ? {} : { label: label === 'none' ? undefined : label }),
  };
}

/** A sidecar with the longest history has half of this; a larger file is not one. */
const bytesMax = 200_000;

export class Sidecars {
  readonly #folder: string;
  readonly #turns = new Map<string, Promise<unknown>>();

  readonly #onTrouble: (account: string) => void;
  /** Damaged files that were told of, by path and time. */
  readonly #told = new Set<string>();

  /**
   * @param folder for sidecars of photos on read-only disks
   * @param onTrouble is told once of each damaged sidecar, in plain words
   */
  constructor(folder: string, onTrouble: (account: string) => void) {
    this.#folder = folder;
    this.#onTrouble = onTrouble;
  }

  /** The look that the photo itself carries, or default values, if there is no readable sidecar. */
  async read(photo: string): Promise<Sidecar> {
    const places = [besideOf(photo), this.#awayOf(photo)] as const;
    const [beside, away] = await Promise.all([this.#read(places[0]), this.#read(places[1])]);
    // Both exist if a disk has become writable or read-only in the meantime; the later one counts.
    const [first, second] = away.modifiedMs > beside.modifiedMs ? [away, beside] : [beside, away];
    const known = first.sidecar ?? second.sidecar;
    if (known !== undefined) return known;
    const edits = await storedLook(photo);
    return edits === undefined ? newSidecar : { ...newSidecar, edits };
  }

  async #read(file: string): Promise<Read> {
    const found = await read(file);
    const key = `${found.modifiedMs} ${file}`;
    if (found.kind === 'damaged' && !this.#told.has(key)) {
      this.#told.add(key);
      this.#onTrouble(accountOf(file, found));
    }
    return found;
  }

  /** Tells which photos currently have a sidecar in the app's data. */
  async away(): Promise<(photo: string) => boolean> {
    const names = new Set(await readdir(this.#folder).catch(() => []));
    return (photo) => names.has(path.basename(this.#awayOf(photo)));
  }

  /**
   * Changes a photo's sidecar; changes of the same photo run one after another.
   * @returns what there was, what was written, and whether it is beside the photo
   * @throws Refusal `disk` if neither place can be written to; `bad-argument` for a sidecar of a
   *   later version of the app, which is left unchanged
   */
  async update(photo: string, change: (sidecar: Sidecar) => Sidecar): Promise<Updated> {
    const before = this.#turns.get(photo) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.#update(photo, change));
    this.#turns.set(photo, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(photo) === turn) this.#turns.delete(photo);
    }
  }

  async #update(photo: string, change: (sidecar: Sidecar) => Sidecar): Promise<Updated> {
    const before = await this.read(photo);
    const sidecar = change(before);
    const bytes = Buffer.from(sidecarText(sidecar));
    try {
      await replace(besideOf(photo), bytes);
      return { before, sidecar, isBeside: true };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'disk') throw error;
      const away = this.#awayOf(photo);
      await mkdir(path.dirname(away), { recursive: true });
      await replace(away, bytes);
      return { before, sidecar, isBeside: false };
    }
  }

  #awayOf(photo: string): string {
    const name = createHash('sha256').update(photo).digest('hex').slice(0, 32);
    return path.join(this.#folder, `${name}${sidecarEnding}`);
  }
}

function besideOf(photo: string): string {
  return photo + sidecarEnding;
}

type Read = (Told | { readonly kind: 'absent'; readonly sidecar: undefined }) & {
  readonly modifiedMs: number;
};

async function read(file: string): Promise<Read> {
  const absent = { kind: 'absent', sidecar: undefined, modifiedMs: 0 } as const;
  try {
    const found = await stat(file);
    if (!found.isFile()) return absent;
    const modifiedMs = found.mtimeMs;
    const bytes = await readSmallFile(file, bytesMax);
    if (bytes === undefined) return { kind: 'damaged', sidecar: undefined, lost: [], modifiedMs };
    return { ...parseSidecar(bytes.toString()), modifiedMs };
  } catch {
    return absent;
  }
}

/** What of a damaged sidecar was kept, in words. */
function accountOf(file: string, { sidecar, lost }: Told & { kind: 'damaged' }): string {
  const name = path.basename(file);
  if (sidecar === undefined)
    return `${name} is damaged, and none of its edits can be read. It will be kept as ${name}.damaged.`;
  const fields = lost.join(', ');
  return `${name} is damaged: ${fields} cannot be read and will have the default. All else is kept, and the file as ${name}.damaged.`;
}

/** A damaged sidecar is renamed rather than overwritten. */
async function replace(file: string, bytes: Uint8Array): Promise<void> {
  const { kind } = await read(file);
  if (kind === 'later') {
    throw new Refusal(
      'bad-argument',
      `${path.basename(file)} was written by a later version of this app: get that version to change it`,
    );
  }
  if (kind === 'damaged') await rename(file, `${file}.damaged`).catch(() => undefined);
  await writeAtomically(file, [bytes], { overwrite: true });
}
