/** A camera's colour: white balance gains and XYZ → camera matrix, from the best source a file has. */

import type { LibRawMetadata } from './libraw.ts';
import type { CameraColour, Matrix3, Vector3 } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/** XYZ (D65, Y = 1) → linear sRGB (IEC 61966-2-1). */
const XYZ_TO_SRGB: Matrix3 = [
  3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259,
  1.0572252,
];

/** The white of D65 in XYZ. */
const D65: Vector3 = [0.95047, 1, 1.08883];

/** For a camera nothing is known of: the middle of many measured ones. */
const TYPICAL: Matrix3 = [0.8, -0.24, -0.09, -0.56, 1.35, 0.24, -0.12, 0.22, 0.66];

/**
 * Cameras whose name the pinned LibRaw build loses, and the matrix with it. Figures are Adobe's, as
 * dcraw's `adobe_coeff` table gives them, in ten-thousandths.
 */
const CIFF_CAMERAS: ReadonlyMap<string, Matrix3> = new Map<string, Matrix3>([
  ['Canon EOS 10D', [8197, -2000, -1118, -6714, 14335, 2592, -2536, 3178, 8266]],
  ['Canon EOS D30', [9805, -2689, -1312, -5803, 13064, 3068, -2438, 3075, 8775]],
  ['Canon EOS D60', [6188, -1341, -890, -7168, 14489, 2937, -2640, 3228, 8483]],
  ['Canon EOS 300D DIGITAL', [8197, -2000, -1118, -6714, 14335, 2592, -2536, 3178, 8266]],
  ['Canon EOS DIGITAL REBEL', [8197, -2000, -1118, -6714, 14335, 2592, -2536, 3178, 8266]],
  ['Canon PowerShot G2', [9087, -2693, -1049, -6715, 14382, 2537, -2291, 2819, 7790]],
  ['Canon PowerShot G3', [9212, -2781, -1073, -6573, 14189, 2605, -2300, 2844, 7664]],
  ['Canon PowerShot G5', [9757, -2872, -933, -5972, 13861, 2301, -1622, 2328, 7212]],
  ['Canon PowerShot G6', [9877, -3775, -871, -7613, 14807, 3072, -1448, 1305, 7485]],
  ['Canon PowerShot Pro1', [10062, -3522, -999, -7643, 15117, 2730, -765, 817, 7323]],
  ['Canon PowerShot S30', [10566, -3652, -1129, -6552, 14662, 2006, -2197, 2581, 7670]],
  ['Canon PowerShot S40', [8510, -2487, -940, -6869, 14231, 2900, -2318, 2829, 9013]],
  ['Canon PowerShot S45', [8163, -2333, -955, -6682, 14174, 2751, -2077, 2597, 8041]],
  ['Canon PowerShot S50', [8882, -2571, -863, -6348, 14234, 2288, -1516, 2172, 6569]],
  ['Canon PowerShot S60', [8795, -2482, -797, -7804, 15403, 2573, -1422, 1996, 7082]],
  ['Canon PowerShot S70', [9976, -3810, -832, -7115, 14463, 2906, -901, 989, 7889]],
]);

/** EXIF light sources with a colour temperature, in kelvin. */
const ILLUMINANT_KELVIN = new Map([
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

const ANALOG_BALANCE = 50_727;
/** ColorMatrix, CameraCalibration, CalibrationIlluminant, for the up to two a DNG holds. */
const DNG_COLOUR = [
  { matrix: 50_721, calibration: 50_723, illuminant: 50_778 },
  { matrix: 50_722, calibration: 50_724, illuminant: 50_779 },
] as const;

/** Ratios beyond these are no light a camera was ever balanced for. */
const MAX_GAIN = 20;
const MAX_COEFFICIENT = 100;

function matrixOf(values: readonly number[]): Matrix3 | undefined {
  const [a, b, c, d, e, f, g, h, i] = values;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined)
    return undefined;
  if (f === undefined || g === undefined || h === undefined || i === undefined) return undefined;
  const matrix: Matrix3 = [a, b, c, d, e, f, g, h, i];
  const isBounded = matrix.every((value) => Math.abs(value) < MAX_COEFFICIENT);
  return isBounded && Math.abs(determinant(matrix)) > 1e-4 ? matrix : undefined;
}

function determinant([a, b, c, d, e, f, g, h, i]: Matrix3): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

function multiply(left: Matrix3, right: Matrix3): Matrix3 {
  const at = (row: number, column: number): number =>
    left[row * 3]! * right[column]! +
    left[row * 3 + 1]! * right[3 + column]! +
    left[row * 3 + 2]! * right[6 + column]!;
  return [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 1), at(1, 2), at(2, 0), at(2, 1), at(2, 2)];
}

