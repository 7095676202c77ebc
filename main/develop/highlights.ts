/**
 * Turns light that the sensor clipped white. Otherwise the camera's white balance would tint it.
 */

import type { Vector3 } from '../raw/mosaic.ts';
import { amplifiedLimit } from './amplify.ts';

/**
 * Clipping is assumed to begin at the first share of the stated white level and to be certain at
 * the second. Both are well below 1: sensors saturate below the level that their files state (a
 * GoPro Fusion at 0.95 of it), and the network rounds edges.
 */
const clippingBegins = 0.85;
const clippedSurely = 0.94;

/**
 * All colours clip at one level on the sensor, but at three levels after white balance, so that a
 * sun which clips all of them would turn pink. A clipped colour cannot tell how much brighter than
 * it the others are, so brighter ones are brought down to it. Nothing changes where only the
 * brightest colour is clipped, as in a red tail lamp.
 * @param samples linear, white-balanced camera RGB, interleaved, amplified; changed in place
 * @param ratio what they were amplified by
 * @param gains the white balance they have in them
 */
export function whitenClipped(samples: Float32Array, ratio: number, gains: Vector3): void {
  const [red, green, blue] = gains;
  // At higher ratios clipped samples lie beyond the network's range, and it already makes them
  // white.
  if (!(clippingBegins * ratio * Math.min(red, green, blue) < amplifiedLimit)) return;
  const ofRed = 1 / (ratio * red);
  const ofGreen = 1 / (ratio * green);
  const ofBlue = 1 / (ratio * blue);
  for (let i = 0; i < samples.length; i += 3) {
    const r = samples[i]!;
    const g = samples[i + 1]!;
    const b = samples[i + 2]!;
    const [sensorRed, sensorGreen, sensorBlue] = [r * ofRed, g * ofGreen, b * ofBlue];
    // NaN takes this branch too.
    if (!(Math.max(sensorRed, sensorGreen, sensorBlue) > clippingBegins)) continue;
    const isRed = clipping(sensorRed);
    const isGreen = clipping(sensorGreen);
    const isBlue = clipping(sensorBlue);
    samples[i] = Math.min(r, r + isGreen * (g - r), r + isBlue * (b - r));
    samples[i + 1] = Math.min(g, g + isRed * (r - g), g + isBlue * (b - g));
    samples[i + 2] = Math.min(b, b + isRed * (r - b), b + isGreen * (g - b));
  }
}

/**
 * The value that `whitenClipped` gives light that clipped every colour, amplified: the same in all
 * three.
 */
export function clippedWhite(ratio: number, gains: Vector3): number {
  return ratio * Math.min(...gains);
}

/**
 * A white balance other than the camera's would tint clipped light again. This divides it out of
 * such light beforehand; the window's shader does the same.
 * @param samples as `whitenClipped` leaves them; changed in place
 * @param white from `clippedWhite`
 * @param balance what they are about to be multiplied by
 */
export function keepWhite(samples: Float32Array, white: number, balance: Vector3): void {
  if (balance.every((factor) => factor === 1)) return;
  if (!(clippingBegins * white < amplifiedLimit)) return;
  const [red, green, blue] = balance;
  for (let i = 0; i < samples.length; i += 3) {
    const least = Math.min(samples[i]!, samples[i + 1]!, samples[i + 2]!) / white;
    if (!(least > clippingBegins)) continue;
    const share = clipping(least);
    samples[i]! *= 1 + share * (1 / red - 1);
    samples[i + 1]! *= 1 + share * (1 / green - 1);
    samples[i + 2]! *= 1 + share * (1 / blue - 1);
  }
}

/** How certain it is that a sensor value (white is 1) is clipped: 0–1, smooth. */
function clipping(value: number): number {
  const share = (value - clippingBegins) / (clippedSurely - clippingBegins);
  const within = share < 0 ? 0 : share > 1 ? 1 : share;
  return within * within * (3 - 2 * within);
}
