/**
 * A DNG's colour by the specification: white balance and matrices, interpolated between the
 * illuminants that the camera was measured under (DNG 1.7.1, chapter 6, "Mapping Camera Color Space
 * to CIE XYZ Space").
 */

import { d50, bradford, inverse, isUsable, matrixOf, multiply, transform } from './matrix.ts';
import type { CameraColour, Matrix3, Vector3 } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const analogBalance = 50_727;
const asShotNeutral = 50_728;
const asShotWhiteXy = 50_729;
const cameraSignature = 50_931;
const profileSignature = 50_932;

/**
 * ColorMatrix, CameraCalibration, ForwardMatrix and CalibrationIlluminant of up to three
 * calibrations.
 */
const calibrations = [
  { matrix: 50_721, calibration: 50_723, forward: 50_964, illuminant: 50_778 },
  { matrix: 50_722, calibration: 50_724, forward: 50_965, illuminant: 50_779 },
  { matrix: 52_531, calibration: 52_530, forward: 52_532, illuminant: 52_529 },
] as const;

/** EXIF light sources with a colour temperature, in kelvin. */
const illuminantKelvin = new Map([
  [1, 5500],
  [2, 4150],
  [3, 2850],
  [4, 5500],
  [9, 5500],
  [10, 6500],
  [11, 7500],
  [12, 6430],
  [13, 5000],
  [14, 4230],
  [15, 3450],
  [17, 2856],
  [18, 4874],
  [19, 6774],
  [20, 5503],
  [21, 6504],
  [22, 7504],
  [23, 5003],
  [24, 3200],
]);

/** No light that cameras are balanced for has ratios beyond these. */
const maxGain = 50;

interface Calibration {
  /** 10⁶ ÷ kelvin of the illuminant; undefined if the file names one without a temperature. */
  readonly mired: number | undefined;
  /** XYZ → camera, including the deviations of this individual camera. */
  readonly xyzToCamera: Matrix3;
  /** Deviations of this individual camera from its model, and its analogue balance. */
  readonly individual: Matrix3;
  /** White-balanced reference camera → XYZ of D50. */
  readonly forward: Matrix3 | undefined;
}

const identity: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function calibrationsOf(first: TiffDirectory): readonly Calibration[] {
  const [red = 1, green = 1, blue = 1] = first.numbers(analogBalance);
  const balance: Matrix3 = [red, 0, 0, 0, green, 0, 0, 0, blue];
  // Calibrations only apply to the profile with their signature.
  const isMeant = (first.text(cameraSignature) ?? '') === (first.text(profileSignature) ?? '');
  return calibrations.flatMap((tags) => {
    const values = first.numbers(tags.matrix);
    const matrix = values.length === 9 ? matrixOf(values) : undefined;
    if (matrix === undefined) return [];
    const own = isMeant ? matrixOf(first.numbers(tags.calibration)) : undefined;
    const individual = multiply(balance, own ?? identity);
    const xyzToCamera = multiply(individual, matrix);
    if (!isUsable(individual) || !isUsable(xyzToCamera)) return [];
    const kelvin = illuminantKelvin.get(first.number(tags.illuminant) ?? 0);
    const mired = kelvin === undefined ? undefined : 1e6 / kelvin;
    return [{ mired, xyzToCamera, individual, forward: matrixOf(first.numbers(tags.forward)) }];
  });
}

/** The calibration for a light, interpolated in mireds between the two nearest. */
function calibrationAt(all: readonly Calibration[], mired: number): Calibration | undefined {
  const placed = all
    .flatMap((one) => (one.mired === undefined ? [] : [{ ...one, mired: one.mired }]))
    .toSorted((a, b) => a.mired - b.mired);
  const above = placed.find((one) => one.mired >= mired);
  const below = placed.findLast((one) => one.mired <= mired);
  if (above === undefined || below === undefined) return above ?? below ?? all[0];
  if (above.mired === below.mired) return above;
  const share = (mired - below.mired) / (above.mired - below.mired);
  const between = (a: Matrix3, b: Matrix3): Matrix3 =>
    matrixOf(a.map((value, index) => value + share * (b[index]! - value))) ?? a;
  const forward =
    below.forward !== undefined && above.forward !== undefined
      ? between(below.forward, above.forward)
      : undefined;
  return {
    mired,
    xyzToCamera: between(below.xyzToCamera, above.xyzToCamera),
    individual: between(below.individual, above.individual),
    forward,
  };
}

interface Chromaticity {
  readonly x: number;
  readonly y: number;
}

