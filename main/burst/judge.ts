/** Decides from the spread of all frames where something moves. */

import type { NoiseProfile } from '../raw/mosaic.ts';
import { areaOf } from './areas.ts';
import { blockSide } from './blocks.ts';
import { blurred, gaussianHalf, halved, medianOf, type Plane } from './planes.ts';

/** Samples of each colour in a whole block. */
const samplesInBlock = [blockSide ** 2 / 4, blockSide ** 2 / 2, blockSide ** 2 / 4] as const;
/** The compared quantities: the colours, and R + 2 G + B, which has the least noise. */
export const views = [
  { of: [1, 0, 0], noise: 1 / samplesInBlock[0] },
  { of: [0, 1, 0], noise: 1 / samplesInBlock[1] },
  { of: [0, 0, 1], noise: 1 / samplesInBlock[2] },
  {
    of: [0.25, 0.5, 0.25],
    noise: 0.0625 / samplesInBlock[0] + 0.25 / samplesInBlock[1] + 0.0625 / samplesInBlock[2],
  },
] as const;
/** Standard deviation of the blur at each scale, in values of that scale. */
export const sigma = 1;
/** The spread of the frames counts as motion above this many standard deviations. */
const movingSigmas = 4.5;
/** Tolerated misalignment of frames, pixels; the resulting differences at edges are not motion. */
const allowedPixels = 0.7;
/**
 * Share of the texture's variance in a block that the nearest samples of two frames may differ by.
 */
const texturePart = 0.5;
/** Sums over all frames at one scale, for one quantity. */
export interface Spread {
  readonly sum: Float32Array;
  readonly squares: Float32Array;
}

/** The three colours and their weighted sum. */
export function viewed(planes: readonly Plane[]): Plane[] {
  const [red, green, blue] = planes;
  if (red === undefined || green === undefined || blue === undefined) return [];
  const values = red.values.map(
    (value, at) => 0.25 * (value + blue.values[at]!) + 0.5 * green.values[at]!,
  );
  return [red, green, blue, { ...red, values }];
}

interface Limits {
  /** Variance of each smoothed value that noise explains. */
  readonly allowed: Float32Array;
  /** Additional variance from small misalignments. */
  readonly slack: Float32Array;
}

export interface Judge {
  /** For each block, from 0 (nothing moves) to 1 (something moves). */
  readonly area: Float32Array;
  /** For each scale and each quantity. */
  readonly limits: readonly (readonly Limits[])[];
}

interface Seen {
  readonly grid: { readonly width: number; readonly height: number };
  readonly noise: NoiseProfile;
  readonly spreads: readonly (readonly Spread[])[];
  readonly counts: Uint16Array;
  readonly frames: number;
  readonly texture: Plane;
  /** Mean of all frames, for each colour. */
  readonly level: readonly Plane[];
}

export function judgeOf({ grid, noise, spreads, counts, frames, texture, level }: Seen): Judge {
  const { width, height } = grid;
  const moving = new Uint8Array(width * height);
  const half = gaussianHalf(sigma);
  // Factor of the blur on the variance of independent values.
  const line = half.reduce((sum, weight, i) => sum + (i === 0 ? 1 : 2) * weight * weight, 0);
  let planes = [...level];
  let covering: Plane = { width, height, values: Float32Array.from(counts) };
  let rough = texture;
  const limits = spreads.map((spread, index) => {
    if (index > 0) {
      planes = planes.map(halved);
      covering = halved(covering);
      rough = halved(rough);
    }
    const light = viewed(planes.map((plane) => blurred(plane, sigma)));
    return spread.map(({ sum, squares }, view) => {
      const { noise: share } = views[view]!;
      const plane = light[view]!;
      const factor = (share * line * line) / 4 ** index;
      const raw = plane.values.map(
        (value, at) =>
          (noise.slope * Math.max(0, value) + noise.offset + texturePart * rough.values[at]!) *
          factor,
      );
      const slack = slackOf(plane, index);
      const spreadOf = (at: number): number =>
        squares[at]! - (sum[at]! * sum[at]!) / covering.values[at]!;
      const found = calibration(raw, spreadOf, covering.values, frames);
      const allowed = raw.map((value) => value * found);
      for (let at = 0; at < plane.values.length; at++) {
        const freedom = covering.values[at]! - 1;
        if (freedom < 0.5) continue;
        const chi = spreadOf(at) / (allowed[at]! + slack[at]!);
        // The limit is above the freedom itself, so that most need not be computed.
        if (chi > freedom && chi > limitOf(freedom)) mark(moving, grid, plane, index, at);
      }
      return { allowed, slack };
    });
  });
  return { area: areaOf(moving, width, height), limits };
}

/** Marks the blocks that a value of a coarser scale stands for; the last one stands for the rest. */
function mark(
  moving: Uint8Array,
  grid: Seen['grid'],
  plane: Plane,
  index: number,
  at: number,
): void {
  const row = Math.floor(at / plane.width);
  const column = at - row * plane.width;
  const bottom = row === plane.height - 1 ? grid.height : (row + 1) << index;
  const right = column === plane.width - 1 ? grid.width : (column + 1) << index;
  for (let y = row << index; y < bottom; y++) {
    moving.fill(1, y * grid.width + (column << index), y * grid.width + right);
  }
}

/** The squared change that a small misalignment causes, from the slopes of the light. */
function slackOf({ width, height, values }: Plane, index: number): Float32Array {
  const allowedValues = allowedPixels / (blockSide << index);
  const slack = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - 1) * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const across =
        (values[y * width + Math.min(width - 1, x + 1)]! -
          values[y * width + Math.max(0, x - 1)]!) /
        2;
      const down = (values[below + x]! - values[above + x]!) / 2;
      slack[at] = allowedValues * allowedValues * (across * across + down * down);
    }
  }
  return slack;
}

/**
 * Ratio of the actual to the stated noise, from the median over all places that every frame covers.
 */
function calibration(
  variance: Float32Array,
  spreadOf: (at: number) => number,
  covering: Float32Array,
  frames: number,
): number {
  const step = Math.max(1, Math.floor(variance.length / 20_000));
  const ratios: number[] = [];
  for (let at = 0; at < variance.length; at += step) {
    if (covering[at]! > frames - 0.01) ratios.push(spreadOf(at) / variance[at]!);
  }
  if (ratios.length < 64 || frames < 2) return 1;
  const freedom = frames - 1;
  // The median of a chi-square distribution (Wilson & Hilferty).
  const median = freedom * (1 - 2 / (9 * freedom)) ** 3;
  return Math.max(0.25, medianOf(Float32Array.from(ratios)) / median);
}

/**
 * A value that a chi-square variable with this many degrees of freedom hardly ever exceeds (Wilson
 * & Hilferty).
 */
function limitOf(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return freedom * (1 - spread + movingSigmas * Math.sqrt(spread)) ** 3;
}
