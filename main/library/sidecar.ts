/**
 * Stores edits, their history and rating of a photo in a file beside it, or in the app's data if that is not
 * possible.
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { defaultEdits, editsSchema } from '../../preload/contract/edits.ts';
import { snapshotsSchema } from '../../preload/contract/undo.ts';
import { writeAtomically } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import { sidecarEnding } from './folder.ts';
import { historySchema } from './history.ts';
import { storedLook, withAllEdits } from './stored-look.ts';

/**
 * Version 2 has the photo's model among its edits; photos of version 1 had the one of the settings. A
 * later version of the app will raise `version` and read earlier ones.
 */
const version = 2;
const sidecarSchema = z.object({
  format: z.literal('nightglass-edits'),
  version: z.union([z.literal(1), z.literal(version)]),
  rating: z.number().int().min(0).max(5),
  edits: z.preprocess(withAllEdits, editsSchema),
  snapshots: z.preprocess(withAllSnapshots, snapshotsSchema).default([]),
  // Edits count more than the way to them.
  history: historySchema.catch([]),
});

/** Snapshots too may be older than the newest of the edits. */
function withAllSnapshots(snapshots: unknown): unknown {
  const known = z.array(z.looseObject({ edits: z.unknown() })).safeParse(snapshots);
  return known.success
    ? known.data.map((one) => ({ ...one, edits: withAllEdits(one.edits) }))
    : snapshots;
}

const anyVersionSchema = z.object({ format: z.literal('nightglass-edits'), version: z.number() });

export type Sidecar = Omit<z.infer<typeof sidecarSchema>, 'format' | 'version'>;

interface Updated {
  readonly before: Sidecar;
  readonly sidecar: Sidecar;
  readonly isBeside: boolean;
}

export const newSidecar: Sidecar = { rating: 0, edits: defaultEdits, snapshots: [], history: [] };

/** A sidecar with the longest history has half of this; a larger file is not one. */
const bytesMax = 200_000;

export class Sidecars {
  readonly #folder: string;
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param folder for sidecars of photos on read-only disks */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The look that the photo itself carries, or default values, if there is no readable sidecar. */
  async read(photo: string): Promise<Sidecar> {
    const [beside, away] = await Promise.all([read(besideOf(photo)), read(this.#awayOf(photo))]);
    // Both exist if a disk has become writable or read-only in the meantime; the later one counts.
    const [first, second] = away.modifiedMs > beside.modifiedMs ? [away, beside] : [beside, away];
    const known = first.sidecar ?? second.sidecar;
    if (known !== undefined) return known;
    const edits = await storedLook(photo);
    return edits === undefined ? newSidecar : { ...newSidecar, edits };
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
    const { rating, edits, snapshots, history } = sidecar;
    const content = { format: 'nightglass-edits', version, rating, edits, snapshots, history };
    const bytes = Buffer.from(`${JSON.stringify(sidecarSchema.parse(content), null, 2)}\n`);
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

interface Read {
  readonly sidecar: Sidecar | undefined;
  readonly modifiedMs: number;
  readonly kind: 'absent' | 'damaged' | 'later' | 'read';
}

async function read(file: string): Promise<Read> {
  let text: string;
  let modifiedMs: number;
  try {
    const found = await stat(file);
    if (!found.isFile()) return { sidecar: undefined, modifiedMs: 0, kind: 'absent' };
    if (found.size > bytesMax) return { sidecar: undefined, modifiedMs: 0, kind: 'damaged' };
    modifiedMs = found.mtimeMs;
    text = await readFile(file, 'utf8');
  } catch {
    return { sidecar: undefined, modifiedMs: 0, kind: 'absent' };
  }
  try {
    const json: unknown = JSON.parse(text);
    const parsed = sidecarSchema.safeParse(json);
    if (parsed.success) return { sidecar: parsed.data, modifiedMs, kind: 'read' };
    const any = anyVersionSchema.safeParse(json);
    const kind = any.success && any.data.version > version ? 'later' : 'damaged';
    return { sidecar: undefined, modifiedMs, kind };
  } catch {
    return { sidecar: undefined, modifiedMs, kind: 'damaged' };
  }
}

/** An unreadable sidecar is renamed rather than overwritten. */
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
