/**
 * Where a frame is noisier than its noise profile says: behind few frames of a burst, and wherever
 * another program merged frames or brightened the corners.
 */

import type { FrameMap, Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import type { FrameNoise } from './noise.ts';
import { normalisation, type Normalisation } from './normalise.ts';
import { packedGrid } from './pack.ts';
import type { Rectangle } from './tiles.ts';

/** Times the profile's variance, for each block of packed pixels. */
export interface NoiseMap {
  /** Packed pixels of a block each way. */
  readonly blockPacked: number;
  readonly columns: number;
  readonly rows: number;
  /** columns × rows, row-major. */
  readonly factors: Float32Array;
}

const blockPacked = 2;

/**
 * The map of a frame's noise: what a burst is known to rest on, and what the frame itself shows.
 * @param noise what the map multiplies
 */
export function noiseMap(mosaic: Mosaic, noise: NoiseProfile): NoiseMap {
  const grid = packedGrid(mosaic);
  const columns = Math.ceil(grid.width / blockPacked);
  const rows = Math.ceil(grid.height / blockPacked);
  const map = { blockPacked, columns, rows, factors: new Float32Array(columns * rows).fill(1) };
  if (mosaic.merged !== undefined) fillFromFrames(map, mosaic, mosaic.merged.map);
  raiseToMeasured(map, mosaic, noise);
  return map;
}

/** The maps that belong to a frame's noise profile and to its ceiling; one where these are the same. */
export function noiseMaps(
  mosaic: Mosaic,
  { profile, ceiling }: FrameNoise,
): { readonly profile: NoiseMap; readonly ceiling: NoiseMap } {
  const ofCeiling = noiseMap(mosaic, ceiling);
  return {
    ceiling: ofCeiling,
    profile: profile === ceiling ? ofCeiling : noiseMap(mosaic, profile),
  };
}

/** The factor of each packed pixel of a window; beyond the frame, that of its edge. */
export function factorsWithin(map: NoiseMap, window: Rectangle): Float32Array {
  const factors = new Float32Array(window.width * window.height);
  for (let y = 0, out = 0; y < window.height; y++) {
    for (let x = 0; x < window.width; x++, out++) {
      factors[out] = factorAt(map, window.x + x, window.y + y);
    }
  }
  return factors;
}

function factorAt(map: NoiseMap, x: number, y: number): number {
  const column = Math.min(map.columns - 1, Math.max(0, Math.floor(x / map.blockPacked)));
  const row = Math.min(map.rows - 1, Math.max(0, Math.floor(y / map.blockPacked)));
  return map.factors[row * map.columns + column]!;
}

/** Frames behind the middle block of a map: those that a merged mosaic's noise profile is for. */
export function middleFrames({ sixteenths }: FrameMap): number {
  const sorted = sixteenths.slice().sort();
  return Math.max(1, (sorted[sorted.length >> 1] ?? 16) / 16);
}

/** Variance goes with one over the frames. A block that reaches into several counts as the least of them. */
function fillFromFrames(map: NoiseMap, mosaic: Mosaic, frames: FrameMap): void {
  const { rowsBefore, columnsBefore } = packedGrid(mosaic);
  const middle = middleFrames(frames) * 16;
  const side = 2 * blockPacked;
  const within = (place: number, size: number): number =>
    Math.min(size - 1, Math.max(0, Math.floor(place / frames.blockSide)));
  for (let y = 0, out = 0; y < map.rows; y++) {
    const top = within(y * side - rowsBefore, frames.rows);
    const bottom = within((y + 1) * side - rowsBefore - 1, frames.rows);
    for (let x = 0; x < map.columns; x++, out++) {
      const left = within(x * side - columnsBefore, frames.columns);
      const right = within((x + 1) * side - columnsBefore - 1, frames.columns);
      let fewest = Infinity;
      for (let row = top; row <= bottom; row++) {
        for (let column = left; column <= right; column++) {
          fewest = Math.min(fewest, frames.sixteenths[row * frames.columns + column]!);
        }
      }
      map.factors[out] = middle / fewest;
    }
  }
}

/** Pixels of a measured block each way: 64 samples of each site. */
const measuredSide = 16;
/** Below this many times the stated variance, a block's own measure is chance. */
const raisedMin = 1.5;
/** Blocks among a block and its neighbours that must be noisier: noise comes in areas. */
const raisedNeighbours = 3;
/** Noise is as strong at all scales; what grows by more than this from scale to scale is texture. */
const whiteness = { neighbours: 1.35, coarse: 1.6 } as const;

/**
 * Raises the map where blocks are noisier than it says. A block's noise is the median of its diagonal
 * differences, in which a star or a hot pixel does not show; it counts only if the differences across,
 * down and at twice the scale are no stronger, as those of any texture are.
 */
function raiseToMeasured(map: NoiseMap, mosaic: Mosaic, noise: NoiseProfile): void {
  const across = Math.floor(mosaic.width / measuredSide);
  const down = Math.floor(mosaic.height / measuredSide);
  const levels = normalisation(mosaic);
  const packedSide = measuredSide / 2;
  const raised = new Float32Array(across * down);
  const block = new BlockMeasure(mosaic, levels, noise);
  for (let y = 0, at = 0; y < down; y++) {
    for (let x = 0; x < across; x++, at++) {
      const known = factorAt(map, (x + 0.5) * packedSide, (y + 0.5) * packedSide);
      const measured = block.varianceRatio(x * measuredSide, y * measuredSide, raisedMin * known);
      raised[at] = measured > raisedMin * known ? measured : 0;
    }
  }
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const factor = factorAround(raised, across, down, x, y);
      if (factor === 0) continue;
      // The last block stands for what the frame has beyond it.
      const right = x === across - 1 ? map.columns : ((x + 1) * packedSide) / blockPacked;
      const bottom = y === down - 1 ? map.rows : ((y + 1) * packedSide) / blockPacked;
      for (let row = (y * packedSide) / blockPacked; row < bottom; row++) {
        for (let column = (x * packedSide) / blockPacked; column < right; column++) {
          const at = row * map.columns + column;
          map.factors[at] = Math.max(map.factors[at]!, factor);
        }
      }
    }
  }
}

