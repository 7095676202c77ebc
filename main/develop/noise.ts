/** Estimates how noisy a frame is: variance = slope · x + offset, for a normalised sample x. */

import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { calibratedNoise, typicalNoise } from '../raw/noise-table.ts';
import { clippingLevel, normalisation } from './normalise.ts';

export interface FrameNoise {
  readonly profile: NoiseProfile;
  /**
   * Origin: the user's own measurement, the file, a published calibration, the frame itself, or
   * what is usual at its ISO.
   */
  readonly source: 'camera' | 'dng' | 'table' | 'estimate' | 'fallback';
  /**
   * An upper bound of the noise: the profile, or the estimate if it is larger and free of texture.
   */
  readonly ceiling: NoiseProfile;
}

/**
 * The noise of a frame. Sources in order of preference: what the user measured on this camera, what
 * the file states, published calibrations of the model at this ISO, a blind estimate, the usual
 * noise at this ISO. The estimate overrules a calibration in two cases. The frame has much *less*
 * noise than calibrated: only denoising or scaling of its numbers does that. Or it has much *more*,
 * and the estimate shows no trace of texture that could have raised it: the ISO was pushed after
 * the sensor.
 */
export function frameNoise(mosaic: Mosaic): FrameNoise {
  const estimate = estimateNoise(mosaic);
  const { mean, most } = mosaic.appliedGain ?? { mean: 1, most: 1 };
  const clipping = clippingLevel(mosaic);
  const known = likeliestNoise(mosaic, estimate, mean * clipping);
  const corners =
    known.source === 'estimate' ? known.profile : multiplied(known.profile, most / mean);
  return { ...known, ceiling: ceilingOf(corners, estimate) };
}

/** The noise of samples that were multiplied; a sensor's profile describes the unscaled numbers. */
function multiplied({ slope, offset }: NoiseProfile, by: number): NoiseProfile {
  return { slope: slope * by, offset: offset * by * by };
}

function likeliestNoise(
  mosaic: Mosaic,
  estimate: NoiseEstimate | undefined,
  gain: number,
): Omit<FrameNoise, 'ceiling'> {
  const { shot } = mosaic;
  const own = (profile: NoiseProfile | undefined): NoiseProfile | undefined =>
    profile && multiplied(profile, gain);
  const [noiseProfile, cameraNoise] = [own(mosaic.noiseProfile), own(mosaic.cameraNoise)];
  const isStated = noiseProfile !== undefined && isNoise(noiseProfile);
  if (isStated && cameraNoise === undefined) return { profile: noiseProfile, source: 'dng' };
  const holds = (profile: NoiseProfile | undefined): profile is NoiseProfile =>
    profile !== undefined && !(estimate !== undefined && contradicts(estimate, profile));
  if (holds(cameraNoise)) return { profile: cameraNoise, source: 'camera' };
  if (isStated) return { profile: noiseProfile, source: 'dng' };
  const table = own(calibratedNoise(shot));
  if (holds(table)) return { profile: table, source: 'table' };
  const typical = multiplied(typicalNoise(shot.iso), gain);
  if (estimate !== undefined && sigmaRatio(estimate, typical) > leastOfTypical) {
    return { profile: estimate.profile, source: 'estimate' };
  }
  return { profile: typical, source: 'fallback' };
}

/**
 * If σ is off by more than this factor, the frame is believed rather than its camera's calibration.
 */
const tableTolerance = 1.6;
/**
 * Ratio of the high-pass band's σ at the 60 % and the 25 % quantile: 1 for noise alone, more with
 * texture.
 */
const purityLimit = 1.06;
/** No camera is quieter than this share of the typical one; below it, the frame was denoised. */
const leastOfTypical = 0.1;

/**
 * A calibration may understate the variance by half (PMN's D850 at ISO 3200) and still count as not
 * contradicted.
 */
function ceilingOf(profile: NoiseProfile, estimate: NoiseEstimate | undefined): NoiseProfile {
  if (estimate === undefined || !(estimate.purity < purityLimit)) return profile;
  return {
    slope: Math.max(profile.slope, estimate.profile.slope),
    offset: Math.max(profile.offset, estimate.profile.offset),
  };
}

