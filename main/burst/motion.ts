/**
 * Detects motion in two steps. First it finds areas where anything moves: there, the spread of all
 * frames about their mean exceeds noise. Only in these areas is each frame compared with the
 * reference and left out where it differs. Elsewhere all frames count, so that none is left out
 * because of its noise.
 */

import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { areaOf, least } from './areas.ts';
import { blockGrid, blockSide } from './blocks.ts';
import { wholeWeight, type SampleTables, type Scale } from './gather.ts';
import { eachRow } from './nearest.ts';
import { blurred, gaussianHalf, halved, medianOf, type Plane } from './planes.ts';
import { still, type Pose } from './pose.ts';
import { textureOf } from './texture.ts';

/** Red, green, blue, as sums over each block. */
const channels = 3;
/** Samples of each colour in a whole block. */
const samplesInBlock = [blockSide ** 2 / 4, blockSide ** 2 / 2, blockSide ** 2 / 4] as const;
/** The compared quantities: the colours, and R + 2 G + B, which has the least noise. */
const views = [
  { of: [1, 0, 0], noise: 1 / samplesInBlock[0] },
  { of: [0, 1, 0], noise: 1 / samplesInBlock[1] },
  { of: [0, 0, 1], noise: 1 / samplesInBlock[2] },
  {
    of: [0.25, 0.5, 0.25],
    noise: 0.0625 / samplesInBlock[0] + 0.25 / samplesInBlock[1] + 0.0625 / samplesInBlock[2],
  },
] as const;
/** Number of scales: blocks, and areas two and four times as large. */
const scales = 3;
/** Standard deviation of the blur at each scale, in values of that scale. */
const sigma = 1;
/** The spread of the frames counts as motion above this many standard deviations. */
const movingSigmas = 4.5;
/** In a moving area, a frame is left out above this many standard deviations. */
const differsSigmas = 2;
/** Tolerated misalignment of frames, pixels; the resulting differences at edges are not motion. */
const allowedPixels = 0.7;
/**
 * Share of the texture's variance in a block that the nearest samples of two frames may differ by.
 */
const texturePart = 0.5;
/** Differences are stored in steps of this fraction of one sample's read noise. */
const stepsPerSigma = 32;

/**
 * Normalised means of each colour over each block, and whether a frame covers the block completely.
 */
interface BlockMeans {
  readonly planes: readonly Plane[];
  readonly covered: Uint8Array;
}

/** One frame's differences from the reference, stored compactly until all frames have been seen. */
interface Differences {
  readonly steps: readonly Int16Array[];
  readonly covered: Uint8Array;
}

/** Sums over all frames at one scale, for one quantity. */
interface Spread {
  readonly sum: Float32Array;
  readonly squares: Float32Array;
}

export class Motion {
  readonly #grid: { readonly width: number; readonly height: number };
  readonly #reference: BlockMeans;
  readonly #noise: NoiseProfile;
  readonly #scale: Scale;
  readonly #white: number;
  readonly #step: number;
  readonly #frames: Differences[] = [];
  readonly #spreads: Spread[][];
  /** Number of frames that cover each block, including the reference. */
  readonly #counts: Uint16Array;
  readonly #means: readonly Float32Array[];
  /** Variance without noise within each block of the reference. */
  readonly #texture: Plane;
  #judge: Judge | undefined;

