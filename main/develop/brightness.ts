/**
 * Works out the exposure ratio for `--ratio auto`: how much longer the exposure should have been.
 */

import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { ratioMax, ratioMin } from './amplify.ts';
import { blockMeans } from './block-means.ts';

/**
 * Target for the log-average of the scene, in linear light. Middle grey of a day scene is 0.18; two
 * thirds of a stop less keeps the mood of a night.
 */
const keyTarget = 0.12;
/**
 * Upper limit for the 99th percentile of the scene: lamps may clip, façades may not. The tone curve
 * shows this value as 0.94.
 */
const highlightLimit = 1.2;
/**
 * Added to every block before its logarithm, as a share of the frame's mean. Anything darker looks
 * black to the eye, and its logarithm would mostly measure noise.
 */
const shadowShare = 0.03;

/**
 * Chooses a pleasing brightness from the frame itself: moves its log-average to `keyTarget`, unless
 * that would lift the 99th percentile above `highlightLimit`. It works on signed, white-balanced
 * block means. Each averages a thousand samples, so noise hardly matters: the same scene darkened
 * ×N gets N times the ratio.
 * @param gains of R, G, B; green is 1
 * @returns ×1 (bright enough as it is) to ×300, to three significant digits
 */
export function autoRatio(mosaic: Mosaic, gains: Vector3): number {
  // Its brightness was chosen when it was developed.
  if (mosaic.developed !== undefined) return ratioMin;
  const { count, red, green, blue } = blockMeans(mosaic);
  // Rec. 709's weights, moved towards equal ones because camera RGB is not quite Rec. 709 RGB.
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