function contradicts(estimate: NoiseEstimate, table: NoiseProfile): boolean {
  const ratio = sigmaRatio(estimate, table);
  return ratio < 1 / tableTolerance || (ratio > tableTolerance && estimate.purity < purityLimit);
}

/** σ of the estimate ÷ σ of another profile, at the level where the estimate is most certain. */
function sigmaRatio({ profile, level }: NoiseEstimate, other: NoiseProfile): number {
  return Math.sqrt(varianceAt(profile, level) / varianceAt(other, level));
}

export function varianceAt({ slope, offset }: NoiseProfile, x: number): number {
  return slope * Math.max(0, x) + offset;
}

function isNoise({ slope, offset }: NoiseProfile): boolean {
  return (
    Number.isFinite(slope) &&
    Number.isFinite(offset) &&
    slope >= 0 &&
    offset >= 0 &&
    slope + offset > 0
  );
}

export interface NoiseEstimate {
  readonly profile: NoiseProfile;
  /**
   * Mean of the samples measured, normalised. σ is right at this level, but the slope may not be.
   */
  readonly level: number;
  /** 1 for pure noise, more with texture. */
  readonly purity: number;
}

/**
 * Estimates the noise from the frame alone. It takes the diagonal high-pass band of each CFA plane,
 * where scenes have the least energy; the lower quartile of that band in several intensity bins,
 * which flat areas dominate; and fits a robust line through the bins. σ at the mean level is right
 * to within some per cent. Row noise is not included.
 * @returns undefined where nothing can be measured: too few samples, noise quantised away, or
 *   clipped
 */
export function estimateNoise(mosaic: Mosaic): NoiseEstimate | undefined {
  const blocks = measureBlocks(mosaic);
  const bins = binsOf(blocks);
  if (bins.length < 2) return undefined;
  const profile = straightened(robustLine(bins), bins);
  if (!isNoise(profile)) return undefined;
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const mean = (value: (bin: Bin) => number): number =>
    bins.reduce((sum, bin) => sum + value(bin) * bin.count, 0) / total;
  return { profile, level: mean(({ level }) => level), purity: mean(({ purity }) => purity) };
}

/** Samples read of a large frame: enough for 1 % accuracy in each bin, in some 10 ms. */
const samplesRead = 2_500_000;
/** Side of a block in samples of one CFA plane: it holds four diagonal coefficients. */
const blockSide = 4;
const coefficientsPerBlock = 4;

interface Blocks {
  readonly count: number;
  /** Normalised mean of each block. */
  readonly level: Float32Array;
  /** |a − b − c + d| of each 2×2 of a plane, in DN: twice the diagonal Haar coefficient. */
  readonly diagonal: Int32Array;
  /** 1 if the block has a sample of 0, where the file clips. */
  readonly isClipped: Uint8Array;
  /** DN × this = normalised. */
  readonly scale: number;
}

