/** Measures a pair from its frames: the true exposure ratio and the shift. */

import { siteColours } from '../../../raw/cfa.ts';
import { normalisation } from '../../../develop/normalise.ts';
import type { Mosaic } from '../../../raw/mosaic.ts';
import { shiftBetween } from '../../../burst/phase-correlation.ts';
import type { Plane } from '../../../burst/planes.ts';
import type { FinishedPicture } from '../picture.ts';
import { lightOfSrgb } from '../srgb.ts';

/** Light of the green of each 2×2 cell, signed, 1 is saturation; ⌊w/2⌋ × ⌊h/2⌋. */
export interface Cells extends Plane {
  /** Share of the frame's samples at their limit. */
  readonly saturated: number;
}

/** A sample counts as saturated from this share of the range between black and white. */
const fullFrom = 0.99;

/** The green light of each cell, including noise below black. */
export function cellsOfMosaic(mosaic: Mosaic): Cells {
  const width = mosaic.width >> 1;
  const height = mosaic.height >> 1;
  const { black, scale } = normalisation(mosaic);
  const greens = siteColours(mosaic.cfa).flatMap((colour, site) => (colour === 'G' ? [site] : []));
  const [first = 0, second = 0] = greens;
  const limit = [0, 1, 2, 3].map((site) => black[site]! + fullFrom / scale[site]!);
  const values = new Float32Array(width * height);
  let full = 0;
  for (let y = 0, out = 0; y < height; y++) {
    const row = y * 2 * mosaic.width;
    for (let x = 0; x < width; x++, out++) {
      const at = row + x * 2;
      const place = (site: number): number => at + (site >> 1) * mosaic.width + (site & 1);
      values[out] =
        ((mosaic.samples[place(first)]! - black[first]!) * scale[first]! +
          (mosaic.samples[place(second)]! - black[second]!) * scale[second]!) /
        2;
      for (let site = 0; site < 4; site++) {
        if (mosaic.samples[place(site)]! >= limit[site]!) full += 1;
      }
    }
  }
  return { width, height, values, saturated: full / Math.max(1, 4 * width * height) };
}

/** The same for a finished picture with its curve undone; it only approximates the sensor's light. */
export function cellsOfPicture({ width: pixels, height: rows, samples }: FinishedPicture): Cells {
  const [width, height] = [pixels >> 1, rows >> 1];
  const values = new Float32Array(width * height);
  let full = 0;
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out++) {
      for (const [dy, dx] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const at = ((y * 2 + dy) * pixels + x * 2 + dx) * 3;
        values[out]! += lightOfSrgb(samples[at + 1]!) / 4;
        const least = Math.min(samples[at]!, samples[at + 1]!, samples[at + 2]!);
        if (least >= 65_535 * fullFrom) full += 1;
      }
    }
  }
  return { width, height, values, saturated: full / Math.max(1, 4 * width * height) };
}

export interface MeasuredRatio {
  readonly ratio: number;
  /** Standard error, relative. */
  readonly error: number;
}

/** Side of the blocks whose means are compared, cells. */
const block = 8;
const blocksMin = 12;
/** A stated black level may be wrong by this share of the range. */
const blackDoubt = 2e-5;
/** An intercept of this many of its standard errors says that the stated black level is wrong. */
const offsetSigmas = 2;

/** Means over the cells of one block, and the variance of the short exposure's mean from noise. */
interface Block {
  readonly long: number;
  readonly short: number;
  readonly shortVariance: number;
}

/** Means of the blocks in which the long exposure is neither near saturation nor near black. */
function midTones(short: Cells, long: Cells, darkest: number): Block[] {
  const blocks: Block[] = [];
  const cells = block ** 2;
  const { width, height } = long;
  for (let top = 0; top + block <= height; top += block) {
    for (let left = 0; left + block <= width; left += block) {
      let [longSum, shortSum, shortSquares, highest] = [0, 0, 0, 0];
      for (let y = top; y < top + block; y++) {
        for (let at = y * width + left, end = at + block; at < end; at++) {
          longSum += long.values[at]!;
          shortSum += short.values[at]!;
          shortSquares += short.values[at]! ** 2;
          if (long.values[at]! > highest) highest = long.values[at]!;
        }
      }
      const [mean, shortMean] = [longSum / cells, shortSum / cells];
      if (highest >= 0.9 || mean <= darkest) continue;
      const shortVariance = (shortSquares / cells - shortMean ** 2) / (cells - 1);
      blocks.push({ long: mean, short: shortMean, shortVariance });
    }
  }
  return blocks;
}

