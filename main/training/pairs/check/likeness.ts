/** Whether two frames show the same scene at all: how alike the light is spread over them. */

import { comparableBlocks, type Cells } from './measure.ts';

/**
 * Below this, frames are of different scenes. Measured on 22 photos and 8 made scenes, at ISO 100 ×4,
 * 1600 ×100, 6400 ×250, 25600 ×100 and ×300, wherever there is a likeness: the same scene 0.914 and
 * more, 0.767 with a trail of light over a twentieth of the long exposure; its finished picture
 * 0.896, with an S-curve 0.79, four times as bright 0.905; another scene or its picture −0.40 … 0.63.
 */
export const LIKENESS_MIN = 0.7;

/** The short exposure's blocks differ by at least this many times their noise, or nothing is said. */
const CONTRAST_MIN = 2;

/**
 * The correlation of block means, −1 … 1: of the light, to which lamps count most, or of its ranks,
 * to which neither a passing car nor a picture's curve does, whichever is more.
 *
 * @param ratio long ÷ short; that of the means where nobody knows it, and for a finished picture, whose
 *   brightness is its maker's
 * @returns undefined where the scene is too flat, or too dark for the short exposure, to tell
 */
export function measureLikeness(
  short: Cells,
  long: Cells,
  ratio: number | undefined,
): number | undefined {
  const blocks = comparableBlocks(short, long);
  if (blocks === undefined) return undefined;
  const [light, dark] = [blocks.map((block) => block.long), blocks.map((block) => block.short)];
  const gain = ratio === undefined ? Math.abs(mean(dark)) / mean(light) : 1 / ratio;
  const noise = Math.sqrt(mean(blocks.map(({ shortVariance }) => shortVariance)));
  if (!(spreadOf(light) * gain > CONTRAST_MIN * noise)) return undefined;
  return Math.max(correlation(light, dark), correlation(ranks(light), ranks(dark)));
}

/** Half of what the middle two thirds span: a standard deviation to which a few lamps do not count. */
function spreadOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return (at(0.84) - at(0.16)) / 2;
}

function ranks(values: readonly number[]): number[] {
  const ranked = values.map(() => 0);
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  for (const [rank, at] of order.entries()) ranked[at] = rank;
  return ranked;
}

/** Pearson's; 0 where either does not vary. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [at, value] of a.entries()) {
    const [x, y] = [value - meanA, b[at]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
