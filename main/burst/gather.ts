/**
 * Adds up frames. Each site of the reference gets each frame's nearest sample of the same colour.
 * All numbers are integers, so that the order of the frames does not change the last digit.
 */

import { normalisation } from '../develop/normalise.ts';
import { siteColours } from '../raw/cfa.ts';
import type { FrameMap, Mosaic, PerSite } from '../raw/mosaic.ts';
import { blockGrid, blockSide } from './blocks.ts';
import type { Guide } from './guide.ts';
import { eachRow, type NearestRow } from './nearest.ts';
import type { Pose } from './pose.ts';

/** Weight of a frame that counts fully. */
export const wholeWeight = 16;
/** Samples at or above this share of white may be clipped. */
const clippedShare = 0.95;
/** Keeps sums of weighted 16-bit samples below 2^32. */
const weightSumMax = 0x7fff;
/** Marks a site at which some frame is clipped. */
const clippedMark = 0x8000;

/** The scale of the numbers that frames are added up in. */
export interface Scale {
  /** How many units of the sum make one unit of the reference. */
  readonly times: number;
  /** Black level on the scale of the sum. */
  readonly blackLevel: PerSite;
}

export function scaleOf(reference: Mosaic): Scale {
  const times = Math.max(1, Math.floor(65_535 / reference.whiteLevel));
  const { black } = normalisation(reference);
  return {
    times,
    blackLevel: [black[0] * times, black[1] * times, black[2] * times, black[3] * times],
  };
}

/**
 * For each site, a table from a frame's sample values to those of the sum; 65,536 means clipped.
 */
export type SampleTables = readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array];

const clipped = 65_536;

/** @param gain factor that brings the frame to the reference's brightness */
export function sampleTables(
  frame: Mosaic,
  gain: number,
  { times, blackLevel }: Scale,
): SampleTables {
  const { black } = normalisation(frame);
  const limit = clippedShare * frame.whiteLevel;
  const table = (site: 0 | 1 | 2 | 3): Uint32Array => {
    const values = new Uint32Array(65_536).fill(clipped);
    const [dark, ground] = [black[site], blackLevel[site]];
    for (let sample = 0; sample < values.length && sample < limit; sample++) {
      const value = Math.round((sample - dark) * gain * times + ground);
      values[sample] = Math.max(0, Math.min(65_535, value));
    }
    return values;
  };
  return [table(0), table(1), table(2), table(3)];
}

/** How much a sample loses by a correction as large as the noise: one part in this, plus one. */
const doubt = 8;

/** For each row of blocks, whether any block in it is active. */
function busy(active: Uint8Array, columns: number): Uint8Array {
  return Uint8Array.from({ length: active.length / columns }, (_, row) =>
    active.subarray(row * columns, (row + 1) * columns).includes(1) ? 1 : 0,
  );
}

/** Frames added up so far. */
export class Sums {
  readonly #width: number;
  readonly #height: number;
  readonly #sums: Uint32Array;
  readonly #weights: Uint16Array;

  constructor({ width, height }: { readonly width: number; readonly height: number }) {
    this.#width = width;
    this.#height = height;
    this.#sums = new Uint32Array(width * height);
    this.#weights = new Uint16Array(width * height);
  }

  /**
   * Adds a frame.
   * @param tables of the frame
   * @param weights one per block, in sixteenths of a frame
   */
  add(frame: Mosaic, pose: Pose, tables: SampleTables, weights: Uint16Array): void {
    const { columns } = blockGrid(frame);
    const { samples } = frame;
    eachRow(frame, pose, ({ y, row, sources }) => {
      const blocks = Math.floor(y / blockSide) * columns;
      for (const first of [0, 1]) {
        const table = tables[(y & 1) * 2 + first]!;
        for (let x = first; x < sources.length; x += 2) {
          const weight = weights[blocks + ((x / blockSide) | 0)]!;
          const source = sources[x]!;
          if (weight === 0 || source < 0) continue;
          this.#put(row + x, table[samples[source]!]!, weight);
        }
      }
    });
  }

