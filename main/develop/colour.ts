/** Converts a camera's own RGB to a standard colour space. */

import { bradford, d50, d65 } from '../raw/matrix.ts';
import type { CameraColour, Matrix3, Vector3 } from '../raw/mosaic.ts';
import type { OutputSpace } from '../raw/image.ts';

/** Linear RGB → XYZ (D65). Sources: IEC 61966-2-1, SMPTE EG 432-1, ITU-R BT.2020. */
const rgbToXyz: Readonly<Record<OutputSpace, Matrix3>> = {
  srgb: [
    0.4123908, 0.3575843, 0.1804808,
    0.2126390, 0.7151687, 0.0721923,
    0.0193308, 0.1191948, 0.9505322,
  ],
  'display-p3': [
    0.4865709, 0.2656677, 0.1982173,
    0.2289746, 0.6917385, 0.0792869,
    0.0000000, 0.0451134, 1.0439444,
  ],
  rec2020: [
    0.6369580, 0.1446169, 0.1688810,
    0.2627002, 0.6779981, 0.0593017,
    0.0000000, 0.0280727, 1.0609851,
  ],
}; // prettier-ignore

/**
 * How much of an out-of-gamut colour is kept when it is moved towards grey of the same luminance. A
 * deep colour, such as a blue lamp's, may have no luminance, and grey without luminance is black. Half
 * of such a colour is kept, and what is still below 0 is clipped.
 * @param y luminance, of any sign
 * @param least the smallest of the three, below 0
 * @returns 0.5–1
 */
export function gamutShare(y: number, least: number): number {
  return y > 0 ? Math.max(0.5, y / (y - least)) : 0.5;
}

/** Luminance weights of linear RGB in a space: the middle row of its matrix above. */
export function luminanceWeights(space: OutputSpace): Vector3 {
  const matrix = rgbToXyz[space];
  return [matrix[3], matrix[4], matrix[5]];
}

/**
 * White-balanced camera RGB → linear RGB of the output space; camera white becomes white. A DNG may
 * state the matrix for the light of the shot. Otherwise the camera's D65 matrix is used, and white
 * balance alone accounts for other lights, as in dcraw.
 */
export function cameraToOutput(colour: CameraColour, space: OutputSpace): Matrix3 {
  if (colour.balancedToXyz !== undefined) return fromBalanced(colour.balancedToXyz, space);
  const outputToCamera = multiply(colour.xyzToCamera, rgbToXyz[space]);
  const [a, b, c, d, e, f, g, h, i] = outputToCamera;
  const balance: Vector3 = [a + b + c, d + e + f, g + h + i];
  const balanced = outputToCamera.map(
    (value, index) => value / (balance[Math.floor(index / 3)] ?? 1),
  );
  return invert(matrix3(balanced));
}

function fromBalanced(balancedToXyz: Matrix3, space: OutputSpace): Matrix3 {
  const xyzToOutput = invert(rgbToXyz[space]);
  const matrix = multiply(xyzToOutput, multiply(bradford(d50, d65), balancedToXyz));
  // The standards' white points are rounded, so rows are normalised to make camera white exactly
  // white.
  const sum = (row: number): number => matrix[row]! + matrix[row + 1]! + matrix[row + 2]!;
  const sums = [sum(0), sum(3), sum(6)];
  return matrix3(matrix.map((value, index) => value / (sums[Math.floor(index / 3)] ?? 1)));
}

export function multiply(a: Matrix3, b: Matrix3): Matrix3 {
  return matrix3(
    Array.from({ length: 9 }, (_, index) => {
      const [row, column] = [Math.floor(index / 3) * 3, index % 3];
      return a[row]! * b[column]! + a[row + 1]! * b[column + 3]! + a[row + 2]! * b[column + 6]!;
    }),
  );
}

/** @throws Error if the matrix has no inverse */
export function invert([a, b, c, d, e, f, g, h, i]: Matrix3): Matrix3 {
  const [p, q, r] = [e * i - f * h, f * g - d * i, d * h - e * g];
  const determinant = a * p + b * q + c * r;
  if (!(Math.abs(determinant) > 1e-12)) throw new Error('expected a matrix that can be inverted');
  const cofactors = [
    p, c * h - b * i, b * f - c * e,
    q, a * i - c * g, c * d - a * f,
    r, b * g - a * h, a * e - b * d,
  ]; // prettier-ignore
  return matrix3(cofactors.map((value) => value / determinant));
}

export function transform(matrix: Matrix3, [x, y, z]: Vector3): Vector3 {
  const row = (at: 0 | 3 | 6): number => matrix[at] * x + matrix[at + 1]! * y + matrix[at + 2]! * z;
  return [row(0), row(3), row(6)];
}

function matrix3(values: readonly number[]): Matrix3 {
  const [a, b, c, d, e, f, g, h, i] = values;
  if (i === undefined) throw new Error('expected nine numbers');
  return [a!, b!, c!, d!, e!, f!, g!, h!, i];
}