function inverse(matrix: Matrix3): Matrix3 {
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

/** AnalogBalance · CameraCalibration · ColorMatrix for the illuminant nearest to D65 (DNG 1.4, chapter 6). */
function dngMatrix(first: TiffDirectory): Matrix3 | undefined {
  let best: { matrix: Matrix3; distance: number } | undefined;
  for (const tags of DNG_COLOUR) {
    const matrix = matrixOf(first.numbers(tags.matrix));
    if (matrix === undefined || first.numbers(tags.matrix).length !== 9) continue;
    const kelvin = ILLUMINANT_KELVIN.get(first.number(tags.illuminant) ?? 0) ?? 20_000;
    const distance = Math.abs(1 / kelvin - 1 / 6504);
    if (best !== undefined && best.distance <= distance) continue;
    const calibration = matrixOf(first.numbers(tags.calibration));
    best = { matrix: calibration === undefined ? matrix : multiply(calibration, matrix), distance };
  }
  if (best === undefined) return undefined;
  const [red = 1, green = 1, blue = 1] = first.numbers(ANALOG_BALANCE);
  return matrixOf(multiply([red, 0, 0, 0, green, 0, 0, 0, blue], best.matrix));
}

/** LibRaw's own camera → sRGB matrix turned round; for cameras it knows by formula only (old Kodaks). */
function matrixFromRgbCam(rows: readonly (readonly number[])[]): Matrix3 | undefined {
  const cameraToSrgb = matrixOf(rows.flatMap((row) => row.slice(0, 3)));
  if (cameraToSrgb === undefined) return undefined;
  const isIdentity = cameraToSrgb.every(
    (value, index) => Math.abs(value - (index % 4 === 0 ? 1 : 0)) < 1e-6,
  );
  return isIdentity ? undefined : matrixOf(multiply(inverse(cameraToSrgb), XYZ_TO_SRGB));
}

/** XYZ (D65) → camera RGB: the DNG's own, LibRaw's table, ours for what it loses, or a typical one. */
function xyzToCameraOf(
  metadata: LibRawMetadata,
  dng: TiffDirectory | undefined,
  camera: string,
): Matrix3 {
  const { cam_xyz, rgb_cam } = metadata.color_data;
  const table = CIFF_CAMERAS.get(camera)?.map((value) => value / 10_000);
  return (
    (dng === undefined ? undefined : dngMatrix(dng)) ??
    matrixOf(cam_xyz.slice(0, 3).flatMap((row) => row.slice(0, 3))) ??
    matrixOf(table ?? []) ??
    matrixFromRgbCam(rgb_cam) ??
    TYPICAL
  );
}

const isGain = (gain: number): boolean => gain > 1 / MAX_GAIN && gain < MAX_GAIN;

/** What makes D65 neutral: where a camera says nothing, daylight is the honest guess. */
function daylightGains(matrix: Matrix3): Vector3 {
  const [red, green, blue] = [0, 1, 2].map(
    (row) =>
      matrix[row * 3]! * D65[0] + matrix[row * 3 + 1]! * D65[1] + matrix[row * 3 + 2]! * D65[2],
  );
  const gains: Vector3 = [green! / red!, 1, green! / blue!];
  return gains.every(isGain) ? gains : [2, 1, 1.5];
}

/**
 * @param dng first directory of a DNG; undefined for other formats
 * @param camera make and model as the file has them
 */
export function cameraColour(
  metadata: LibRawMetadata,
  dng: TiffDirectory | undefined,
  camera: string,
): CameraColour {
  const xyzToCamera = xyzToCameraOf(metadata, dng, camera);
  const [red = 0, green = 0, blue = 0] = metadata.color_data.cam_mul;
  const asShot: Vector3 = [red / green, 1, blue / green];
  return { asShotGains: asShot.every(isGain) ? asShot : daylightGains(xyzToCamera), xyzToCamera };
}
