/**
 * Detects motion in two steps. First it finds areas where anything moves: there, the spread of all
 * frames about their mean exceeds noise. Only in these areas is each frame compared with the
 * reference and left out where it differs. Elsewhere all frames count, so that none is left out
 * because of its noise.
 */

import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { least } from './areas.ts';
import { blockGrid, blockSide } from './blocks.ts';
import { wholeWeight, type SampleTables, type Scale } from './gather.ts';
import { eachRow } from './nearest.ts';
import { judgeOf, sigma, viewed, views, type Judge, type Spread } from './judge.ts';
import { blurred, halved, type Plane } from './planes.ts';
import { still, type Pose } from './pose.ts';
import { textureOf } from './texture.ts';

/** Red, green, blue, as sums over each block. */
const channels = 3;
/** Number of scales: blocks, and areas two and four times as large. */
const scales = 3;
/** In a moving area, a frame is left out above this many standard deviations. */
const differsSigmas = 2;
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
      const kept = new Int16Array(values.length);
      for (let block = 0; block < kept.length; block++) {
        if (covered[block] === 0) continue;
        const step = Math.round((values[block]! - reference[block]!) / this.#step);
        const bounded = Math.max(-32_767, Math.min(32_767, step));
        mean[block]! += bounded * this.#step;
        kept[block] = bounded;
      }
      return kept;
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
    const weights = new Uint16Array(kept.length);
    for (let block = 0; block < weights.length; block++) {
      const lost = area[block]! * (1 - Math.min(1, kept[block]!));
      weights[block] = Math.round(whole * (1 - lost));
    }
    return weights;
  }

  #blockMeans(frame: Mosaic, pose: Pose, tables: SampleTables): BlockMeans {
    const { width: columns, height: rows } = this.#grid;
    const sums = Array.from({ length: channels }, () => new Float32Array(columns * rows));
    const counts = Array.from({ length: channels }, () => new Uint8Array(columns * rows));
    const missed = new Uint8Array(columns * rows);
    const { samples, cfa } = frame;
    const colours = siteColours(cfa);
    const white = this.#white;
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
        const width = sources.length;
        // Clipped samples count as white, so that lamps are equal in all frames.
        for (let x = first, block = blocks; x < width; x += blockSide, block++) {
          const one = sources[x]!;
          const hasTwo = x + 2 < width;
          const two = hasTwo ? sources[x + 2]! : 0;
          if (one >= 0 && two >= 0 && hasTwo) {
            sum[block]! +=
              Math.min(white, table[samples[one]!]!) +
              Math.min(white, table[samples[two]!]!) -
              2 * dark;
            count[block]! += 2;
            continue;
          }
          if (one < 0 || two < 0) missed[block] = 1;
          for (const source of hasTwo ? [one, two] : [one]) {
            if (source < 0) continue;
            sum[block]! += Math.min(white, table[samples[source]!]!) - dark;
            count[block]! += 1;
          }
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
    let planes: Plane[] = steps.map((whole) => {
      const values = new Float32Array(whole.length);
      for (let block = 0; block < values.length; block++)
        values[block] = whole[block]! * this.#step;
      return { width, height, values };
    });
    return Array.from({ length: scales }, (_, level) => {
      if (level > 0) planes = planes.map(halved);
      return viewed(planes.map((plane) => blurred(plane, sigma)));
    });
  }
}
