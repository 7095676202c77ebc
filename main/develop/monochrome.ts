/** Removes the colour that the network invents for a sensor without colour. */

import type { Mosaic } from '../raw/mosaic.ts';

/** Gives every pixel of a monochrome frame the mean of its three colours, in place. */
export function greyed(
  samples: Float32Array,
  { isMonochrome }: Pick<Mosaic, 'isMonochrome'>,
): void {
  if (isMonochrome !== true) return;
  for (let i = 0; i < samples.length; i += 3) {
    const mean = (samples[i]! + samples[i + 1]! + samples[i + 2]!) / 3;
    samples.fill(mean, i, i + 3);
  }
}
