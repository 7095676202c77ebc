/**
 * Converts the file's numbers to light: black is 0, saturation is 1, and noise below black is kept.
 */

import type { Mosaic, PerSite } from '../raw/mosaic.ts';

/** A sample s of a site becomes (s − black) · scale. */
export interface Normalisation {
  readonly black: PerSite;
  readonly scale: PerSite;
}

/**
 * How each site of the mosaic is converted to light: 0 is black, 1 is the white that the camera
 * intended. The result is signed: noise below black carries half of the information about a dark
 * area, and clipping it turns the area purple.
 */
export function normalisation(mosaic: Mosaic): Normalisation {
  const black = mosaic.opticalBlack ?? mosaic.blackLevel;
  const clipping = clippingLevel(mosaic);
  const scale = (level: number): number => clipping / Math.max(1, mosaic.whiteLevel - level);
  return { black, scale: [scale(black[0]), scale(black[1]), scale(black[2]), scale(black[3])] };
}

/**
 * The light at which the sensor saturates. It differs from 1 with the file's baseline exposure:
 * cameras that reserve room for highlights ask for their samples to be shown brighter.
 */
export function clippingLevel({
  baselineExposureStops,
}: Pick<Mosaic, 'baselineExposureStops'>): number {
  return 2 ** baselineExposureStops;
}
