/**
 * Applies a camera's measurements to one of its frames: black level, dark shading, hot pixels,
 * noise. Each measurement is checked against the frame first, so that a frame taken warmer, colder
 * or longer than the dark frames never gets worse.
 */

import type { Mosaic, NoiseProfile, PerSite } from '../raw/mosaic.ts';
import { normalisation } from './normalise.ts';
import { ShadingRows, type ShadingMap } from './shading.ts';

/**
 * What was measured on a camera's dark frames, for one frame's ISO and roughly its exposure.
 * Per-site values are in the mosaic's order.
 */
export interface FrameCalibration {
  /** Size of the measured frames. Pixel positions do not apply to a frame of another size. */
  readonly width: number;
  readonly height: number;
  /** Absent where the camera clips its blacks, or where the exposures differ too much. */
  readonly black?: {
    readonly level: PerSite;
    /** Black level of the masked margins in the same dark frames. */
    readonly optical?: PerSite;
    readonly shading?: ShadingMap;
  };
  readonly readSigmaDn: number;
  readonly rowSigmaDn: number;
  /** Absent where the gain is not known. */
  readonly gainDnPerElectron?: number;
  /** x, y, x, y … */
  readonly hotPixels: readonly number[];
  /** Absent where the gain is not known, or is a guess. */
  readonly noise?: NoiseProfile;
}

/**
 * Returns the frame with its measured black level, with the shading subtracted and hot pixels
 * repaired; the same object if none of that applies. Shading has fractions of a DN, so samples,
 * black and white are first scaled up to fill 16 bits.
 */
export function calibrated(mosaic: Mosaic, calibration: FrameCalibration): Mosaic {
  const { noise } = calibration;
  const levelled = withBlack(withoutHotPixels(mosaic, calibration), calibration);
  return noise === undefined ? levelled : { ...levelled, cameraNoise: noise };
}

function withBlack(mosaic: Mosaic, calibration: FrameCalibration): Mosaic {
  const { black } = calibration;
  if (black === undefined) return mosaic;
  const level = blackOf(mosaic, black);
  if (level === undefined) return mosaic;
  const fits = mosaic.width === calibration.width && mosaic.height === calibration.height;
  for (const shading of fits && black.shading !== undefined
    ? [black.shading, undefined]
    : [undefined]) {
    if (goesBelow(mosaic, level, shading, calibration)) continue;
    if (shading !== undefined) return withoutShading(mosaic, level, shading);
    const { opticalBlack, ...rest } = mosaic;
    return {
      ...rest,
      blackLevel: level,
      ...(opticalBlack === undefined ? {} : { opticalBlack: level }),
    };
  }
  return mosaic;
}

/**
 * The frame's own margins reflect its temperature, so the measurement only supplies how far the
 * picture's black lies from theirs. Without margins the measured level is used as it is.
 */
function blackOf(
  { opticalBlack }: Mosaic,
  { level, optical }: NonNullable<FrameCalibration['black']>,
): PerSite | undefined {
  if (opticalBlack === undefined) return level;
  if (optical === undefined) return undefined;
  const at = (site: 0 | 1 | 2 | 3): number => opticalBlack[site] + level[site] - optical[site];
  return [at(0), at(1), at(2), at(3)];
}

/** Samples of one site in a block: 256. */
const blockSide = 32;
const samplesInBlock = (blockSide / 2) ** 2;

/**
 * Whether much of the frame is darker than the measured black. Then the black level or the shading
 * has changed since the measurement. Noise alone puts the darkest 2 % of blocks 2 σ of their means
 * below black.
 */
function goesBelow(
  { samples, width, height }: Mosaic,
  level: PerSite,
  shading: ShadingMap | undefined,
  { readSigmaDn, rowSigmaDn }: FrameCalibration,
): boolean {
  const rows = shading === undefined ? undefined : new ShadingRows(shading, width, height);
  const pedestal = new Float32Array(width);
  const across = Math.floor(width / blockSide);
  const down = Math.floor(height / blockSide);
  if (across * down === 0) return false;
  const ofMean = Math.hypot(
    readSigmaDn / Math.sqrt(samplesInBlock),
    rowSigmaDn / Math.sqrt(blockSide / 2),
  );
  // Some four million samples are enough.
  const everyBlock = Math.max(1, Math.floor((width * height) / 4_000_000));
  const blocks = across * Math.ceil(down / everyBlock);
  // The 2 % quantile of noise lies 2.05 σ below its median, and is known to within 3 σ / √blocks.
  const limit = -((2.3 + 10 / Math.sqrt(blocks)) * ofMean + 0.1);
  for (let site = 0; site < 4; site++) {
    const means: number[] = [];
    for (let block = 0; block < down; block += everyBlock) {
      const sums = new Float64Array(across);
      for (let y = block * blockSide + (site >> 1); y < (block + 1) * blockSide; y += 2) {
        rows?.read(site, y, site & 1 ? 1 : 0, pedestal);
        for (let x = site & 1; x < across * blockSide; x += 2)
          sums[Math.floor(x / blockSide)]! += samples[y * width + x]! - pedestal[x]!;
      }
      for (const sum of sums) means.push(sum / samplesInBlock - level[site]!);
    }
    means.sort((a, b) => a - b);
    if (means[Math.floor(0.02 * means.length)]! < limit) return true;
  }
  return false;
}

