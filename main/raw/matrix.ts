/** 3×3 matrices of camera colour, and adaptation from one white to another. */

import type { Matrix3, Vector3 } from './mosaic.ts';

/** XYZ of D50, as specified by the ICC. */
export const d50: Vector3 = [0.9642, 1, 0.8249];
/** XYZ of D65. */
export const d65: Vector3 = [0.95047, 1, 1.08883];

const maxCoefficient = 100;

/**
 * Nine numbers as a matrix; undefined if there are fewer, if they are implausible, or if there is
 * no inverse.
 */
export function matrixOf(values: readonly number[]): Matrix3 | undefined {
  const [a, b, c, d, e, f, g, h, i] = values;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    return undefined;
  if (f === undefined || g === undefined || h === undefined || i === undefined) return undefined;
  const matrix: Matrix3 = [a, b, c, d, e, f, g, h, i];
  return isUsable(matrix) ? matrix : undefined;
}

export function isUsable(matrix: Matrix3): boolean {
  const isBounded = matrix.every((value) => Math.abs(value) < maxCoefficient);
  return isBounded && Math.abs(determinant(matrix)) > 1e-4;
}

function determinant([a, b, c, d, e, f, g, h, i]: Matrix3): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

export function multiply(left: Matrix3, right: Matrix3): Matrix3 {
  const at = (row: number, column: number): number =>
    left[row * 3]! * right[column]! +
    left[row * 3 + 1]! * right[3 + column]! +
    left[row * 3 + 2]! * right[6 + column]!;
  return [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)];
}

/** @param matrix with an inverse (see `isUsable`) */
export function inverse(matrix: Matrix3): Matrix3 {
  const [a, b, c, d, e, f, g, h, i] = matrix;
  const scale = 1 / determinant(matrix);
  return [
    (e * i - f * h) * scale,
    (c * h - b * i) * scale,
    (b * f - c * e) * scale,
    (f * g - d * i) * scale,
    (a * i - c * g) * scale,
    (c * d - a * f) * scale,
    (d * h - e * g) * scale,
    (b * g - a * h) * scale,
    (a * e - b * d) * scale,
  ];
}

export function transform(matrix: Matrix3, [x, y, z]: Vector3): Vector3 {
  const row = (at: 0 | 3 | 6): number => matrix[at] * x + matrix[at + 1]! * y + matrix[at + 2]! * z;
  return [row(0), row(3), row(6)];
}

// prettier-ignore
const bradfordMatrix: Matrix3 = [
   0.8951,  0.2664, -0.1614,
  -0.7502,  1.7135,  0.0367,
   0.0389, -0.0685,  1.0296,
];

/** Adapts XYZ under one white to another (Bradford; ICC.1, annex E). */
export function bradford(from: Vector3, to: Vector3): Matrix3 {
  const [f1, f2, f3] = transform(bradfordMatrix, from);
  const [t1, t2, t3] = transform(bradfordMatrix, to);
  const scale: Matrix3 = [t1 / f1, 0, 0, 0, t2 / f2, 0, 0, 0, t3 / f3];
  return multiply(inverse(bradfordMatrix), multiply(scale, bradfordMatrix));
}
