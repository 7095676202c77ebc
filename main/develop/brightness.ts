/** How much longer the exposure should have been: the ratio that `--ratio auto` takes. */

import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { ratioMax, ratioMin } from './amplify.ts';
import { blockMeans } from './block-means.ts';

/**
 * Where the log-average of the scene is put, in linear light. Middle grey of a day scene is 0.18;
 * a night keeps its mood two thirds of a stop below.
 */
const keyTarget = 0.12;
/**
 * Where the brightest hundredth of the scene begins, at most: lamps may clip, façades may not. The
 * tone curve shows it as 0.94.
 */
const highlightLimit = 1.2;
/**
 * Added to every block before its logarithm, as a share of the frame's mean: what is darker than
 * that is night to the eye, and its logarithm would be that of noise.
 */
const shadowShare = 0.03;

/**
 * A pleasing brightness from the frame itself: its log-average goes to `keyTarget`, unless the 99th
 * percentile would pass `highlightLimit`. Taken from block means, signed, white-balanced: a thousand
 * samples each leave no noise to speak of, and the same scene darkened ×N gets N times the ratio.
 * @param gains of R, G, B; green is 1
 * @returns ×1 (bright enough as it is) to ×300, to three significant digits
 */
export function autoRatio(mosaic: Mosaic, gains: Vector3): number {
  const { count, red, green, blue } = blockMeans(mosaic);
  // Rec. 709's weights rounded towards the middle: camera RGB is not quite its RGB.
  const luma = Float64Array.from(
    { length: count },
    (_, block) =>
      0.25 * gains[0] * red[block]! +
      0.6 * gains[1] * green[block]! +
      0.15 * gains[2] * blue[block]!,
  ).sort();
  const mean = luma.reduce((sum, value) => sum + value, 0) / count;
  if (!(mean > 0)) return ratioMax;
  const shadow = shadowShare * mean;
  const logMean =
    luma.reduce((sum, value) => sum + Math.log(Math.max(0, value) + shadow), 0) / count;
  const key = Math.exp(logMean) - shadow;
  const highlight = luma[Math.min(count - 1, Math.floor(0.99 * count))] ?? mean;
  const ratio = Math.min(
    keyTarget / Math.max(key, 1e-9),
    highlightLimit / Math.max(highlight, 1e-9),
  );
  return Number(Math.min(ratioMax, Math.max(ratioMin, ratio)).toPrecision(3));
}