function measureBlocks(mosaic: Mosaic): Blocks {
  const { samples, width, height, whiteLevel } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const side = 2 * blockSide;
  const across = Math.floor(width / side);
  const bands = Math.floor(height / side);
  const bandsRead = Math.min(bands, Math.max(1, Math.ceil(samplesRead / (side * width))));
  const capacity = across * bandsRead * 4;
  const level = new Float32Array(capacity);
  const diagonal = new Int32Array(capacity * coefficientsPerBlock);
  const isClipped = new Uint8Array(capacity);
  // Near white, noise no longer follows the line.
  const nearlyWhite = whiteLevel * 0.95;
  let count = 0;
  for (let index = 0; index < bandsRead; index++) {
    const top = Math.floor(((index + 0.5) * bands) / bandsRead) * side;
    for (let site = 0; site < 4; site++) {
      const siteBlack = black[site]!;
      const siteScale = scale[site]!;
      const first = (top + (site >> 1)) * width + (site & 1);
      for (let block = 0; block < across; block++) {
        let sum = 0;
        let least = 65_535;
        let most = 0;
        let out = count * coefficientsPerBlock;
        for (let row = 0; row < 2; row++) {
          let upper = first + row * 4 * width + block * side;
          let lower = upper + 2 * width;
          for (let column = 0; column < 2; column++, upper += 4, lower += 4) {
            const a = samples[upper]!;
            const b = samples[upper + 2]!;
            const c = samples[lower]!;
            const d = samples[lower + 2]!;
            sum += a + b + c + d;
            least = Math.min(least, a, b, c, d);
            most = Math.max(most, a, b, c, d);
            diagonal[out++] = Math.abs(a - b - c + d);
          }
        }
        if (most >= nearlyWhite) continue;
        level[count] = (sum / (blockSide * blockSide) - siteBlack) * siteScale;
        isClipped[count] = least === 0 ? 1 : 0;
        count++;
      }
    }
  }
  return {
    count,
    level,
    diagonal,
    isClipped,
    scale: (scale[0] + scale[1] + scale[2] + scale[3]) / 4,
  };
}

interface Bin {
  readonly level: number;
  readonly variance: number;
  readonly purity: number;
  readonly count: number;
}

/**
 * Shares of the blocks at which a new bin starts, finer at the bright end, which determines the
 * slope.
 */
const binStarts = [
  0, 1 / 14, 2 / 14, 3 / 14, 4 / 14, 5 / 14, 6 / 14, 7 / 14, 8 / 14, 9 / 14, 10 / 14, 11 / 14, 12 / 14,
  13 / 14, 27 / 28, 55 / 56, 111 / 112,
]; // prettier-ignore

/** Diagonals are counted one by one up to this; larger ones are texture. */
const diagonalMax = 8191;
const coefficientsMin = 256;
/** Quantiles of |x| for a standard normal x. */
const normal25 = 0.318639;
const normal60 = 0.841621;

function binsOf({ count, level, diagonal, isClipped, scale }: Blocks): readonly Bin[] {
  if (count === 0) return [];
  const stride = Math.max(1, Math.floor(count / 16_384));
  const sorted = Float32Array.from(
    { length: Math.ceil(count / stride) },
    (_, i) => level[i * stride]!,
  ).sort();
  const starts = binStarts.map((share) => sorted[Math.floor(share * sorted.length)]!);
  const bins = starts.length;
  const histograms = new Uint32Array(bins * (diagonalMax + 1));
  const blocks = new Uint32Array(bins);
  const clipped = new Uint32Array(bins);
  const levels = new Float64Array(bins);
  for (let block = 0; block < count; block++) {
    const value = level[block]!;
    let bin = bins - 1;
    while (bin > 0 && value < starts[bin]!) bin--;
    blocks[bin]! += 1;
    levels[bin]! += value;
    clipped[bin]! += isClipped[block]!;
    const base = bin * (diagonalMax + 1);
    for (let i = block * coefficientsPerBlock, end = i + coefficientsPerBlock; i < end; i++) {
      const size = diagonal[i]!;
      histograms[base + (size < diagonalMax ? size : diagonalMax)]! += 1;
    }
  }
  const step = commonDivisor(diagonal.subarray(0, count * coefficientsPerBlock));
  const found: Bin[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const inBin = blocks[bin]!;
    const coefficients = inBin * coefficientsPerBlock;
    const histogram = histograms.subarray(bin * (diagonalMax + 1), (bin + 1) * (diagonalMax + 1));
    // Noise clipped at the file's zero looks too small. A band that is mostly exactly 0 was rounded
    // or denoised away.
    if (coefficients < coefficientsMin || clipped[bin]! > 0.05 * inBin) continue;
    if (histogram[0]! > 0.6 * coefficients) continue;
    const sigma25 = quantile(histogram, 0.25, step) / normal25;
    const sigma60 = quantile(histogram, 0.6, step) / normal60;
    // The coefficient is a sum of four samples. Spreading its values over their rounding cells adds
    // a variance of 1/12.
    const variance = ((sigma25 * sigma25 - (step * step) / 12) / 4) * scale * scale;
    if (!(variance > 0)) continue;
    found.push({
      level: levels[bin]! / inBin,
      variance,
      purity: sigma60 / sigma25,
      count: coefficients,
    });
  }
  return found;
}