  /** Forgets what was added in a guide's active blocks, except which sites are clipped. */
  restart({ active }: Guide): void {
    const { columns } = blockGrid({ width: this.#width, height: this.#height });
    for (let y = 0, at = 0; y < this.#height; y++) {
      const blocks = Math.floor(y / blockSide) * columns;
      for (let x = 0; x < this.#width; x++, at++) {
        if (active[blocks + Math.floor(x / blockSide)] === 0) continue;
        this.#sums[at] = 0;
        this.#weights[at]! &= clippedMark;
      }
    }
  }

  /**
   * Adds a frame in a guide's active blocks, each sample corrected by how much the guide's light
   * differs between the site and the sample's place. The larger that difference beside the noise,
   * the less the sample counts, because the guide is not exact.
   */
  refine(
    frame: Mosaic,
    pose: Pose,
    tables: SampleTables,
    weights: Uint16Array,
    guide: Guide,
  ): void {
    const { columns } = blockGrid(frame);
    const { samples, width, height } = frame;
    const { active, green, shares } = guide;
    const { slope, offset } = guide.noise;
    const sums = this.#sums;
    const sumWeights = this.#weights;
    const channels = siteColours(frame.cfa).map((colour) => 'RGB'.indexOf(colour));
    const busyRows = busy(active, columns);
    const [lastX, lastY] = [width - 1.001, height - 1.001];
    const visit = ({ y, row, sources, right, below }: NearestRow): void => {
      const blocks = Math.floor(y / blockSide) * columns;
      for (const first of [0, 1]) {
        const site = (y & 1) * 2 + first;
        const table = tables[site]!;
        const share = shares[channels[site]!]!;
        for (let x = first; x < width; x += 2) {
          const block = blocks + ((x / blockSide) | 0);
          const weight = weights[block]!;
          const source = sources[x]!;
          if (active[block] === 0 || weight === 0 || source < 0) continue;
          const value = table[samples[source]!]!;
          const to = row + x;
          const before = sumWeights[to]!;
          if (value === clipped) {
            sumWeights[to] = before | clippedMark;
            continue;
          }
          const px = Math.max(0, Math.min(lastX, x + right[x]!));
          const py = Math.max(0, Math.min(lastY, y + below[x]!));
          const [left, top] = [px | 0, py | 0];
          const at = top * width + left;
          const under = at + width;
          const wx = px - left;
          const upper = green[at]! + (green[at + 1]! - green[at]!) * wx;
          const lower = green[under]! + (green[under + 1]! - green[under]!) * wx;
          const own = green[to]!;
          const part = share[block]!;
          const step = part * (own - upper - (lower - upper) * (py - top));
          const variance = slope * Math.max(0, part * own) + offset;
          const kept = Math.round((weight * variance) / (variance + doubt * step * step));
          if ((before & weightSumMax) + kept > weightSumMax) continue;
          sums[to]! += Math.max(0, Math.min(65_535, Math.round(value + step))) * kept;
          sumWeights[to] = before + kept;
        }
      }
    };
    eachRow(frame, pose, visit, (y) => busyRows[Math.floor(y / blockSide)] === 1);
  }

  #put(at: number, value: number, weight: number): void {
    const before = this.#weights[at]!;
    if (value === clipped) this.#weights[at] = before | clippedMark;
    else if ((before & weightSumMax) + weight <= weightSumMax) {
      this.#sums[at]! += value * weight;
      this.#weights[at] = before + weight;
    }
  }

  /**
   * Fills in the light of a row so far, on the scale of the sum without black; the reference's own
   * where a frame is clipped.
   */
  fill(y: number, into: Float32Array, reference: Mosaic, { times, blackLevel }: Scale): void {
    for (let x = 0, at = y * this.#width; x < this.#width; x++, at++) {
      const weight = this.#weights[at]!;
      const value =
        weight === 0 || weight >= clippedMark
          ? reference.samples[at]! * times
          : this.#sums[at]! / weight;
      into[x] = value - blackLevel[(y & 1) * 2 + (x & 1)]!;
    }
  }

  /**
   * The weighted means as a mosaic like the reference. Where any frame's sample is clipped, the
   * reference's own sample is used, because a mean of clipped and unclipped light would have a
   * false colour. If all means are whole numbers on the reference's scale, that scale is kept.
   * @param reference the frame that the others are aligned to
   */
  finish(reference: Mosaic, scale: Scale): { readonly mosaic: Mosaic; readonly map: FrameMap } {
    const { whiteLevel } = reference;
    const times = this.#needsFractions(scale) ? scale.times : 1;
    const samples = new Uint16Array(this.#sums.length);
    for (let at = 0; at < samples.length; at++) {
      const weight = this.#weights[at]!;
      samples[at] =
        weight === 0 || weight >= clippedMark
          ? reference.samples[at]! * times
          : Math.round((this.#sums[at]! * times) / (weight * scale.times));
    }
    const { black } = normalisation(reference);
    const blackLevel: PerSite = [
      black[0] * times,
      black[1] * times,
      black[2] * times,
      black[3] * times,
    ];
    const { opticalBlack: _, ...rest } = reference;
    const mosaic = { ...rest, samples, blackLevel, whiteLevel: whiteLevel * times };
    return { mosaic, map: this.#map() };
  }

  #needsFractions({ times }: Scale): boolean {
    if (times === 1) return false;
    return this.#sums.some((sum, at) => {
      const weight = this.#weights[at]!;
      return weight > 0 && weight < clippedMark && sum % (weight * times) !== 0;
    });
  }

  /**
   * The number of frames in each block whose plain mean would have the noise of the block's
   * samples.
   */
  #map(): FrameMap {
    const { columns, rows } = blockGrid({ width: this.#width, height: this.#height });
    const sixteenths = new Uint16Array(columns * rows);
    for (let row = 0, out = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, out++) {
        let [variance, count] = [0, 0];
        const [bottom, right] = [
          Math.min(this.#height, (row + 1) * blockSide),
          Math.min(this.#width, (column + 1) * blockSide),
        ];
        for (let y = row * blockSide; y < bottom; y++) {
          for (let x = column * blockSide; x < right; x++) {
            const weight = this.#weights[y * this.#width + x]!;
            variance += 1 / (weight === 0 || weight >= clippedMark ? wholeWeight : weight);
            count += 1;
          }
        }
        sixteenths[out] = Math.min(0xffff, Math.round(count / variance));
      }
    }
    return { blockSide, columns, rows, sixteenths };
  }
}
