/**
 * Turns a crop of a clean photo into what a camera would have seen in some light at some exposure.
 */

import { invert } from '../develop/colour.ts';
import type { Matrix3, Vector3 } from '../raw/mosaic.ts';
import { colourMatrices } from './colour-matrices.ts';
import type { Random } from './random.ts';

/** Linear sRGB → XYZ (D65), IEC 61966-2-1. */
export const srgbToXyz: Matrix3 = [
  0.4124564, 0.3575761, 0.1804375,
  0.2126729, 0.7151522, 0.072175,
  0.0193339, 0.119192, 0.9503041,
]; // prettier-ignore

const identity: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** a · b. */
export function multiplied(a: Matrix3, b: Matrix3): Matrix3 {
  const cell = (row: number, column: number): number =>
    a[row * 3]! * b[column]! + a[row * 3 + 1]! * b[3 + column]! + a[row * 3 + 2]! * b[6 + column]!;
  return [
    cell(0, 0), cell(0, 1), cell(0, 2),
    cell(1, 0), cell(1, 1), cell(1, 2),
    cell(2, 0), cell(2, 1), cell(2, 2),
  ]; // prettier-ignore
}

/** Each row divided by its sum, so that (1, 1, 1) stays (1, 1, 1). */
function keepingWhite(m: Matrix3): Matrix3 {
  const red = m[0] + m[1] + m[2];
  const green = m[3] + m[4] + m[5];
  const blue = m[6] + m[7] + m[8];
  return [
    m[0] / red, m[1] / red, m[2] / red,
    m[3] / green, m[4] / green, m[5] / green,
    m[6] / blue, m[7] / blue, m[8] / blue,
  ]; // prettier-ignore
}

/**
 * Linear sRGB → white-balanced linear camera RGB; white stays white.
 * @param xyzToCamera XYZ (D65) → camera RGB before white balance, at any scale
 */
export function srgbToBalancedCamera(xyzToCamera: Matrix3): Matrix3 {
  return keepingWhite(multiplied(xyzToCamera, srgbToXyz));
}

const balancedMatrices: readonly Matrix3[] = Array.from(
  colourMatrices.values(),
  srgbToBalancedCamera,
);

/**
 * White-balanced linear camera RGB → linear sRGB, averaged over all listed cameras; white stays
 * white.
 */
export const meanCameraToSrgb: Matrix3 = ((): Matrix3 => {
  const matrices = balancedMatrices.map(invert);
  const cell = (index: number): number =>
    matrices.reduce((sum, matrix) => sum + matrix[index]!, 0) / matrices.length;
  return [cell(0), cell(1), cell(2), cell(3), cell(4), cell(5), cell(6), cell(7), cell(8)];
})();

/** a · (1 − share) + b · share. */
function blended(a: Matrix3, b: Matrix3, share: number): Matrix3 {
  const cell = (index: number): number => a[index]! * (1 - share) + b[index]! * share;
  return [cell(0), cell(1), cell(2), cell(3), cell(4), cell(5), cell(6), cell(7), cell(8)];
}

/** Rotates hue about the grey axis (Rodrigues) and scales saturation about the mean. */
export function hueAndSaturation(angleRadians: number, saturation: number): Matrix3 {
  const cosine = Math.cos(angleRadians) * saturation;
  const sine = (Math.sin(angleRadians) * saturation) / Math.sqrt(3);
  const grey = (1 - cosine) / 3;
  const on = cosine + grey;
  return [
    on, grey - sine, grey + sine,
    grey + sine, on, grey - sine,
    grey - sine, grey + sine, on,
  ]; // prettier-ignore
}

const permutations: readonly Matrix3[] = [
  [1, 0, 0, 0, 0, 1, 0, 1, 0],
  [0, 1, 0, 1, 0, 0, 0, 0, 1],
  [0, 1, 0, 0, 0, 1, 1, 0, 0],
  [0, 0, 1, 1, 0, 0, 0, 1, 0],
  [0, 0, 1, 0, 1, 0, 1, 0, 0],
];

/** How one patch's light is converted to camera colour. */
export interface SceneLook {
  /** The photo's linear RGB → white-balanced linear camera RGB, exposure included. */
  readonly toBalancedCamera: Matrix3;
  /** White balance gains for the scene's light; green is 1. */
  readonly whiteBalance: Vector3;
}

/**
 * Draws a look by the recipe: exposure ×0.3–1.6; a blend of two cameras' colours; white balance
 * 1.2–3.0 for red and blue; channels swapped in 15 % of the patches; hue rotated by up to ±60° and
 * saturation ×0.7–1.5 in 30 %.
 */
export function drawLook(space: 'srgb' | 'camera', random: Random): SceneLook {
  const exposure = random.logUniform(0.3, 1.6);
  const camera = blended(
    random.pick(balancedMatrices),
    random.pick(balancedMatrices),
    random.unit(),
  );
  let matrix: Matrix3 = space === 'srgb' ? camera : identity;
  if (random.chance(0.3)) {
    const angle = (random.uniform(-60, 60) * Math.PI) / 180;
    matrix = multiplied(matrix, hueAndSaturation(angle, random.uniform(0.7, 1.5)));
  }
  if (random.chance(0.15)) matrix = multiplied(matrix, random.pick(permutations));
  const whiteBalance: Vector3 = [random.uniform(1.2, 3), 1, random.uniform(1.2, 3)];
  const scaled = matrix.map((cell) => cell * exposure);
  const cell = (index: number): number => scaled[index]!;
  return {
    toBalancedCamera: [
      cell(0), cell(1), cell(2), cell(3), cell(4), cell(5), cell(6), cell(7), cell(8),
    ],
    whiteBalance,
  }; // prettier-ignore
}
