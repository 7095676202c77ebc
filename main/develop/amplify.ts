/** Brightens a packed window as a longer exposure would have: linear, one control. */

import type { Vector3 } from '../raw/mosaic.ts';

/** Exposure ratios that can be asked for. */
export const ratioMin = 1;
export const ratioMax = 300;

/**
 * The range the network was trained on, in amplified units: what is brighter is as good as lost to
 * it, and reaches the tone curve as this.
 */
export const amplifiedLimit = 4;

/**
 * Multiplies by the ratio and the white balance and clamps to ± `amplifiedLimit`, in place. White
 * balance before the network is worth 0.4 dB: it then sees neutral greys whatever the light.
 * @param packed [4, area], from `packWindow`
 * @param ratio long ÷ short exposure
 * @param gains of R, G, B; green is 1
 */
export function amplify(packed: Float32Array, ratio: number, gains: Vector3): Float32Array {
  const area = packed.length / 4;
  const [red, green, blue] = gains;
  [red, green, green, blue].forEach((gain, site) => {
    const factor = ratio * gain;
    for (let i = site * area, end = i + area; i < end; i++) {
      // min and max compile to no branch: four times as fast here as two comparisons.
      packed[i] = Math.max(-amplifiedLimit, Math.min(amplifiedLimit, packed[i]! * factor));
    }
  });
  return packed;
}
