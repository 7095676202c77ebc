/** Merges a burst on its way through the engine, and reports progress in the engine's terms. */

import path from 'node:path';
import type { BurstProgress, MergedBurst } from '../burst/merge.ts';
import { Refusal } from '../base/refusal.ts';
import { mergeFiles } from './burst.ts';
import type { BurstOrder, BurstResult, PhotoProgress } from './protocol.ts';

/** Failures of the frames themselves; each frame may still be developed alone. */
const codesOfFrames = new Set(['bad-argument', 'damaged-file', 'unsupported-file']);

/**
 * @throws Refusal `burst` if the frames cannot be merged; `cancelled`, `disk`, `out-of-memory`
 */
export async function mergeInEngine(
  order: BurstOrder,
  {
    signal,
    onProgress,
  }: { readonly signal: AbortSignal; readonly onProgress: (progress: PhotoProgress) => void },
): Promise<MergedBurst> {
  const count = order.frames.length;
  try {
    return await mergeFiles(order, {
      signal,
      onProgress: (progress) => {
        const { done, total } = stepsOf(progress, count, order.motion === 'freeze');
        onProgress({ stage: 'merge', tilesDone: done, tilesTotal: total });
      },
    });
  } catch (error) {
    if (!(error instanceof Refusal) || !codesOfFrames.has(error.code)) throw error;
    throw new Refusal('burst', error.message, { cause: error });
  }
}

/** Every frame is looked at; then the others are placed, compared and added up. */
function stepsOf(
  { stage, framesDone, framesTotal }: BurstProgress,
  count: number,
  hasMotion: boolean,
): { readonly done: number; readonly total: number } {
  if (stage === 'look')
    return { done: framesDone, total: count + (hasMotion ? 3 : 2) * (count - 1) };
  const passes = hasMotion
    ? (['place', 'motion', 'merge'] as const)
    : (['place', 'merge'] as const);
  const pass = passes.findIndex((name) => name === stage);
  const others = count - 1;
  // Frames that were left out take no more steps, so the rest of a pass is longer.
  const share = framesTotal === 0 ? 1 : framesDone / framesTotal;
  return {
    done: Math.round(count + (pass + share) * others),
    total: count + passes.length * others,
  };
}

/** @param frames paths, in the order in which they were merged */
export function burstResultOf(burst: MergedBurst, frames: readonly string[]): BurstResult {
  const merged: string[] = [];
  const leftOut: BurstResult['leftOut'] = [];
  burst.frames.forEach((frame, index) => {
    const photo = frames[index] ?? path.basename(frame.name);
    if (frame.kind === 'left-out') {
      leftOut.push({ photo, reason: frame.reason, isCopy: frame.code === 'copy' });
    } else merged.push(photo);
  });
  return { merged, leftOut };
}
