/**
 * Adds up frames. Each site of the reference gets each frame's nearest sample of the same colour.
 * All numbers are integers, so that the order of the frames does not change the last digit.
 */

import { normalisation } from '../develop/normalise.ts';
import { siteColours } from '../raw/cfa.ts';
import type { FrameMap, Mosaic, PerSite } from '../raw/mosaic.ts';
import type { Pose } from './pose.ts';

/** Side of a block in pixels; weights and the frame map have one value per block. */
export const blockSide = 4;
/** Weight of a frame that counts fully. */
export const wholeWeight = 16;
/** Samples at or above this share of white may be clipped. */
const clippedShare = 0.95;
/** Keeps sums of weighted 16-bit samples below 2^32. */
const weightSumMax = 0x7fff;
/** Marks a site at which some frame is clipped. */
const clippedMark = 0x8000;

/** The blocks that cover a frame. */
export interface BlockGrid {
  readonly columns: number;
  readonly rows: number;
}

export function blockGrid({
  width,
  height,
}: {
  readonly width: number;
  readonly height: number;
}): BlockGrid {
  return { columns: Math.ceil(width / blockSide), rows: Math.ceil(height / blockSide) };
}

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
  const table = (site: 0 | 1 | 2 | 3): Uint32Array =>
    Uint32Array.from({ length: 65_536 }, (_, sample) => {
      if (sample >= limit) return clipped;
      const value = Math.round((sample - black[site]) * gain * times + blackLevel[site]);
      return Math.max(0, Math.min(65_535, value));
    });
  return [table(0), table(1), table(2), table(3)];
}

/** Called for each row of the reference with the frame's samples for it. */
type Visit = (
  /** Row of the reference, and the index of its first pixel. */
  y: number,
  row: number,
  /** For each pixel of the row: the index of the frame's sample, or −1 outside the frame. */
  sources: Int32Array,
) => void;

/**
 * For each site, row by row, finds the sample of its colour nearest to where the pose puts the site
 * in the frame.
 */
export function eachRow(
  frame: Pick<Mosaic, 'width' | 'height' | 'cfa'>,
  pose: Pose,
  visit: Visit,
): void {
  const { width, height, cfa } = frame;
  const colours = siteColours(cfa);
  const sources = new Int32Array(width);
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  const [p0, p1, p2, p3, p4, p5, p6, p7, p8] = pose;
  // Row plus column of a green site, modulo 2.
  const greenParity = colours[0] === 'G' ? 0 : 1;
  for (let y = 0; y < height; y++) {
    const v = y - centreY;
    for (const first of [0, 1] as const) {
      const isGreen = ((y + first) & 1) === greenParity;
      const oddRow = y & 1;
      for (let x = first; x < width; x += 2) {
        const u = x - centreX;
        const s = 1 / (p6 * u + p7 * v + p8);
        const fx = (p0 * u + p1 * v + p2) * s + centreX;
        const fy = (p3 * u + p4 * v + p5) * s + centreY;
        if (!(fx >= -0.5 && fy >= -0.5 && fx < width - 0.5 && fy < height - 0.5)) {
          sources[x] = -1;
          continue;
        }
        let sx: number;
        let sy: number;
        if (isGreen) {
          sx = Math.floor(fx + 0.5);
          sy = Math.floor(fy + 0.5);
          if (((sx + sy) & 1) !== greenParity) {
            const [dx, dy] = [fx - sx, fy - sy];
            // A step along the axis with the larger remaining distance leads to the nearest green.
            if (Math.abs(dx) > Math.abs(dy)) sx += dx > 0 ? 1 : -1;
            else sy += dy > 0 ? 1 : -1;
            if (sx < 0) sx += 2;
            if (sy < 0) sy += 2;
            if (sx >= width) sx -= 2;
            if (sy >= height) sy -= 2;
          }
        } else {
          sx = 2 * Math.floor((fx - first) / 2 + 0.5) + first;
          sy = 2 * Math.floor((fy - oddRow) / 2 + 0.5) + oddRow;
          if (sx < 0) sx += 2;
          if (sy < 0) sy += 2;
          if (sx >= width) sx -= 2;
          if (sy >= height) sy -= 2;
        }
        sources[x] = sy * width + sx;
      }
    }
    visit(y, y * width, sources);
  }
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
    eachRow(frame, pose, (y, row, sources) => {
      const blocks = Math.floor(y / blockSide) * columns;
      for (const first of [0, 1]) {
        const table = tables[(y & 1) * 2 + first]!;
        for (let x = first; x < sources.length; x += 2) {
          const weight = weights[blocks + Math.floor(x / blockSide)]!;
          const source = sources[x]!;
          if (weight === 0 || source < 0) continue;
          const value = table[samples[source]!]!;
          const at = row + x;
          const before = this.#weights[at]!;
          if (value === clipped) this.#weights[at] = before | clippedMark;
          else if ((before & weightSumMax) + weight <= weightSumMax) {
            this.#sums[at]! += value * weight;
            this.#weights[at] = before + weight;
          }
        }
      }
    });
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
