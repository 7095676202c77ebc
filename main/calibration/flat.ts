/**
 * Photon transfer: finds the gain K from how the noise of evenly lit frames grows with their light.
 */

import type { Figure, PhotonTransfer } from '../../preload/contract/camera-profile.ts';
import type { Mosaic, PerSite } from '../raw/mosaic.ts';

/** The result of the dark frames of the same ISO. */
export interface DarkFloor {
  readonly black: PerSite;
  /** Variance of a sample without light, measured from a pair's difference, DN². */
  readonly varianceDn2: number;
  /** Standard error of that variance; Infinity where it is unknown and the fit must find it. */
  readonly errorDn2: number;
}

/** Blocks are this many samples of the mosaic a side: 64 of each site. */
const blockSide = 16;
const samplesPerBlock = (blockSide / 2) ** 2;
/** Above this share of the range sensors are no longer linear. */
const brightest = 0.75;
/** Row noise and chance stay well below this. */
const movedRatio = 1.2;
/** Bins of the mean, spaced by its square root so that noise is about equally wide in each. */
const bins = 32;

interface Bin {
  /** Weights of blocks, and sums over them. */
  blocks: number;
  mean: number;
  variance: number;
  varianceSquares: number;
}

/** Processes pairs and single frames of one ISO and keeps little of each. */
export class FlatGroup {
  readonly #floor: DarkFloor;
  readonly #whiteLevel: number;
  readonly #bins: readonly Bin[];
  #pairs = 0;
  #singles = 0;