/** Step size of the file's numbers: 12-bit samples in a 16-bit file are multiples of sixteen. */
function commonDivisor(values: Int32Array): number {
  let divisor = 0;
  for (let i = 0; i < values.length && divisor !== 1; i++) {
    let a = values[i]!;
    while (a !== 0) [divisor, a] = [a, divisor % a];
  }
  return Math.max(1, divisor);
}

/** Quantile of counted values ≥ 0, each spread evenly over its rounding cell. */
function quantile(histogram: Uint32Array, share: number, step: number): number {
  let total = 0;
  for (let i = 0; i < histogram.length; i++) total += histogram[i]!;
  const wanted = share * total;
  let below = 0;
  for (let value = 0; value < histogram.length; value += step) {
    const here = histogram[value]!;
    if (below + here >= wanted) {
      const part = (wanted - below) / here;
      // Zero covers ± half a step, which folds into half a cell.
      return value === 0 ? (part * step) / 2 : value + (part - 0.5) * step;
    }
    below += here;
  }
  return histogram.length - 1;
}

/** Weighted least squares of variance on level. Bins far off the line lose weight. */
function robustLine(bins: readonly Bin[]): NoiseProfile {
  let weights = bins.map(({ variance, count }) => weightOf(variance, count));
  let line = fit(bins, weights);
  for (let round = 0; round < 8; round++) {
    weights = bins.map(({ level, variance, count }) => {
      const expected = Math.max(varianceAt(line, level), 1e-30);
      const off = (variance / expected - 1) / 0.15;
      return weightOf(expected, count) / (1 + off * off);
    });
    line = fit(bins, weights);
  }
  return line;
}

/**
 * Corrects regression dilution: blocks are sorted into bins by a mean that is noisy itself, which
 * flattens the line. Photon noise does not contribute, because a block that is brighter by chance
 * is also noisier by the same amount. Read noise does, so its share of the bins' spread is
 * corrected for, turning the line about its middle.
 */
function straightened({ slope, offset }: NoiseProfile, bins: readonly Bin[]): NoiseProfile {
  let [w, wx, wxx] = [0, 0, 0];
  for (const { level, variance, count } of bins) {
    const weight = weightOf(variance, count);
    w += weight;
    wx += weight * level;
    wxx += weight * level * level;
  }
  const spread = wxx / w - (wx / w) ** 2;
  const spreadOfReadNoise = offset / (blockSide * blockSide);
  const steeper = slope * Math.min(3, spread / Math.max(spread - spreadOfReadNoise, 1e-30));
  const turned = offset - (steeper - slope) * (wx / w);
  return turned > 0 ? { slope: steeper, offset: turned } : { slope, offset };
}

/**
 * The quartile of n values determines a variance to about 3.2 / √n; some 3 % of texture is always
 * present.
 */
function weightOf(variance: number, count: number): number {
  return 1 / (variance * variance * (10 / count + 0.0009));
}

/** Fits a line through the bins that is not negative for any light. */
function fit(bins: readonly Bin[], weights: readonly number[]): NoiseProfile {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  bins.forEach(({ level, variance }, index) => {
    const weight = weights[index]!;
    w += weight;
    wx += weight * level;
    wy += weight * variance;
    wxx += weight * level * level;
    wxy += weight * level * variance;
  });
  const spread = w * wxx - wx * wx;
  const slope = spread > 1e-12 * w * wxx ? (w * wxy - wx * wy) / spread : 0;
  const offset = (wy - slope * wx) / w;
  if (slope < 0) return { slope: 0, offset: wy / w };
  if (offset < 0) return { slope: Math.max(0, wxy / wxx), offset: 0 };
  return { slope, offset };
}
