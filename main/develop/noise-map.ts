/**
 * Maps where a frame is noisier than its noise profile says: where a burst has few frames, and
 * wherever another program merged frames or brightened the corners.
 */

import type { FrameMap, Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import type { FrameNoise } from './noise.ts';
import { normalisation, type Normalisation } from './normalise.ts';
import { packedGrid } from './pack.ts';
import type { Rectangle } from './tiles.ts';

/** Factors on the profile's variance, one for each block of packed pixels. */
export interface NoiseMap {
  /** Side of a block in packed pixels. */
  readonly blockPacked: number;
  readonly columns: number;
  readonly rows: number;
  /** columns × rows, row-major. */
  readonly factors: Float32Array;
}

const blockPacked = 2;

/**
 * Builds the map of a frame's noise from the number of frames merged at each place and from the
 * frame itself.
 * @param noise the profile that the map multiplies
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

/**
 * The maps for a frame's noise profile and for its ceiling; one shared map if these are the same.
 */
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

/** The factor of each packed pixel of a window. Pixels beyond the frame get that of its edge. */
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

/** Number of frames in the middle block of a map, which a merged mosaic's noise profile is for. */
export function middleFrames({ sixteenths }: FrameMap): number {
  const sorted = sixteenths.slice().sort();
  return Math.max(1, (sorted[sorted.length >> 1] ?? 16) / 16);
}

/**
 * Variance is inversely proportional to the number of frames. Where several of the frame map's
 * blocks overlap one block, the smallest number counts.
 */
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

/** Side of a measured block in packed pixels: it has 64 samples of each site. */
const measuredSide = 16;
/** A measured variance below this many times the stated one may be chance. */
const raisedMin = 1.5;
/** This many of a block's neighbours must be noisier too, because real noise comes in areas. */
const raisedNeighbours = 3;
/**
 * Noise is equally strong at all scales. If the measure grows by more than these factors, it is
 * texture.
 */
const whiteness = { neighbours: 1.35, coarse: 1.6 } as const;

/**
 * Raises the map where blocks are noisier than it says. A block's noise is the median of its
 * diagonal differences, which stars and hot pixels do not affect. It counts only if the horizontal
 * and vertical differences and those at twice the scale are no stronger; in texture they are.
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
      // The last block also covers the rest of the frame.
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

/**
 * The largest measured factor of a block and its neighbours; 0 unless enough of them are noisier.
 */
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

/** Quads of 2 × 2 samples of one site in a block, and groups of 2 × 2 such quads. */
const quadsPerSite = 16;
/** The median of squares of a standard normal. */
const medianSquare = 0.4549;

/** Measures blocks one at a time. */
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
   * @param least smaller results need not be exact
   * @returns the block's variance as a multiple of the stated one; 0 if it shows texture or a lamp
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
    // Most blocks are done here.
    if (!(diagonal / 64 > least)) return 0;
    const found = this.#diagonals.sort()[2 * quadsPerSite]! / medianSquare;
    const isWhite =
      straight / 128 < whiteness.neighbours * found && coarse / 48 < whiteness.coarse * found;
    return isWhite ? found : 0;
  }

  /** Squares of the three differences between 2 × 2 quads, scaled to one sample's noise. */
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
