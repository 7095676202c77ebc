/**
 * The measures of how far a developed picture is from the truth, used by every score of this
 * project.
 */

import type { Matrix3, Vector3 } from '../../raw/mosaic.ts';

/** Pixels left out on each side, because the rim depends on mirrored padding, not on the scene. */
const borderPixels = 8;
/** Side of the blocks whose mean colour is compared. */
const blockPixels = 32;

/** A picture in white-balanced linear camera RGB: width × height × 3, interleaved, 1 = white. */
export interface LinearRgb {
  readonly width: number;
  readonly height: number;
  readonly samples: Float32Array;
}

export interface Scores {
  /** PSNR after the fixed rendering, dB. */
  readonly rgbP: number;
  /**
   * PSNR in white-balanced linear camera RGB, without aligning brightness, dB; absent for a
   * finished picture, whose linear light is lost.
   */
  readonly raw?: number;
  /** Structural similarity of the rendering's luma, −1 … 1. */
  readonly ssim: number;
  /** Mean CIEDE2000 of 32-pixel block means of the rendering. */
  readonly blockDeltaE: number;
}

/** Scores of a picture in linear light. */
export type LinearScores = Required<Scores>;

/** The part of a picture inside the rim, clipped to 0 … 1. */
function inner(picture: LinearRgb): LinearRgb {
  const width = picture.width - 2 * borderPixels;
  const height = picture.height - 2 * borderPixels;
  if (width < 1 || height < 1) {
    throw new RangeError(
      `expected more than ${2 * borderPixels} pixels a side, got ${picture.width} × ${picture.height}`,
    );
  }
  const samples = new Float32Array(width * height * 3);
  for (let y = 0, out = 0; y < height; y++) {
    let at = ((y + borderPixels) * picture.width + borderPixels) * 3;
    for (let x = 0; x < width * 3; x++, at++, out++) {
      const value = picture.samples[at]!;
      samples[out] = value > 0 ? Math.min(value, 1) : 0;
    }
  }
  return { width, height, samples };
}

/** sRGB's curve (IEC 61966-2-1) for 0 … 1. */
export function srgbEncoded(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}

function srgbDecoded(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/**
 * The fixed rendering: camera matrix, clip, sRGB curve, no brightening.
 * @param cameraToSrgb white-balanced linear camera RGB → linear sRGB
 */
export function rendered(picture: LinearRgb, cameraToSrgb: Matrix3): LinearRgb {
  const { samples, width, height } = picture;
  const out = new Float32Array(samples.length);
  for (let at = 0; at < samples.length; at += 3) {
    for (let row = 0; row < 3; row++) {
      const light =
        cameraToSrgb[row * 3]! * samples[at]! +
        cameraToSrgb[row * 3 + 1]! * samples[at + 1]! +
        cameraToSrgb[row * 3 + 2]! * samples[at + 2]!;
      out[at + row] = srgbEncoded(light > 0 ? Math.min(light, 1) : 0);
    }
  }
  return { width, height, samples: out };
}

/** Peak signal-to-noise ratio for a peak of 1, dB; equal pictures give +Infinity. */
export function psnr(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length || a.length === 0) {
    throw new RangeError(
      `expected two pictures of one size, got ${a.length} and ${b.length} samples`,
    );
  }
  let squares = 0;
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!;
    squares += difference * difference;
  }
  return -10 * Math.log10(squares / a.length);
}

/** Rec. 709 luma of a rendering, one sample per pixel. */
function lumaOf({ samples, width, height }: LinearRgb): Float64Array {
  const luma = new Float64Array(width * height);
  for (let pixel = 0; pixel < luma.length; pixel++) {
    const at = pixel * 3;
    luma[pixel] = 0.2126 * samples[at]! + 0.7152 * samples[at + 1]! + 0.0722 * samples[at + 2]!;
  }
  return luma;
}

const ssimTaps = 11;
const ssimKernel = ((): Float64Array => {
  const taps = Float64Array.from({ length: ssimTaps }, (_, index) =>
    Math.exp(-((index - 5) ** 2) / (2 * 1.5 ** 2)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
})();

/** Gaussian mean over 11 × 11, where the window lies inside: (w − 10) × (h − 10) samples. */
function windowed(plane: Float64Array, width: number, height: number): Float64Array {
  const outWidth = width - ssimTaps + 1;
  const across = new Float64Array(outWidth * height);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++, out++) {
      let sum = 0;
      for (let tap = 0; tap < ssimTaps; tap++) {
        sum += ssimKernel[tap]! * plane[y * width + x + tap]!;
      }
      across[out] = sum;
    }
  }
  const outHeight = height - ssimTaps + 1;
  const means = new Float64Array(outWidth * outHeight);
  for (let y = 0, out = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++, out++) {
      let sum = 0;
      for (let tap = 0; tap < ssimTaps; tap++) {
        sum += ssimKernel[tap]! * across[(y + tap) * outWidth + x]!;
      }
      means[out] = sum;
    }
  }
  return means;
}

