/**
 * A camera's colour: white balance gains and XYZ → camera matrix, from the best source available.
 */

import { dngColour, isGain } from './dng-colour.ts';
import type { LibRawMetadata } from './libraw.ts';
import { d65, inverse, matrixOf, multiply, transform } from './matrix.ts';
import type { CameraColour, Matrix3, Vector3 } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

/** XYZ (D65, Y = 1) → linear sRGB (IEC 61966-2-1). */
const xyzToSrgb: Matrix3 = [
  3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259,
  1.0572252,
];

const asShotWhiteXy = 50_729;

/** For unknown cameras: the median of many measured ones. */
const typical: Matrix3 = [0.8, -0.24, -0.09, -0.56, 1.35, 0.24, -0.12, 0.22, 0.66];

/**
 * Cameras whose names the pinned LibRaw build loses, and so also their matrices. The figures are
 * Adobe's, from dcraw's `adobe_coeff` table, in ten-thousandths.
 */
const ciffCameras: ReadonlyMap<string, Matrix3> = new Map<string, Matrix3>([
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

/**
 * Inverts LibRaw's own camera → sRGB matrix, for cameras that it knows only by formula (old
 * Kodaks).
 */
function matrixFromRgbCam(rows: readonly (readonly number[])[]): Matrix3 | undefined {
  const cameraToSrgb = matrixOf(rows.flatMap((row) => row.slice(0, 3)));
  if (cameraToSrgb === undefined) return undefined;
  const isIdentity = cameraToSrgb.every(
    (value, index) => Math.abs(value - (index % 4 === 0 ? 1 : 0)) < 1e-6,
  );
  return isIdentity ? undefined : matrixOf(multiply(inverse(cameraToSrgb), xyzToSrgb));
}

/**
 * XYZ (D65) → camera RGB from LibRaw's table, from ours for cameras that LibRaw loses, or a typical
 * one.
 */
function xyzToCameraOf(metadata: LibRawMetadata, camera: string): Matrix3 {
  const { cam_xyz, rgb_cam } = metadata.color_data;
  const table = ciffCameras.get(camera)?.map((value) => value / 10_000);
  return (
    matrixOf(cam_xyz.slice(0, 3).flatMap((row) => row.slice(0, 3))) ??
    matrixOf(table ?? []) ??
    matrixFromRgbCam(rgb_cam) ??
    typical
  );
}

/** Gains that make D65 neutral. If a camera states no white balance, daylight is the best guess. */
function daylightGains(matrix: Matrix3): Vector3 {
  const [red, green, blue] = transform(matrix, d65);
  const gains: Vector3 = [green / red, 1, green / blue];
  return gains.every(isGain) ? gains : [2, 1, 1.5];
}

/**
 * @param dng first directory of a DNG; undefined for other formats
 * @param camera make and model as stored in the file
 */
export function cameraColour(
  metadata: LibRawMetadata,
  dng: TiffDirectory | undefined,
  camera: string,
): CameraColour {
  // A monochrome sensor needs no white balance.
  if (metadata.colors === 1) return { asShotGains: [1, 1, 1], xyzToCamera: xyzToSrgb };
  const own = dng && dngColour(dng);
  const xyzToCamera = own?.xyzToCamera ?? xyzToCameraOf(metadata, camera);
  const [red = 0, green = 0, blue = 0] = metadata.color_data.cam_mul;
  const fromLibRaw: Vector3 = [red / green, 1, blue / green];
  // LibRaw reads AsShotNeutral correctly, but not AsShotWhiteXY.
  const isRead = fromLibRaw.every(isGain) && dng?.has(asShotWhiteXy) !== true;
  const asShotGains = isRead ? fromLibRaw : (own?.asShotGains ?? daylightGains(xyzToCamera));
  const hasMatrix = own?.asShotGains !== undefined && own.balancedToXyz !== undefined;
  return {
    asShotGains,
    xyzToCamera,
    ...(hasMatrix ? { balancedToXyz: own.balancedToXyz } : {}),
  };
}