/**
 * Multiplies samples, black and white by the whole number that fills 16 bits, to make room for
 * fractions.
 */
function withoutShading(mosaic: Mosaic, level: PerSite, shading: ShadingMap): Mosaic {
  const { width, height, samples, whiteLevel } = mosaic;
  const times = Math.max(1, Math.floor(65_535 / whiteLevel));
  const corrected = new Uint16Array(samples.length);
  const rows = new ShadingRows(shading, width, height);
  const pedestal = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    for (const x0 of [0, 1] as const) {
      rows.read((y & 1) * 2 + x0, y, x0, pedestal);
      for (let x = x0, at = y * width + x0; x < width; x += 2, at += 2) {
        const sample = samples[at]!;
        // Saturated samples stay saturated.
        const value =
          sample >= whiteLevel ? sample * times : Math.round((sample - pedestal[x]!) * times);
        corrected[at] = value < 0 ? 0 : value > 65_535 ? 65_535 : value;
      }
    }
  }
  const scaled: PerSite = [level[0] * times, level[1] * times, level[2] * times, level[3] * times];
  return {
    ...mosaic,
    samples: corrected,
    blackLevel: scaled,
    ...(mosaic.opticalBlack === undefined ? {} : { opticalBlack: scaled }),
    whiteLevel: whiteLevel * times,
  };
}

/** A listed pixel is repaired only if it exceeds its neighbours by this many σ. */
const hotSigmas = 5;
/** Lowest read noise assumed, in electrons. It bounds the gain K where K is not known. */
const leastReadElectrons = 0.4;

/**
 * Replaces listed pixels by the median of their neighbours of the same site, if they are brighter
 * than all but one of these by more than noise. This spares a pixel that is not hot in this frame,
 * and the edge of a lamp. The mosaic's own samples are not changed.
 */
function withoutHotPixels(mosaic: Mosaic, calibration: FrameCalibration): Mosaic {
  const { width, height, samples } = mosaic;
  const { hotPixels, readSigmaDn } = calibration;
  if (width !== calibration.width || height !== calibration.height) return mosaic;
  const gain = calibration.gainDnPerElectron ?? readSigmaDn / leastReadElectrons;
  const { black } = normalisation(mosaic);
  let mended: Uint16Array | undefined;
  for (let index = 0; index + 1 < hotPixels.length; index += 2) {
    const [x, y] = [hotPixels[index]!, hotPixels[index + 1]!];
    const around = neighbours(mosaic, x, y);
    const highestButOne = around.at(-2);
    if (highestButOne === undefined) continue;
    const median = around[around.length >> 1]!;
    const light = Math.max(0, median - black[(y & 1) * 2 + (x & 1)]!);
    const sigma = Math.sqrt(readSigmaDn ** 2 + gain * light);
    if (samples[y * width + x]! <= highestButOne + hotSigmas * sigma) continue;
    mended ??= samples.slice();
    mended[y * width + x] = median;
  }
  return mended === undefined ? mosaic : { ...mosaic, samples: mended };
}

/**
 * The eight nearest samples of the same site, ascending. Neighbours outside the frame are left out.
 */
function neighbours({ width, height, samples }: Mosaic, x: number, y: number): number[] {
  if (x >= width || y >= height) return [];
  const around: number[] = [];
  for (const dy of [-2, 0, 2]) {
    for (const dx of [-2, 0, 2]) {
      const [nx, ny] = [x + dx, y + dy];
      if ((dx === 0 && dy === 0) || nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
      around.push(samples[ny * width + nx]!);
    }
  }
  return around.sort((a, b) => a - b);
}