/**
 * Mean structural similarity of two planes of range 0 … 1: 11 × 11 Gaussian window of σ 1.5, K1 =
 * 0.01, K2 = 0.03, no rescaling beforehand (Wang et al., IEEE TIP 2004).
 * @throws RangeError below 11 × 11 samples
 */
export function ssim(a: Float64Array, b: Float64Array, width: number, height: number): number {
  if (width < ssimTaps || height < ssimTaps) {
    throw new RangeError(`expected at least ${ssimTaps} pixels a side, got ${width} × ${height}`);
  }
  const mean = (plane: Float64Array): Float64Array => windowed(plane, width, height);
  const meanA = mean(a);
  const meanB = mean(b);
  const meanAa = mean(a.map((value) => value * value));
  const meanBb = mean(b.map((value) => value * value));
  const meanAb = mean(a.map((value, index) => value * b[index]!));
  const c1 = 0.01 ** 2;
  const c2 = 0.03 ** 2;
  let sum = 0;
  for (let at = 0; at < meanA.length; at++) {
    const productOfMeans = meanA[at]! * meanB[at]!;
    const squaresOfMeans = meanA[at]! ** 2 + meanB[at]! ** 2;
    const covariance = meanAb[at]! - productOfMeans;
    const variances = meanAa[at]! + meanBb[at]! - squaresOfMeans;
    sum +=
      ((2 * productOfMeans + c1) * (2 * covariance + c2)) /
      ((squaresOfMeans + c1) * (variances + c2));
  }
  return sum / meanA.length;
}

/**
 * Rows of SSIM's windows that are computed at a time, because a whole frame in doubles takes a
 * gigabyte.
 */
const ssimBand = 256;

/**
 * PSNR and SSIM (of luma) of two finished pictures, values 0 … 1. Both are clipped, and a rim of 8
 * pixels is left out.
 * @throws RangeError if the sizes differ or are below 27 pixels a side
 */
export function scoreRendered(
  picture: LinearRgb,
  truth: LinearRgb,
): { readonly psnr: number; readonly ssim: number } {
  const [a, b] = [inner(picture), inner(truth)];
  const { width, height } = a;
  let sum = 0;
  const windows = height - ssimTaps + 1;
  for (let top = 0; top < windows; top += ssimBand) {
    const rows = Math.min(ssimBand, windows - top) + ssimTaps - 1;
    const band = ({ samples }: LinearRgb): Float64Array =>
      lumaOf({
        width,
        height: rows,
        samples: samples.subarray(top * width * 3, (top + rows) * width * 3),
      });
    sum += ssim(band(a), band(b), width, rows) * (rows - ssimTaps + 1);
  }
  return { psnr: psnr(a.samples, b.samples), ssim: sum / windows };
}

