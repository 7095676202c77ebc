/**
 * Finds hot and dead pixels in a single frame and replaces them by the median of their neighbours
 * of the same colour. Whatever its colour, a star covers several pixels because of the lens; a hot
 * pixel stands alone.
 */

import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { normalisation } from './normalise.ts';

/**
 * A pixel must lie this many σ beyond its neighbours. Fainter ones are left to the network. Noise
 * reaches this only in its far tails, and replacing those loses nothing.
 */
const sigmasMin = 8;
/**
 * It must also differ by this share of the light around it: no lens makes one pixel of bright
 * detail twice as bright, or half as bright, as all pixels around it.
 */
const brighterMin = 1;
const darkerMin = 0.5;
/**
 * A pixel is alone if the eight around it together have less than this share of its excess, and so
 * have the next four of its own colour. In white light the eight have 0.7 of the excess for a star
 * 1 pixel wide at half its height, and 2.3 for a width of 1.6 pixels. They have 0.3 for a purely
 * red lamp of 1.6 pixels, which green and blue pixels hardly see.
 */
const aloneMax = 0.25;
/**
 * Its surroundings, without the highest and lowest sample, must also vary by less than this share
 * of its excess: detail as fine as a pixel is not a defect.
 */
const unrestMax = 0.5;
/**
 * Pixels at the frame's edges that are never changed, because their surroundings are incomplete.
 */
const rim = 3;

/** Surrounding pixels, as offsets of a flat index. */
interface Surroundings {
  /** The nearest eight of the same colour (for green: of the same half of green). */
  readonly own: readonly number[];
  /** Those four of them that are straight across and down; a star reaches them. */
  readonly ownNear: readonly number[];
  /**
   * The other colours: the pixels next to this one, and those behind them, which no star reaches.
   */
  readonly others: readonly { readonly near: readonly number[]; readonly far: readonly number[] }[];
}

/**
 * Returns the frame with its hot and dead pixels repaired; the same object if it has none.
 * Decisions use the original samples only, so no repair affects another.
 * @param noise no less than the noise of the normalised samples
 */
export function withoutLonePixels(mosaic: Mosaic, noise: NoiseProfile): Mosaic {
  const { samples, width, height } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const surroundings = surroundingsOf(width);
  let mended: Uint16Array | undefined;
  for (let y = rim; y < height - rim; y++) {
    for (let parity = 0; parity < 2; parity++) {
      const site = (y & 1) * 2 + parity;
      const [blackDn, dn] = [black[site]!, 1 / scale[site]!];
      const [slope, offset] = [noise.slope * dn, noise.offset * dn * dn];
      const least = sigmasMin * sigmasMin;
      const begin = rim + ((rim ^ parity) & 1);
      for (let x = begin, at = y * width + begin; x < width - rim; x += 2, at += 2) {
        const value = samples[at]!;
        const [left, right] = [samples[at - 2]!, samples[at + 2]!];
        const isHot = value > left && value > right;
        if (!isHot && !(value < left && value < right)) continue;
        // Nearly all pixels are done at this point, so there is no function call before it.
        const [above, below] = [samples[at - 2 * width]!, samples[at + 2 * width]!];
        const next = isHot
          ? Math.max(left, right, above, below)
          : Math.min(left, right, above, below);
        const light = Math.max(0, next - blackDn);
        const beyond = isHot ? value - next : next - value;
        if (!(beyond > (isHot ? brighterMin : darkerMin) * light)) continue;
        if (!(beyond * beyond > least * (offset + slope * light))) continue;
        const own = levelOf(samples, at, surroundings.own);
        if (!isAlone(samples, at, own, surroundings)) continue;
        mended ??= samples.slice();
        mended[at] = own.middle;
      }
    }
  }
  return mended === undefined ? mosaic : { ...mosaic, samples: mended };
}

function isAlone(
  samples: Uint16Array,
  at: number,
  own: Level,
  { ownNear, others }: Surroundings,
): boolean {
  const excess = samples[at]! - own.middle;
  const size = Math.abs(excess);
  const lit = (steps: readonly number[], usual: number): number =>
    steps.reduce((sum, step) => sum + samples[at + step]! - usual, 0) * Math.sign(excess);
  if (!(own.spread < unrestMax * size && lit(ownNear, own.middle) < aloneMax * size)) return false;
  let around = 0;
  for (const { near, far } of others) {
    const usual = levelOf(samples, at, far);
    if (!(usual.spread < unrestMax * size)) return false;
    around += lit(near, usual.middle);
  }
  return around < aloneMax * size;
}

/** Median and spread of some samples. */
interface Level {
  /** Their median. */
  readonly middle: number;
  /** Second highest less second lowest. */
  readonly spread: number;
}

function levelOf(samples: Uint16Array, at: number, steps: readonly number[]): Level {
  const values = steps.map((step) => samples[at + step]!).sort((a, b) => a - b);
  const half = values.length >> 1;
  return {
    middle: Math.round((values[half - 1]! + values[half]!) / 2),
    spread: values.at(-2)! - values[1]!,
  };
}

function surroundingsOf(width: number): Surroundings {
  const steps = (rows: readonly number[], columns: readonly number[]): number[] =>
    rows.flatMap((row) => columns.map((column) => row * width + column));
  const without = (all: readonly number[], some: readonly number[]): number[] =>
    all.filter((step) => !some.includes(step));
  const own = without(steps([-2, 0, 2], [-2, 0, 2]), [0]);
  const beside = (rows: readonly number[], columns: readonly number[], all: readonly number[]) => {
    const near = steps(rows, columns);
    return { near, far: without(all, near) };
  };
  return {
    own,
    ownNear: [-2, 2, -2 * width, 2 * width],
    others: [
      beside([0], [-1, 1], steps([-2, 0, 2], [-3, -1, 1, 3])),
      beside([-1, 1], [0], steps([-3, -1, 1, 3], [-2, 0, 2])),
      beside([-1, 1], [-1, 1], steps([-3, -1, 1, 3], [-3, -1, 1, 3])),
    ],
  };
}