/** Correlated colour temperature in mireds (McCamy, Color Res. Appl. 17, 1992). */
function miredOf({ x, y }: Chromaticity): number {
  const n = (x - 0.332) / (0.1858 - y);
  const kelvin = ((449 * n + 3525) * n + 6823.3) * n + 5520.33;
  return 1e6 / Math.min(25_000, Math.max(1500, kelvin));
}

const xyzOf = ({ x, y }: Chromaticity): Vector3 => [x / y, 1, (1 - x - y) / y];

/**
 * The light that the camera recorded as this neutral. The matrix depends on the light, so it is
 * found iteratively.
 */
function lightOfNeutral(all: readonly Calibration[], neutral: Vector3): Chromaticity {
  let light: Chromaticity = { x: 0.34567, y: 0.3585 };
  for (let round = 0; round < 30; round++) {
    const at = calibrationAt(all, miredOf(light));
    if (at === undefined) break;
    const [x, y, z] = transform(inverse(at.xyzToCamera), neutral);
    const sum = x + y + z;
    const next = { x: x / sum, y: y / sum };
    if (!isLight(next)) break;
    const moved = Math.abs(next.x - light.x) + Math.abs(next.y - light.y);
    light = next;
    if (moved < 1e-7) break;
  }
  return light;
}

const isLight = ({ x, y }: Chromaticity): boolean => x > 0.05 && y > 0.05 && x + y < 0.95;

/** @returns undefined if the file has no matrix */
export function dngColour(
  first: TiffDirectory,
): (Omit<CameraColour, 'asShotGains'> & Partial<CameraColour>) | undefined {
  const all = calibrationsOf(first);
  if (all.length === 0) return undefined;
  const [x = Number.NaN, y = Number.NaN] = first.numbers(asShotWhiteXy);
  const stated = neutralOf(first.numbers(asShotNeutral));
  const light = stated === undefined ? { x, y } : lightOfNeutral(all, stated);
  if (!isLight(light)) {
    const daylight = calibrationAt(all, 1e6 / 6504);
    return daylight && { xyzToCamera: daylight.xyzToCamera };
  }
  const at = calibrationAt(all, miredOf(light));
  if (at === undefined) return undefined;
  const neutral = stated ?? transform(at.xyzToCamera, xyzOf(light));
  const [red, green, blue] = neutral;
  const asShotGains: Vector3 = [green / red, 1, green / blue];
  if (!asShotGains.every(isGain)) return { xyzToCamera: at.xyzToCamera };
  const balancedToXyz = balancedMatrix(all, at, neutral, light);
  return {
    xyzToCamera: at.xyzToCamera,
    asShotGains,
    ...(balancedToXyz === undefined ? {} : { balancedToXyz }),
  };
}

export const isGain = (gain: number): boolean => gain > 1 / maxGain && gain < maxGain;

function neutralOf([red, green, blue]: readonly number[]): Vector3 | undefined {
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  const neutral: Vector3 = [red, green, blue];
  return neutral.every((value) => value > 0 && value < 1e4) ? neutral : undefined;
}

/**
 * White-balanced camera RGB → XYZ of D50. Undefined for files with one daylight matrix and no
 * forward matrix, where white balance alone accounts for a change of light.
 */
function balancedMatrix(
  all: readonly Calibration[],
  at: Calibration,
  neutral: Vector3,
  light: Chromaticity,
): Matrix3 | undefined {
  const [n1, n2, n3] = neutral;
  const fromBalanced: Matrix3 = [n1, 0, 0, 0, n2, 0, 0, 0, n3];
  if (at.forward !== undefined) {
    // The forward matrix belongs to the model, so this individual camera's deviations are removed
    // first.
    const toReference = inverse(at.individual);
    const [r1, r2, r3] = transform(toReference, neutral);
    const balance: Matrix3 = [1 / r1, 0, 0, 0, 1 / r2, 0, 0, 0, 1 / r3];
    const matrix = multiply(at.forward, multiply(balance, multiply(toReference, fromBalanced)));
    return isUsable(matrix) ? matrix : undefined;
  }
  if (all.length < 2) return undefined;
  const adapted = multiply(bradford(xyzOf(light), d50), inverse(at.xyzToCamera));
  const matrix = multiply(adapted, fromBalanced);
  const white = matrix[3] + matrix[4] + matrix[5];
  const scaled = matrixOf(matrix.map((value) => value / white));
  return scaled !== undefined && isUsable(scaled) ? scaled : undefined;
}