/** Linear sRGB (0 … 1) → CIE L*a*b* under D65. */
export function labOfLinearSrgb([red, green, blue]: Vector3): Vector3 {
  const root = (t: number): number =>
    t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
  const x = root((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047);
  const y = root(0.2126729 * red + 0.7151522 * green + 0.072175 * blue);
  const z = root((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Hue of (a, b) in degrees, 0 … 360; 0 for grey. */
function hueDegrees(b: number, a: number): number {
  if (a === 0 && b === 0) return 0;
  const degrees = (Math.atan2(b, a) * 180) / Math.PI;
  return degrees < 0 ? degrees + 360 : degrees;
}

/**
 * CIEDE2000 between two L*a*b* colours, kL = kC = kH = 1 (Sharma, Wu & Dalal, Color Research and
 * Application 2005; their equation numbers).
 */
export function ciede2000([l1, a1, b1]: Vector3, [l2, a2, b2]: Vector3): number {
  const meanChroma7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 0.5 * (1 - Math.sqrt(meanChroma7 / (meanChroma7 + 25 ** 7))); // (4)
  const a1g = (1 + g) * a1;
  const a2g = (1 + g) * a2;
  const c1 = Math.hypot(a1g, b1); // (6)
  const c2 = Math.hypot(a2g, b2);
  const h1 = hueDegrees(b1, a1g); // (7)
  const h2 = hueDegrees(b2, a2g);
  let turn = h2 - h1; // (10)
  if (c1 * c2 === 0) turn = 0;
  else if (turn > 180) turn -= 360;
  else if (turn < -180) turn += 360;
  const deltaHue = 2 * Math.sqrt(c1 * c2) * Math.sin(radians(turn / 2)); // (11)
  const lightness = (l1 + l2) / 2;
  const chroma = (c1 + c2) / 2;
  let hue = h1 + h2; // (14)
  if (c1 * c2 !== 0) {
    if (Math.abs(h1 - h2) <= 180) hue /= 2;
    else hue = hue < 360 ? (hue + 360) / 2 : (hue - 360) / 2;
  }
  const t =
    1 -
    0.17 * Math.cos(radians(hue - 30)) +
    0.24 * Math.cos(radians(2 * hue)) +
    0.32 * Math.cos(radians(3 * hue + 6)) -
    0.2 * Math.cos(radians(4 * hue - 63)); // (15)
  const turnBlue = 30 * Math.exp(-(((hue - 275) / 25) ** 2)); // (16)
  const chroma7 = chroma ** 7;
  const rotation = -Math.sin(radians(2 * turnBlue)) * 2 * Math.sqrt(chroma7 / (chroma7 + 25 ** 7)); // (17), (21)
  const lightnessOffset = (lightness - 50) ** 2;
  const sl = 1 + (0.015 * lightnessOffset) / Math.sqrt(20 + lightnessOffset); // (18)
  const sc = 1 + 0.045 * chroma; // (19)
  const sh = 1 + 0.015 * chroma * t; // (20)
  const dl = (l2 - l1) / sl;
  const dc = (c2 - c1) / sc;
  const dh = deltaHue / sh;
  return Math.sqrt(dl * dl + dc * dc + dh * dh + rotation * dc * dh);
}

/** L*a*b* of the mean colour of each whole 32-pixel block of a rendering. */
export function blockLabs({ width, height, samples }: LinearRgb): Vector3[] {
  const labs: Vector3[] = [];
  // A picture smaller than a block counts as one block.
  const blockWidth = Math.min(blockPixels, width);
  const blockHeight = Math.min(blockPixels, height);
  for (let top = 0; top + blockHeight <= height; top += blockHeight) {
    for (let left = 0; left + blockWidth <= width; left += blockWidth) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let y = 0; y < blockHeight; y++) {
        let at = ((top + y) * width + left) * 3;
        for (let x = 0; x < blockWidth; x++, at += 3) {
          red += samples[at]!;
          green += samples[at + 1]!;
          blue += samples[at + 2]!;
        }
      }
      const scale = 1 / (blockWidth * blockHeight);
      labs.push(
        labOfLinearSrgb([
          srgbDecoded(red * scale),
          srgbDecoded(green * scale),
          srgbDecoded(blue * scale),
        ]),
      );
    }
  }
  return labs;
}

/** Mean CIEDE2000 of the block means of two renderings (encoded sRGB, averaged as encoded). */
function blockDeltaE(a: LinearRgb, b: LinearRgb): number {
  const labsB = blockLabs(b);
  const differences = blockLabs(a).map((lab, index) => ciede2000(lab, labsB[index] ?? lab));
  return differences.reduce((sum, difference) => sum + difference, 0) / differences.length;
}

/**
 * Scores a picture against the truth. Both are clipped to 0 … 1, a rim of 8 pixels is left out, and
 * brightness is not aligned.
 * @param cameraToSrgb white-balanced linear camera RGB → linear sRGB
 * @throws RangeError if the sizes differ or are below 27 pixels a side
 */
export function score(picture: LinearRgb, truth: LinearRgb, cameraToSrgb: Matrix3): LinearScores {
  const [a, b] = bothInner(picture, truth);
  return {
    ...compared(rendered(a, cameraToSrgb), rendered(b, cameraToSrgb)),
    raw: psnr(a.samples, b.samples),
  };
}

/**
 * Scores a finished picture (values in sRGB, 0 … 1) against the truth's rendering, otherwise as `score`
 * does.
 *
 * @param truth in linear light
 * @throws RangeError as `score`
 */
export function scoreFinished(picture: LinearRgb, truth: LinearRgb, cameraToSrgb: Matrix3): Scores {
  const [a, b] = bothInner(picture, truth);
  return compared(a, rendered(b, cameraToSrgb));
}

function bothInner(picture: LinearRgb, truth: LinearRgb): readonly [LinearRgb, LinearRgb] {
  if (picture.width !== truth.width || picture.height !== truth.height) {
    throw new RangeError(
      `expected a picture of ${truth.width} × ${truth.height}, got ${picture.width} × ${picture.height}`,
    );
  }
  return [inner(picture), inner(truth)];
}

/** The measures that compare two renderings of one size. */
function compared(a: LinearRgb, b: LinearRgb): Omit<LinearScores, 'raw'> {
  return {
    rgbP: psnr(a.samples, b.samples),
    ssim: ssim(lumaOf(a), lumaOf(b), a.width, a.height),
    blockDeltaE: blockDeltaE(a, b),
  };
}
