/**
 * The tone curve and the output space's encoding in one table: linear light from 0 to `toneMax` in,
 * 0–65535 out. The formulas are short and closed-form because the app's shader repeats them.
 */

import { amplifiedLimit } from './amplify.ts';
import type { OutputSpace } from '../raw/image.ts';

/** The picture stays linear up to here; brighter light is rolled off. */
const kneeLinear = 0.7;

/**
 * Rolls highlights off: the identity up to the knee, then a shoulder that starts with the same
 * slope and approaches 1 at infinity. Light amplified beyond white keeps its shape instead of
 * clipping.
 * @param x linear light, ≥ 0
 * @returns 0–1
 */
export function rollOff(x: number): number {
  if (x <= kneeLinear) return x;
  const room = 1 - kneeLinear;
  return kneeLinear + room * (1 - Math.exp(-(x - kneeLinear) / room));
}

/** The inverse of `rollOff` for `x` in 0–1; results near white are limited to `toneMax`. */
export function unrolled(x: number): number {
  if (x <= kneeLinear) return x;
  const room = 1 - kneeLinear;
  const left = 1 - (x - kneeLinear) / room;
  return left > 0 ? Math.min(toneMax, kneeLinear - room * Math.log(left)) : toneMax;
}

/** Linear light (0–1) of an sRGB value (IEC 61966-2-1): the inverse of `encode`. */
export function srgbLight(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/**
 * The space's opto-electronic transfer function. Display P3 uses sRGB's; Rec. 2020's is that of
 * ITU-R BT.2020 (12-bit constants).
 * @param x 0–1
 */
export function encode(x: number, space: OutputSpace): number {
  if (space === 'rec2020') {
    const [alpha, beta] = [1.09929682680944, 0.018053968510807];
    return x < beta ? 4.5 * x : alpha * x ** 0.45 - (alpha - 1);
  }
  return x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055;
}

/** Highest linear value that differs from white; brighter light is shown like this value. */
export const toneMax = amplifiedLimit;

/** Last index of the tone table. */
const toneTableLast = 65_535;

/** The square root of a linear value times this is its index in the tone table. */
export const toneTableScale = toneTableLast / Math.sqrt(toneMax);

/**
 * Roll-off and encoding for linear values (n / `toneTableScale`)², 0–65535. The square root nearly
 * follows the curve's own shape, so neighbouring entries differ by at most three of 65,535 and the
 * nearest one is accurate enough.
 */
export function toneTable(space: OutputSpace): Uint16Array {
  return Uint16Array.from({ length: toneTableLast + 1 }, (_, index) =>
    Math.round(65_535 * encode(rollOff((index / toneTableScale) ** 2), space)),
  );
}