/** The brighter mid-tones, or all blocks if the scene has few. @returns undefined if there are too few */
export function comparableBlocks(short: Cells, long: Cells): readonly Block[] | undefined {
  const bright = midTones(short, long, 0.02);
  const blocks = bright.length >= 4 * blocksMin ? bright : midTones(short, long, 0.002);
  return blocks.length < blocksMin ? undefined : blocks;
}

/**
 * Long ÷ short exposure from the light itself. A line is fitted through the block means: its slope
 * gives the ratio, and an error of the black level becomes the intercept. Iteratively re-weighted least
 * squares (Tukey's biweight) ignores blocks that moved or flickered. The long exposure counts as exact,
 * so the noise of the short one does not bias the slope.
 *
 * @returns undefined where the scene has too little light or too much noise to tell
 */
export function measureRatio(short: Cells, long: Cells): MeasuredRatio | undefined {
  const blocks = comparableBlocks(short, long);
  if (blocks === undefined) return undefined;
  const withOffset = robustLine(blocks, true);
  const through = robustLine(blocks, false);
  // A uniform scene has no slope to fit, so the line must pass through black: unless it visibly does not.
  const isBlackTrusted = Math.abs(withOffset.offset) < offsetSigmas * withOffset.offsetError;
  const lines = isBlackTrusted ? [withOffset, through] : [withOffset];
  const candidates = lines.filter(({ slope, error }) => slope > 0 && error < 0.1);
  const best = candidates.toSorted((a, b) => a.error - b.error)[0];
  return best === undefined ? undefined : { ratio: 1 / best.slope, error: best.error };
}

/** short = slope · long + offset. */
interface Line {
  readonly slope: number;
  /** Standard error of the slope, relative. */
  readonly error: number;
  /** 0 for a line through black. */
  readonly offset: number;
  /** Standard error of the offset. */
  readonly offsetError: number;
}

/** Fits short = slope · long (+ offset). */
function robustLine(blocks: readonly Block[], hasOffset: boolean): Line {
  // Shot noise grows with the light, so brighter blocks are less certain.
  const trust = blocks.map(({ long }) => 1 / (long + 0.02));
  let weights = trust;
  let fit: Line = { slope: 0, offset: 0, error: Infinity, offsetError: Infinity };
  for (let round = 0; round < 12; round++) {
    fit = line(blocks, weights, hasOffset);
    const residuals = blocks.map(
      ({ long, short }, i) =>
        Math.abs(short - fit.slope * long - fit.offset) * Math.sqrt(trust[i]!),
    );
    const spread = 1.4826 * median(residuals);
    if (!(spread > 0)) break;
    weights = residuals.map((residual, i) => {
      const far = residual / (4.685 * spread);
      return far < 1 ? trust[i]! * (1 - far * far) ** 2 : 0;
    });
  }
  const mean = blocks.reduce((sum, { long }) => sum + long, 0) / blocks.length;
  const doubt = hasOffset ? 0 : blackDoubt / (Math.abs(fit.slope) * mean);
  return { ...fit, error: Math.hypot(fit.error, doubt) };
}

