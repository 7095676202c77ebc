/**
 * Merges bursts of files: decodes and calibrates one frame at a time, and writes the merged frame
 * as a DNG.
 */

import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { holds, writeAtomically } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import { findBursts, type SeenPhoto } from '../burst/find.ts';
import { mergeBurst, type MergedBurst, type MergeOptions } from '../burst/merge.ts';
import { decodeRaw, summariseRaw } from '../raw/decode.ts';
import { cfaDng } from '../raw/dng.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import { calibratedFrame } from '../calibration/kept.ts';
import type { BurstOrder } from './protocol.ts';

/** Decoded frames kept for the next request, bytes. */
const keptBytesMax = 420e6;

/**
 * Merges files.
 * @throws Refusal as `mergeBurst` and `decodeRaw`; `bad-argument` if the reference is not among the
 *   frames; `unsupported-file` for a file without a mosaic, or one that is merged already
 */
export async function mergeFiles(
  { frames, reference, motion }: BurstOrder,
  { signal, onProgress }: Pick<MergeOptions, 'signal' | 'onProgress'>,
): Promise<MergedBurst> {
  const index = reference === 'auto' ? 'auto' : indexOf(frames, reference);
  const store = new Frames(signal);
  const given = frames.map((file) => ({ name: path.basename(file), load: () => store.load(file) }));
  return mergeBurst(given, { reference: index, motion, signal, onProgress });
}

function indexOf(frames: readonly string[], reference: string): number {
  const wanted = path.resolve(reference);
  const index = frames.findIndex((frame) => path.resolve(frame) === wanted);
  if (index >= 0) return index;
  throw new Refusal(
    'bad-argument',
    `expected one of the frames, or auto, for --reference but received ${reference}`,
  );
}

/** Keeps decoded frames as long as there is room. The others are decoded again at each request. */
class Frames {
  readonly #kept = new Map<string, Mosaic>();
  readonly #signal: AbortSignal | undefined;
  #bytes = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async load(file: string): Promise<Mosaic> {
    const kept = this.#kept.get(file);
    if (kept !== undefined) {
      // Lets progress and cancellation run between frames.
      await turn();
      return kept;
    }
    const frame = await decoded(file, this.#signal);
    if (this.#bytes + frame.samples.byteLength <= keptBytesMax) {
      this.#bytes += frame.samples.byteLength;
      this.#kept.set(file, frame);
    }
    return frame;
  }
}

async function decoded(file: string, signal: AbortSignal | undefined): Promise<Mosaic> {
  const raw = await decodeRaw(file, signal === undefined ? {} : { signal });
  const name = path.basename(file);
  if (raw.kind !== 'mosaic') {
    throw new Refusal(
      'unsupported-file',
      `expected a RAW file with a mosaic for ${name}, but it was developed already`,
    );
  }
  if (raw.mosaic.merged !== undefined) {
    throw new Refusal(
      'unsupported-file',
      `expected a single frame for ${name}, but it was merged from ${raw.mosaic.merged.frames.length} frames already`,
    );
  }
  return calibratedFrame(raw.mosaic);
}

/** Name of a merged file: its reference's name and the number of frames. */
export function mergedName({ mosaic }: MergedBurst): string {
  const { merged } = mosaic;
  if (merged === undefined) throw new Error('expected a merged mosaic');
  const { name } = path.parse(merged.reference);
  return `${name}-${merged.frames.length}frames.dng`;
}

/**
 * Writes a merged mosaic under the first free name: `NAME.dng`, `NAME-2.dng` and so on.
 * @param isAgain whether a file that holds the very same bytes already is taken for it, because a
 *   merge that was ended just after writing begins anew
 * @returns its path
 * @throws Refusal `disk`, `cancelled`
 */
export async function writeMergedInto(
  burst: MergedBurst,
  folder: string,
  { isAgain, signal }: { readonly isAgain: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const { name, ext } = path.parse(mergedName(burst));
  for (let number = 1; ; number++) {
    const target = path.join(folder, `${number === 1 ? name : `${name}-${number}`}${ext}`);
    const outcome = await writeMerged(burst, target, { overwrite: false, signal });
    if (outcome === 'written') return target;
    if (isAgain && (await holds(target, cfaDng(burst.mosaic).chunks()))) return target;
  }
}

/** Writes a merged mosaic, wholly or not at all. */
export async function writeMerged(
  { mosaic }: MergedBurst,
  target: string,
  { overwrite, signal }: { readonly overwrite: boolean; readonly signal?: AbortSignal | undefined },
): Promise<'written' | 'taken'> {
  return writeAtomically(target, cfaDng(mosaic).chunks(), { overwrite, signal });
}

/** Finds the bursts among files. Unreadable files belong to none. */
export async function burstsAmong(
  files: readonly string[],
  signal?: AbortSignal,
): Promise<SeenPhoto[][]> {
  const seen: SeenPhoto[] = [];
  for (const file of files) {
    try {
      seen.push({
        path: file,
        summary: await summariseRaw(file, signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (error instanceof Refusal && error.code === 'cancelled') throw error;
    }
  }
  return findBursts(seen);
}
