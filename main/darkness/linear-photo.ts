/** A clean photograph as linear light in a compact form, from which scenes are made. */

/** Light is stored up to this many times white. */
const brightest = 8;
const codeStep = Math.sqrt(brightest) / 65535;

/** A clean picture in linear light, stored in 6 bytes per pixel. */
export interface LinearPhoto {
  /** File name without folder, as used in exclude lists. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /**
   * width × height × 3, interleaved R, G, B. A code c stands for 8 · (c / 65535)² of white. Steps
   * are below 1e-4 of white at white, and below 1e-6 in the shadows.
   */
  readonly codes: Uint16Array;
  /**
   * `srgb`: linear light with sRGB's primaries. `camera`: white-balanced linear camera RGB from a
   * RAW file. In both, white is (1, 1, 1).
   */
  readonly space: 'srgb' | 'camera';
}

/** Linear light of a code, 0 … 8. */
export function lightOfCode(code: number): number {
  const root = code * codeStep;
  return root * root;
}

/** Code of a linear light; clipped to 0 … 8, NaN becomes 0. */
export function codeOfLight(light: number): number {
  if (!(light > 0)) return 0;
  return light >= brightest ? 65535 : Math.round(Math.sqrt(light) / codeStep);
}