  /** @param noise of the reference's normalised samples */
  constructor(reference: Mosaic, tables: SampleTables, scale: Scale, noise: NoiseProfile) {
    const { columns, rows } = blockGrid(reference);
    this.#grid = { width: columns, height: rows };
    this.#noise = noise;
    this.#scale = scale;
    this.#white = reference.whiteLevel * scale.times;
    this.#step = Math.sqrt(Math.max(noise.offset, 1e-10)) / stepsPerSigma;
    this.#reference = this.#blockMeans(reference, still, tables);
    this.#texture = textureOf(reference, this.#grid, noise);
    this.#counts = new Uint16Array(columns * rows).fill(1);
    this.#means = this.#reference.planes.map(({ values }) => new Float32Array(values.length));
    this.#spreads = [];
    let size: { readonly width: number; readonly height: number } = this.#grid;
    for (let level = 0; level < scales; level++) {
      const { width, height } = size;
      this.#spreads.push(
        views.map(() => ({
          sum: new Float32Array(width * height),
          squares: new Float32Array(width * height),
        })),
      );
      size = { width: width >> 1, height: height >> 1 };
    }
  }

  /** Adds a frame to the statistics. Frames are numbered from 0 in the order of the calls. */
  add(frame: Mosaic, pose: Pose, tables: SampleTables): void {
    const { planes, covered } = this.#blockMeans(frame, pose, tables);
    const steps = planes.map(({ values }, channel) => {
      const reference = this.#reference.planes[channel]!.values;
      const mean = this.#means[channel]!;
      return Int16Array.from(values, (value, block) => {
        if (covered[block] === 0) return 0;
        const step = Math.round((value - reference[block]!) / this.#step);
        const kept = Math.max(-32_767, Math.min(32_767, step));
        mean[block]! += kept * this.#step;
        return kept;
      });
    });
    for (let block = 0; block < covered.length; block++) this.#counts[block]! += covered[block]!;
    const differences = { steps, covered };
    this.#frames.push(differences);
    this.#views(differences).forEach((level, index) => {
      level.forEach(({ values }, view) => {
        const { sum, squares } = this.#spreads[index]![view]!;
        for (let at = 0; at < values.length; at++) {
          const value = values[at]!;
          sum[at]! += value;
          squares[at]! += value * value;
        }
      });
    });
  }

  /** The conclusions from all frames, once the last has been added. */
  #settled(): Judge {
    this.#judge ??= judgeOf({
      grid: this.#grid,
      noise: this.#noise,
      spreads: this.#spreads,
      counts: this.#counts,
      frames: this.#frames.length + 1,
      texture: this.#texture,
      level: this.#reference.planes.map(({ width, height, values }, channel) => ({
        width,
        height,
        values: values.map(
          (value, block) => value + this.#means[channel]![block]! / this.#counts[block]!,
        ),
      })),
    });
    return this.#judge;
  }

  /** The share of the picture in which something moves. */
  get movingShare(): number {
    const { area } = this.#settled();
    return area.reduce((sum, share) => sum + (share > 0.5 ? 1 : 0), 0) / Math.max(1, area.length);
  }

  /**
   * The weight of each block of a frame, once all frames have been added.
   * @param whole weight of the frame where nothing moves, in sixteenths
   * @returns one weight per block, in sixteenths
   */
  weights(frame: number, whole: number = wholeWeight): Uint16Array {
    const { area, limits } = this.#settled();
    const differences = this.#frames[frame]!;
    const { width, height } = this.#grid;
    const far = new Float32Array(width * height);
    this.#views(differences).forEach((level, index) => {
      const shift = index;
      level.forEach((plane, view) => {
        const { allowed, slack } = limits[index]![view]!;
        for (let y = 0, block = 0; y < height; y++) {
          const row = Math.min(plane.height - 1, y >> shift) * plane.width;
          for (let x = 0; x < width; x++, block++) {
            if (area[block] === 0) continue;
            const at = row + Math.min(plane.width - 1, x >> shift);
            const value = plane.values[at]!;
            const size = (value * value) / (2 * allowed[at]! + slack[at]!);
            if (size > far[block]!) far[block] = size;
          }
        }
      });
    });
    const share = far.map((size) => Math.exp(-2 * Math.max(0, size / differsSigmas ** 2 - 1)));
    const kept = blurred({ width, height, values: least(share, width, height) }, 0.7).values;
    return Uint16Array.from(kept, (own, block) =>
      Math.round(whole * (1 - area[block]! * (1 - Math.min(1, own)))),
    );
  }

  #blockMeans(frame: Mosaic, pose: Pose, tables: SampleTables): BlockMeans {
    const { width: columns, height: rows } = this.#grid;
    const sums = Array.from({ length: channels }, () => new Float32Array(columns * rows));
    const counts = Array.from({ length: channels }, () => new Uint8Array(columns * rows));
    const missed = new Uint8Array(columns * rows);
    const { samples, cfa } = frame;
    const colours = siteColours(cfa);
    const scale = colours.map((_, site) => 1 / (this.#white - this.#scale.blackLevel[site]!));
    eachRow(frame, pose, ({ y, sources }) => {
      const blocks = Math.floor(y / blockSide) * columns;
      for (const first of [0, 1]) {
        const site = (y & 1) * 2 + first;
        const table = tables[site]!;
        const channel = 'RGB'.indexOf(colours[site]!);
        const sum = sums[channel]!;
        const count = counts[channel]!;
        const dark = this.#scale.blackLevel[site]!;
        for (let x = first; x < sources.length; x += 2) {
          const block = blocks + Math.floor(x / blockSide);
          const source = sources[x]!;
          if (source < 0) {
            missed[block] = 1;
            continue;
          }
          // Clipped samples count as white, so that lamps are equal in all frames.
          sum[block]! += Math.min(this.#white, table[samples[source]!]!) - dark;
          count[block]! += 1;
        }
        // Normalised to white = 1 at the end of the block, below.
      }
    });
    const planes = sums.map((sum, channel) => {
      const site = colours.findIndex((colour) => 'RGB'.indexOf(colour) === channel);
      const own = scale[site]!;
      const count = counts[channel]!;
      return {
        width: columns,
        height: rows,
        values: sum.map((value, block) => (count[block]! > 0 ? (value * own) / count[block]! : 0)),
      };
    });
    return { planes, covered: missed.map((value) => 1 - value) };
  }

  /** A frame's smoothed differences, at each scale, for each quantity. */
  #views({ steps }: Differences): readonly (readonly Plane[])[] {
    const { width, height } = this.#grid;
    let planes: Plane[] = steps.map((values) => ({
      width,
      height,
      values: Float32Array.from(values, (step) => step * this.#step),
    }));
    return Array.from({ length: scales }, (_, level) => {
      if (level > 0) planes = planes.map(halved);
      return viewed(planes.map((plane) => blurred(plane, sigma)));
    });
  }
}

/** The three colours and their weighted sum. */
function viewed(planes: readonly Plane[]): Plane[] {
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

interface Judge {
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

function judgeOf({ grid, noise, spreads, counts, frames, texture, level }: Seen): Judge {
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
      for (let y = 0, block = 0; y < height; y++) {
        const row = Math.min(plane.height - 1, y >> index) * plane.width;
        for (let x = 0; x < width; x++, block++) {
          const at = row + Math.min(plane.width - 1, x >> index);
          const freedom = covering.values[at]! - 1;
          if (freedom < 0.5) continue;
          const chi = spreadOf(at) / (allowed[at]! + slack[at]!);
          if (chi > limitOf(freedom)) moving[block] = 1;
        }
      }
      return { allowed, slack };
    });
  });
  return { area: areaOf(moving, width, height), limits };
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