function line(blocks: readonly Block[], weights: readonly number[], hasOffset: boolean): Line {
  let [w, x, y, xx, xy] = [0, 0, 0, 0, 0];
  for (const [i, { long, short }] of blocks.entries()) {
    const weight = weights[i]!;
    w += weight;
    x += weight * long;
    y += weight * short;
    xx += weight * long * long;
    xy += weight * long * short;
  }
  const [meanX, meanY] = hasOffset ? [x / w, y / w] : [0, 0];
  const spread = xx - w * meanX * meanX;
  const slope = (xy - w * meanX * meanY) / spread;
  const offset = meanY - slope * meanX;
  let squares = 0;
  let count = 0;
  for (const [i, { long, short }] of blocks.entries()) {
    if (weights[i]! === 0) continue;
    squares += weights[i]! * (short - slope * long - offset) ** 2;
    count += 1;
  }
  const free = Math.max(1, count - (hasOffset ? 2 : 1));
  const variance = squares / free;
  return {
    slope,
    offset,
    error: Math.sqrt(variance / spread) / Math.abs(slope),
    offsetError: Math.sqrt(variance * (1 / w + (meanX * meanX) / spread)),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

/** Side of the correlated square, samples. */
const side = 256;
/** Lower peaks are noise: the highest noise peaks reach 3 to 4.3 (walls at ISO 6400 ×100). */
const significanceMin = 6;

export interface MeasuredShift {
  /** Pixels of the frame. */
  readonly x: number;
  readonly y: number;
  /** Its uncertainty, pixels. */
  readonly precision: number;
}

/**
 * How far the long exposure's scene lies to the right of and below the short's. Measured first on the
 * whole frame at a small size, then on smaller and sharper parts around the most detailed place, as long
 * as the scene stands out of the short exposure's noise.
 * @returns undefined where nothing in the short exposure can be located
 */
export function measureShift(short: Cells, long: Cells, ratio: number): MeasuredShift | undefined {
  const { width, height } = long;
  let found: MeasuredShift | undefined;
  let factor = Math.max(1, Math.ceil(Math.max(width, height) / side));
  for (;;) {
    const span = {
      width: Math.floor(Math.min(width, side * factor) / factor),
      height: Math.floor(Math.min(height, side * factor) / factor),
    };
    const { left, top } = busiestPlace(long, span.width * factor, span.height * factor);
    // The shift so far, in cells: the short exposure's part is cut that far to the left and above.
    const known = { x: Math.round((found?.x ?? 0) / 2), y: Math.round((found?.y ?? 0) / 2) };
    const clean = shrunk(long, { left, top, ...span, factor, gain: 1 });
    const noisy = shrunk(short, {
      left: left - known.x,
      top: top - known.y,
      ...span,
      factor,
      gain: ratio,
    });
    const rest = shiftBetween(clean, noisy, side);
    if (rest.significance < significanceMin) break;
    found = {
      x: 2 * (known.x - rest.x * factor),
      y: 2 * (known.y - rest.y * factor),
      // Measured at ISO 25600 ×300: peaks of 5 to 8 lie within half a cell (one pixel) of the truth.
      precision: factor * Math.max(0.2, 4 / rest.significance),
    };
    if (factor === 1) break;
    factor = Math.max(1, Math.floor(factor / 3));
  }
  return found;
}

/** The part with the most edges of nine: corners, edge middles and centre. */
function busiestPlace(
  { width, height, values }: Plane,
  partWidth: number,
  partHeight: number,
): { readonly left: number; readonly top: number } {
  let best = { left: 0, top: 0, edges: -1 };
  for (const down of [0, 0.5, 1]) {
    for (const across of [0, 0.5, 1]) {
      const left = Math.floor((width - partWidth) * across);
      const top = Math.floor((height - partHeight) * down);
      let edges = 0;
      for (let y = top; y + 4 < top + partHeight; y += 4) {
        for (let x = left; x + 4 < left + partWidth; x += 4) {
          const at = y * width + x;
          const here = Math.min(1, values[at]!);
          edges += Math.abs(Math.min(1, values[at + 4]!) - here);
          edges += Math.abs(Math.min(1, values[at + 4 * width]!) - here);
        }
      }
      if (edges > best.edges) best = { left, top, edges };
    }
  }
  return best;
}

interface Part {
  readonly left: number;
  readonly top: number;
  /** Samples of the result. */
  readonly width: number;
  readonly height: number;
  /** Cells per sample, in each direction. */
  readonly factor: number;
  readonly gain: number;
}

/** Shrinks a part and compresses its lamps. Outside the frame the edge is repeated. */
function shrunk(
  { width: fullWidth, height: fullHeight, values }: Plane,
  { left, top, width, height, factor, gain }: Part,
): Plane {
  const out = new Float32Array(width * height);
  const inside = (position: number, size: number): number =>
    Math.max(0, Math.min(size - 1, position));
  for (let y = 0; y < height; y++) {
    for (let dy = 0; dy < factor; dy++) {
      const row = inside(top + y * factor + dy, fullHeight) * fullWidth;
      for (let x = 0; x < width; x++) {
        for (let dx = 0; dx < factor; dx++) {
          out[y * width + x]! += values[row + inside(left + x * factor + dx, fullWidth)]!;
        }
      }
    }
  }
  const scale = gain / factor ** 2;
  for (let at = 0; at < out.length; at++) {
    const light = Math.min(1, out[at]! * scale);
    out[at] = light / (Math.abs(light) + 0.1);
  }
  return { width, height, values: out };
}