/** The most that a block or one beside it was raised to; 0 unless enough of them were. */
function factorAround(
  raised: Float32Array,
  across: number,
  down: number,
  x: number,
  y: number,
): number {
  let [most, count] = [0, 0];
  for (let row = Math.max(0, y - 1); row <= Math.min(down - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(across - 1, x + 1); column++) {
      const factor = raised[row * across + column]!;
      if (factor === 0) continue;
      count += 1;
      most = Math.max(most, factor);
    }
  }
  return count >= raisedNeighbours ? most : 0;
}

/** Quads of 2 × 2 samples of one site in a block, and of 2 × 2 such quads. */
const quadsPerSite = 16;
/** The median of squares of a standard normal. */
const medianSquare = 0.4549;

/** Measures one block after the other. */
class BlockMeasure {
  readonly #mosaic: Mosaic;
  readonly #levels: Normalisation;
  readonly #noise: NoiseProfile;
  readonly #diagonals = new Float32Array(4 * quadsPerSite);
  readonly #means = new Float32Array(quadsPerSite);

  constructor(mosaic: Mosaic, levels: Normalisation, noise: NoiseProfile) {
    this.#mosaic = mosaic;
    this.#levels = levels;
    this.#noise = noise;
  }

  /**
   * @param least what is below it need not be exact
   * @returns times the stated variance that the block's noise has; 0 where it shows texture or a lamp
   */
  varianceRatio(left: number, top: number, least: number): number {
    const { samples, width, whiteLevel } = this.#mosaic;
    const nearlyWhite = 0.95 * whiteLevel;
    let [diagonal, straight, coarse] = [0, 0, 0];
    for (let site = 0; site < 4; site++) {
      const scale = this.#levels.scale[site]!;
      const first = (top + (site >> 1)) * width + left + (site & 1);
      let sum = 0;
      let [siteDiagonal, siteStraight] = [0, 0];
      for (let row = 0, quad = 0; row < 4; row++) {
        for (let column = 0; column < 4; column++, quad++) {
          const upper = first + row * 4 * width + column * 4;
          const lower = upper + 2 * width;
          const [a, b] = [samples[upper]!, samples[upper + 2]!];
          const [c, d] = [samples[lower]!, samples[lower + 2]!];
          if (a > nearlyWhite || b > nearlyWhite || c > nearlyWhite || d > nearlyWhite) return 0;
          const own = 0.25 * (a - b - c + d) ** 2;
          this.#diagonals[site * quadsPerSite + quad] = own;
          siteDiagonal += own;
          siteStraight += 0.25 * ((a - b + c - d) ** 2 + (a + b - c - d) ** 2);
          this.#means[quad] = a + b + c + d;
          sum += a + b + c + d;
        }
      }
      const light = Math.max(0, (sum / 64 - this.#levels.black[site]!) * scale);
      const perVariance = (scale * scale) / (this.#noise.slope * light + this.#noise.offset);
      for (let quad = site * quadsPerSite; quad < (site + 1) * quadsPerSite; quad++) {
        this.#diagonals[quad]! *= perVariance;
      }
      diagonal += siteDiagonal * perVariance;
      straight += siteStraight * perVariance;
      coarse += this.#coarse() * perVariance;
    }
    // Most blocks end here.
    if (!(diagonal / 64 > least)) return 0;
    const found = this.#diagonals.sort()[2 * quadsPerSite]! / medianSquare;
    const isWhite =
      straight / 128 < whiteness.neighbours * found && coarse / 48 < whiteness.coarse * found;
    return isWhite ? found : 0;
  }

  /** Squares of the three differences of each 2 × 2 quads, as large as one sample's noise. */
  #coarse(): number {
    let sum = 0;
    for (let row = 0; row < 4; row += 2) {
      for (let column = 0; column < 4; column += 2) {
        const at = row * 4 + column;
        const [a, b] = [this.#means[at]!, this.#means[at + 1]!];
        const [c, d] = [this.#means[at + 4]!, this.#means[at + 5]!];
        sum += (a - b - c + d) ** 2 + (a - b + c - d) ** 2 + (a + b - c - d) ** 2;
      }
    }
    return sum / 16;
  }
}
