/** The levels of a frame: middle and spread of each CFA site, and a coarse map of its light. */

import type { Mosaic, PerSite } from '../raw/mosaic.ts';
import type { ShadingMap } from '../develop/shading.ts';
import { fitSigmas } from './tails.ts';

export interface SiteLevel {
  /** Mean of the samples within `low` … `high`, DN. */
  readonly mean: number;
  readonly median: number;
  /** Half the distance between the 16 % and 84 % quantiles, DN. */
  readonly sigma: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export interface FrameLevels {
  readonly sites: readonly [SiteLevel, SiteLevel, SiteLevel, SiteLevel];
  /** Greatest common step of the file's numbers. */
  readonly step: number;
  /** Share of the samples at the lowest value of the frame if they are clipped there, 0–1. */
  readonly clippedShare: number;
}

const codes = 65_536;

/** Builds the histogram of every site. */
export function frameLevels(mosaic: Mosaic): FrameLevels {
  const { samples, width, height, blackLevel } = mosaic;
  const histograms = [0, 1, 2, 3].map(() => new Uint32Array(codes));
  for (let y = 0, at = 0; y < height; y++) {
    const even = histograms[(y & 1) * 2]!;
    const odd = histograms[(y & 1) * 2 + 1]!;
    for (let x = 0; x < width; x += 2) even[samples[at + x]!]! += 1;
    for (let x = 1; x < width; x += 2) odd[samples[at + x]!]! += 1;
    at += width;
  }
  const step = commonStep(histograms);
  const clippedShare = pileUp(histograms, step, width * height);
  const level = (site: number): SiteLevel =>
    siteLevel(histograms[site]!, step, clippedShare > clippedMax ? blackLevel[site] : undefined);
  return { sites: [level(0), level(1), level(2), level(3)], step, clippedShare };
}

/** With a larger share than this clipped at the lowest value, measurements of the dark are incomplete. */
export const clippedMax = 0.02;

/** @param clippedAt the black level to use where the camera cut off the values below it */
function siteLevel(histogram: Uint32Array, step: number, clippedAt?: number): SiteLevel {
  let count = 0;
  for (let code = 0; code < codes; code++) count += histogram[code]!;
  const middle = quantile(histogram, 0.5 * count, step);
  const upper = quantile(histogram, 0.8413 * count, step);
  const lower = quantile(histogram, 0.1587 * count, step);
  const median = clippedAt ?? middle;
  // Nothing finer than a step can be resolved, so half a step means no spread.
  const spread = clippedAt === undefined ? (upper - lower) / 2 : upper - clippedAt;
  const sigma = Math.max(spread, 0.2 * step);
  const low = Math.max(0, Math.floor(median - fitSigmas * sigma - step));
  const high = Math.min(codes - 1, Math.ceil(median + fitSigmas * sigma + step));
  let inside = 0;
  let sum = 0;
  for (let code = low; code <= high; code++) {
    inside += histogram[code]!;
    sum += histogram[code]! * (code - median);
  }
  const mean = clippedAt ?? median + sum / Math.max(1, inside);
  return { mean, median, sigma, low, high, count };
}

/** The value with `wanted` samples below it, with each number spread evenly over its step. */
function quantile(histogram: Uint32Array, wanted: number, step: number): number {
  let below = 0;
  for (let code = 0; code < codes; code++) {
    const here = histogram[code]!;
    if (here > 0 && below + here >= wanted) return code + ((wanted - below) / here - 0.5) * step;
    below += here;
  }
  return codes - 1;
}

function commonStep(histograms: readonly Uint32Array[]): number {
  let first = -1;
  let divisor = 0;
  for (let code = 0; code < codes && divisor !== 1; code++) {
    if (!histograms.some((histogram) => histogram[code]! > 0)) continue;
    if (first < 0) first = code;
    let a = code - first;
    while (a !== 0) [divisor, a] = [a, divisor % a];
  }
  return Math.max(1, divisor);
}

/**
 * Whether the frame is clipped: the lowest value is more frequent than the next, and others lie well
 * above. (Noise smaller than a step also stays on one value, but does not reach far.)
 */
function pileUp(histograms: readonly Uint32Array[], step: number, total: number): number {
  const countOf = (code: number): number =>
    histograms.reduce((sum, histogram) => sum + (histogram[code] ?? 0), 0);
  let lowest = 0;
  while (lowest < codes - 1 && countOf(lowest) === 0) lowest++;
  const near = [0, 1, 2, 3].map((steps) => countOf(lowest + steps * step));
  const [here = 0, above = 0] = near;
  const far = total - near.reduce((sum, count) => sum + count, 0);
  return here > above && far > 1e-3 * total ? here / total : 0;
}

/** Cells of the map are at least this many samples wide, and at most 24 × 16 of them. */
const cellSide = 128;

/**
 * Means of cells over the frame, minus the site's own mean. Samples outside a site's limits (hot
 * pixels) don't count.
 */
export function shadingOf(mosaic: Mosaic, { sites }: FrameLevels): ShadingMap {
  const { samples, width, height } = mosaic;
  const columns = Math.max(1, Math.min(24, Math.floor(width / cellSide)));
  const rows = Math.max(1, Math.min(16, Math.floor(height / cellSide)));
  const sums = [0, 1, 2, 3].map(() => new Float64Array(columns * rows));
  const counts = [0, 1, 2, 3].map(() => new Uint32Array(columns * rows));
  for (let y = 0; y < height; y++) {
    const first = Math.min(rows - 1, Math.floor(((y + 0.5) / height) * rows)) * columns;
    for (const x0 of [0, 1]) {
      const site = (y & 1) * 2 + x0;
      const { low, high, mean } = sites[site]!;
      for (let column = 0; column < columns; column++) {
        let x = Math.ceil((column / columns) * width - 0.5);
        if ((x & 1) !== x0) x++;
        const end = column === columns - 1 ? width : ((column + 1) / columns) * width - 0.5;
        let sum = 0;
        let count = 0;
        for (let at = y * width + x; x < end; x += 2, at += 2) {
          const sample = samples[at]!;
          if (sample < low || sample > high) continue;
          sum += sample;
          count++;
        }
        sums[site]![first + column]! += sum - count * mean;
        counts[site]![first + column]! += count;
      }
    }
  }
  return {
    columns,
    rows,
    sites: sums.map((of, site) =>
      Array.from(of, (sum, cell) => sum / Math.max(1, counts[site]![cell]!)),
    ),
  };
}

/**
 * Why a frame that should be dark is not, in a few words; undefined if it may be dark. A capped camera
 * stays within 2 % of the range above black and varies by less than 1 % over the frame.
 */
export function litBy(
  mosaic: Mosaic,
  levels: FrameLevels,
  shading: ShadingMap,
): string | undefined {
  const { blackLevel, opticalBlack, whiteLevel } = mosaic;
  const black: PerSite = opticalBlack ?? blackLevel;
  const grain = grainOf(mosaic);
  for (let site = 0; site < 4; site++) {
    const { median } = levels.sites[site]!;
    const range = whiteLevel - black[site]!;
    const above = median - black[site]!;
    // Without a stated black level any level is possible.
    if (above > (black[site]! > 0 ? 0.02 : 0.1) * range)
      return `its samples lie ${Math.round(above)} above black`;
    const sorted = [...(shading.sites[site] ?? [])].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const spread = at(0.95) - at(0.05);
    if (spread > Math.max(0.01 * range, 3 * grain) || grain > 0.05 * range)
      return 'something can be seen on it';
  }
  return undefined;
}

/** Spread between neighbours of one colour, DN. The scene adds little to it. */
function grainOf({ samples, width }: Mosaic): number {
  const differences: number[] = [];
  const stride = Math.max(1, Math.floor(samples.length / 20_000)) | 1;
  for (let at = 2; at < samples.length; at += stride) {
    if (at % width >= 2) differences.push(Math.abs(samples[at]! - samples[at - 2]!));
  }
  differences.sort((a, b) => a - b);
  // The median of |x − y| for two Gaussians of spread 1.
  return (differences[differences.length >> 1] ?? 0) / 0.9539;
}