  constructor(whiteLevel: number, floor: DarkFloor) {
    this.#whiteLevel = whiteLevel;
    this.#floor = floor;
    this.#bins = Array.from({ length: bins }, () => ({
      blocks: 0,
      mean: 0,
      variance: 0,
      varianceSquares: 0,
    }));
  }

  /**
   * Adds two frames of the same light. Their difference is noise, whatever the scene.
   * @returns the number of usable blocks; 0 if the frames are too bright
   */
  addPair(first: Mosaic, second: Mosaic): number {
    this.#pairs += 1;
    const { samples: a, width } = first;
    const { samples: b } = second;
    return this.#addBlocks(first, (at) => {
      let [sumA, sumB, squares, difference] = [0, 0, 0, 0];
      for (let y = 0; y < blockSide; y += 2) {
        for (let x = 0; x < blockSide; x += 2) {
          const index = at + y * width + x;
          const [one, two] = [a[index]!, b[index]!];
          if (one >= this.#clipped || two >= this.#clipped) return undefined;
          sumA += one;
          sumB += two;
          difference += one - two;
          squares += (one - two) ** 2;
        }
      }
      // A flickering lamp makes one frame brighter as a whole; subtract that.
      const centred = squares - difference ** 2 / samplesPerBlock;
      return {
        mean: (sumA + sumB) / (2 * samplesPerBlock),
        variance: centred / (2 * (samplesPerBlock - 1)),
      };
    });
  }

  /**
   * Whether two frames of the same settings show different scenes. Movement makes the frames differ
   * more than neighbours within one frame do; texture without movement does the opposite.
   */
  hasMoved(first: Mosaic, second: Mosaic): boolean {
    const pair = new FlatGroup(this.#whiteLevel, this.#floor);
    const single = new FlatGroup(this.#whiteLevel, this.#floor);
    const used = Math.min(pair.addPair(first, second), single.addSingle(first));
    return used > 0 && pair.#meanVariance > movedRatio * single.#meanVariance;
  }

  /** Over all blocks, minus the dark frames' own. */
  get #meanVariance(): number {
    const blocks = this.#bins.reduce((sum, bin) => sum + bin.blocks, 0);
    const variance = this.#bins.reduce((sum, bin) => sum + bin.variance, 0);
    return variance / Math.max(1, blocks) - this.#floor.varianceDn2;
  }

  /** Adds a single frame. Its noise is the difference between diagonal neighbours of one colour. */
  addSingle(mosaic: Mosaic): number {
    this.#singles += 1;
    const { samples, width } = mosaic;
    return this.#addBlocks(mosaic, (at) => {
      let [sum, squares] = [0, 0];
      for (let y = 0; y < blockSide; y += 4) {
        for (let x = 0; x < blockSide; x += 4) {
          const index = at + y * width + x;
          const [p, q] = [samples[index]!, samples[index + 2]!];
          const [r, s] = [samples[index + 2 * width]!, samples[index + 2 * width + 2]!];
          if (Math.max(p, q, r, s) >= this.#clipped) return undefined;
          sum += p + q + r + s;
          squares += (p - q - r + s) ** 2;
        }
      }
      return { mean: sum / samplesPerBlock, variance: squares / samplesPerBlock };
    });
  }

  get #clipped(): number {
    return this.#whiteLevel * 0.95;
  }

  #addBlocks(
    { width, height }: Mosaic,
    measure: (at: number) => { readonly mean: number; readonly variance: number } | undefined,
  ): number {
    let used = 0;
    for (let top = 0; top + blockSide <= height; top += blockSide) {
      for (let left = 0; left + blockSide <= width; left += blockSide) {
        for (let site = 0; site < 4; site++) {
          const found = measure((top + (site >> 1)) * width + left + (site & 1));
          if (found === undefined) continue;
          const black = this.#floor.black[site]!;
          const mean = found.mean - black;
          const share = mean / (this.#whiteLevel - black);
          if (!(share < brightest)) continue;
          const bin = this.#bins[Math.floor(Math.sqrt(Math.max(0, share)) * bins)];
          if (bin === undefined) continue;
          bin.blocks += 1;
          bin.mean += mean;
          bin.variance += found.variance;
          bin.varianceSquares += found.variance ** 2;
          used++;
        }
      }
    }
    return used;
  }

  /** @returns undefined if the frames do not determine K */
  finish(): { readonly gain: Figure; readonly transfer: PhotonTransfer } | undefined {
    const points = this.#bins
      .filter(({ blocks }) => blocks >= 4)
      .map(({ blocks, mean, variance, varianceSquares }) => {
        const average = variance / blocks;
        const scatter = Math.max(0, varianceSquares / blocks - average ** 2) / blocks;
        return { mean: mean / blocks, variance: average, errorSquare: scatter };
      });
    const line = straightLine(points, this.#floor);
    if (line === undefined) return undefined;
    return {
      gain: line.gain,
      transfer: {
        pairs: this.#pairs,
        singles: this.#singles,
        points: points.map(({ mean, variance }) => ({ meanDn: mean, varianceDn2: variance })),
        offsetDn2: line.offset,
        gain: line.gain.value,
      },
    };
  }
}

interface Point {
  readonly mean: number;
  readonly variance: number;
  readonly errorSquare: number;
}

/**
 * Fits variance = offset + K · mean by weighted least squares. The dark frames' variance is a point at
 * mean 0 with its own error.
 */
function straightLine(
  points: readonly Point[],
  floor: DarkFloor,
): { readonly gain: Figure; readonly offset: number } | undefined {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  const add = (x: number, y: number, weight: number): void => {
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  };
  for (const { mean, variance, errorSquare } of points) {
    // An extra 1 % of error keeps a bin of millions of samples from outweighing all others.
    add(mean, variance, 1 / (errorSquare + (0.01 * variance) ** 2 + 1e-12));
  }
  if (Number.isFinite(floor.errorDn2))
    add(0, floor.varianceDn2, 1 / (floor.errorDn2 ** 2 + (0.01 * floor.varianceDn2) ** 2 + 1e-12));
  const determinant = w * wxx - wx * wx;
  if (points.length === 0 || !(determinant > 1e-9 * w * wxx)) return undefined;
  const gain = (w * wxy - wx * wy) / determinant;
  const offset = (wy - gain * wx) / w;
  const off = points.reduce(
    (sum, { mean, variance, errorSquare }) =>
      sum + (variance - offset - gain * mean) ** 2 / (errorSquare + (0.01 * variance) ** 2 + 1e-12),
    0,
  );
  // If the points lie off the line by more than their errors, widen the error of the line.
  const excess = Math.max(1, off / Math.max(1, points.length - 1));
  const error = Math.sqrt((w / determinant) * excess);
  return gain > 0 && error < gain ? { gain: { value: gain, error }, offset } : undefined;
}
