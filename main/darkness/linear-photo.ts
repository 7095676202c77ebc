/** A clean photograph as linear light, packed small: what scenes are made of. */

/** Light is kept up to this many times white. */
const BRIGHTEST = 8;
const CODE_STEP = Math.sqrt(BRIGHTEST) / 65535;

/** A clean picture in linear light, packed small: 6 bytes a pixel. */
export interface LinearPhoto {
  /** File name without folder: what an exclude list names. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /**
   * width × height × 3, interleaved R, G, B. A code c stands for 8 · (c / 65535)² of white, which
   * keeps steps below 1e-4 of white at white and below 1e-6 in the shadows.
   */
  readonly codes: Uint16Array;
  /**
   * `srgb`: linear light on sRGB's primaries, white is (1, 1, 1). `camera`: white-balanced linear
   * camera RGB (from a RAW file), white is (1, 1, 1) too.
   */
  readonly space: 'srgb' | 'camera';
}

/** Linear light of a code, 0 … 8. */
export function lightOfCode(code: number): number {
  const root = code * CODE_STEP;
  return root * root;
}

/** Code of a linear light; clipped to 0 … 8, NaN becomes 0. */
export function codeOfLight(light: number): number {
  if (!(light > 0)) return 0;
  return light >= BRIGHTEST ? 65535 : Math.round(Math.sqrt(light) / CODE_STEP);
}
