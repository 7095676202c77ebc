/** Sensor faults other than noise in a dark frame: hot and dead pixels, amp glow, clipped black. */

import type { PerSite } from '../raw/mosaic.ts';
import type { Random } from './random.ts';

/** A pixel whose value is too high. */
export interface HotPixel {
  readonly x: number;
  readonly y: number;
  /** Excess over its light, DN; saturation may clip it. */
  readonly excessDn: number;
}

/** Range of a hot pixel's excess, as shares of the range from black to saturation; log-uniform. */
const hotExcess = [0.001, 1] as const;
/** Number of dead pixels for each hot one. */
const deadPerHot = 0.25;

/** Levels of the file, DN. */
interface Levels {
  readonly blackLevel: PerSite;
  readonly whiteLevel: number;
}

/**
 * Makes some pixels hot, and a quarter as many dead. Dead pixels have any value from 0 to black.
 * @param share of all pixels that are hot, 0–1
 * @param noisy width × height samples, DN; changed
 */
export function addDefects(
  noisy: Uint16Array,
  width: number,
  share: number,
  { blackLevel, whiteLevel }: Levels,
  random: Random,
): HotPixel[] {
  const hot: HotPixel[] = [];
  const rangeDn = whiteLevel - blackLevel[0];
  for (let left = random.poisson(share * deadPerHot * noisy.length); left > 0; left--) {
    const at = random.integer(noisy.length);
    const site = (Math.floor(at / width) & 1) * 2 + ((at % width) & 1);
    noisy[at] = Math.round(blackLevel[site]! * random.unit());
  }
  for (let left = random.poisson(share * noisy.length); left > 0; left--) {
    const at = random.integer(noisy.length);
    const excessDn = Math.round(rangeDn * random.logUniform(...hotExcess));
    noisy[at] = Math.min(whiteLevel, noisy[at]! + excessDn);
    hot.push({ x: at % width, y: Math.floor(at / width), excessDn });
  }
  return hot;
}

/** Light from warm readout electronics, as counted by the sensor. */
export interface AmpGlow {
  /** Position of the maximum, pixels; may be outside the frame. */
  readonly x: number;
  readonly y: number;
  readonly peakDn: number;
  /** Distance at which it has fallen to 1/e, pixels. */
  readonly reachPixels: number;
}

/**
 * Adds amp glow, equal for all colours, to the light that the sensor counts. Its shot noise is
 * added with that of the light.
 * @param cleanDn width × height samples above black, DN; changed
 */
export function addAmpGlow(
  cleanDn: Float32Array,
  width: number,
  height: number,
  { x, y, peakDn, reachPixels }: AmpGlow,
): void {
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      cleanDn[at]! += peakDn * Math.exp(-Math.hypot(column - x, row - y) / reachPixels);
    }
  }
}

/**
 * Clips values below black, like cameras that subtract black themselves.
 * @param noisy width × height samples, DN; changed
 */
export function clipBlack(noisy: Uint16Array, width: number, blackLevel: PerSite): void {
  for (let at = 0; at < noisy.length; at++) {
    const site = (Math.floor(at / width) & 1) * 2 + ((at % width) & 1);
    if (noisy[at]! < blackLevel[site]!) noisy[at] = blackLevel[site]!;
  }
}
