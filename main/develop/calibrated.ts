/**
 * What was measured of a camera, put to use on one of its frames: black level, dark shading, hot
 * pixels, noise. The frame has the last word on each, so that a frame that was taken warmer, colder
 * or longer than the dark frames is never worse off than without.
 */

import type { Mosaic, NoiseProfile, PerSite } from '../raw/mosaic.ts';
import { normalisation } from './normalise.ts';
import { ShadingRows, type ShadingMap } from './shading.ts';

/** A camera's measured dark at one frame's ISO and about its exposure. Sites as in the mosaic. */
export interface FrameCalibration {
  /** Of the frames that were measured: another size has other places. */
  readonly width: number;
  readonly height: number;
  /** Absent where the camera cuts its blacks off, or the exposures are too different. */
  readonly black?: {
    readonly level: PerSite;
    /** What the masked margins said meanwhile. */
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
 * The frame with its black level measured, its shading taken off and its hot pixels mended; the same
 * object where nothing of that applies. Shading is taken off in fractions: the samples are scaled up
 * to 16 bits for that, black and white with them.
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
 * The frame's own margins know this frame's temperature; what was measured then only says how far
 * the picture lies from them. A camera without margins is taken at its measured word.
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
 * Whether much of the frame lies darker than no light: then the black level, or the shading, was
 * another when the frame was taken. Noise alone puts the darkest 2 % of blocks 2 σ of their means
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
  // Some four million samples tell enough.
  const everyBlock = Math.max(1, Math.floor((width * height) / 4_000_000));
  const blocks = across * Math.ceil(down / everyBlock);
  // The 2 % quantile of noise lies 2.05 σ below its middle, and is known to 3 σ / √blocks.
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

/** Samples, black and white times a whole number that fills 16 bits, so that fractions count. */
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
        // What is saturated stays so.
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

/** A listed pixel is mended only where it stands out of its neighbours by so many σ. */
const hotSigmas = 5;
/** Read noise of the noisiest cameras, electrons: what K may be at most where it is not known. */
const leastReadElectrons = 0.4;

/**
 * Gives listed pixels the median of their neighbours of the same site, where they are brighter by more
 * than noise than all of those but one: a pixel that is not hot in this frame is left alone, and so
 * is the edge of a lamp. The mosaic's own samples are not touched.
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

/** The eight nearest samples of the same site, ascending; fewer at the edge, none outside. */
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
