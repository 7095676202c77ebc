/** From the file's numbers to light: black is 0, saturation is 1, and noise below black stays. */

import type { Mosaic, PerSite } from '../raw/mosaic.ts';

/** A sample s of a site becomes (s − black) · scale. */
export interface Normalisation {
  readonly black: PerSite;
  readonly scale: PerSite;
}

/**
 * How each site of the mosaic is brought to 0–1. The result is signed: noise below black carries
 * half of what is known about a dark area, and clipping it turns the area purple.
 */
export function normalisation(mosaic: Mosaic): Normalisation {
  const black = mosaic.opticalBlack ?? mosaic.blackLevel;
  const scale = (level: number): number => 1 / Math.max(1, mosaic.whiteLevel - level);
  return { black, scale: [scale(black[0]), scale(black[1]), scale(black[2]), scale(black[3])] };
}
