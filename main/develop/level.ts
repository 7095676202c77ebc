/**
 * A smaller version of a frame that is still a mosaic. Level n has 1 / 2ⁿ of its sides, so that the
 * network can develop a whole picture in the time of one tile.
 */

import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { normalisation } from './normalise.ts';
import { packedGrid } from './pack.ts';
import type { Rectangle } from './tiles.ts';

export interface Level {
  /** ≥ 1; full size needs no level. */
  readonly level: number;
  /** In packed pixels of the level. */
  readonly width: number;
  readonly height: number;
  /** [4, height, width]: R, G, G, B; normalised and signed. */
  readonly planes: Float32Array;
  /** Variance of a sample of the level ÷ variance of a sample of the frame. */
  readonly varianceShare: number;
}

/** Size of a level in packed pixels; level 0 is the frame's own grid. */
export function levelSize(
  grid: { readonly width: number; readonly height: number },
  level: number,
): { readonly width: number; readonly height: number } {
  const side = 2 ** level;
  return { width: Math.ceil(grid.width / side), height: Math.ceil(grid.height / side) };
}

/**
 * Averages the samples of each colour around the place where a sensor with fewer pixels would have
 * that colour. The weights form a tent as wide as a cell of the level, centred exactly there, so
 * that the colours stay aligned.
 */
export function levelOf(mosaic: Mosaic, level: number): Level {
  const grid = packedGrid(mosaic);
  const { width, height } = levelSize(grid, level);
  const { black, scale } = normalisation(mosaic);
  const planes = new Float32Array(4 * width * height);
  const columns = [0, 1].map((site) => taps(level, site, width, grid.columnsBefore, mosaic.width));
  const rows = [0, 1].map((site) => taps(level, site, height, grid.rowsBefore, mosaic.height));
  const { samples } = mosaic;
  const count = 2 ** level;
  for (let site = 0; site < 4; site++) {
    const [down, right] = [site >> 1, site & 1];
    const own = ((down + grid.rowsBefore) % 2) * 2 + ((right + grid.columnsBefore) % 2);
    const siteBlack = black[own]!;
    const siteScale = scale[own]!;
    const across = columns[right]!;
    const along = rows[down]!;
    // Vertically first, because whole rows of a colour lie together in memory.
    const first = across.places[0]! % 2;
    const line = new Float64Array((mosaic.width - first + 1) >> 1);
    for (let y = 0; y < height; y++) {
      line.fill(0);
      for (let i = 0; i < count; i++) {
        const weight = along.weights[i]!;
        let from = along.places[y * count + i]! * mosaic.width + first;
        for (let x = 0; x < line.length; x++, from += 2) line[x]! += weight * samples[from]!;
      }
      const out = (site * height + y) * width;
      for (let x = 0, at = 0; x < width; x++) {
        let sum = 0;
        for (let j = 0; j < count; j++, at++)
          sum += across.weights[j]! * line[across.places[at]! >> 1]!;
        planes[out + x] = siteScale * (sum - siteBlack);
      }
    }
  }
  const share = (weights: Float64Array): number =>
    weights.reduce((sum, weight) => sum + weight * weight, 0);
  return {
    level,
    width,
    height,
    planes,
    varianceShare: share(columns[0]!.weights) * share(rows[0]!.weights),
  };
}

/** The noise of a level's samples. */
export function levelNoise(
  { slope, offset }: NoiseProfile,
  { varianceShare }: Level,
): NoiseProfile {
  return { slope: slope * varianceShare, offset: offset * varianceShare };
}

/** Cuts one window, mirrored about the level's edge samples. @returns [4, height, width] */
export function levelWindow({ width, height, planes }: Level, window: Rectangle): Float32Array {
  const area = window.width * window.height;
  const packed = new Float32Array(4 * area);
  for (let site = 0; site < 4; site++) {
    const columns = mirrored(window.x * 2 + (site & 1), window.width, width * 2, 2);
    const rows = mirrored(window.y * 2 + (site >> 1), window.height, height * 2, 2);
    let out = site * area;
    for (let y = 0; y < window.height; y++) {
      const row = (site * height + (rows[y]! >> 1)) * width;
      for (let x = 0; x < window.width; x++, out++) packed[out] = planes[row + (columns[x]! >> 1)]!;
    }
  }
  return packed;
}

interface Taps {
  /** `count` positions in the mosaic for each packed pixel. */
  readonly places: Int32Array;
  /** Their weights, the same for each pixel; their sum is 1. */
  readonly weights: Float64Array;
}

function taps(level: number, site: number, length: number, before: number, size: number): Taps {
  const count = 2 ** level;
  // In samples of the grid: the centre of the level's pixel, and the first sample of the site's
  // colour under the tent around it.
  const centre = (site + 0.5) * count - 0.5;
  let first = Math.ceil(centre - count + 1e-9);
  if ((((first - site) % 2) + 2) % 2 === 1) first += 1;
  const raw = Float64Array.from(
    { length: count },
    (_, i) => 1 - Math.abs(first + 2 * i - centre) / count,
  );
  const sum = raw.reduce((total, weight) => total + weight, 0);
  const places = new Int32Array(length * count);
  for (let pixel = 0; pixel < length; pixel++) {
    places.set(mirrored(first + pixel * 2 * count - before, count, size, 2), pixel * count);
  }
  return { places, weights: raw.map((weight) => weight / sum) };
}

/** start, start + step, …, mirrored into 0 … size − 1 about the edge samples. */
function mirrored(start: number, count: number, size: number, step: number): Int32Array {
  const period = Math.max(1, 2 * (size - 1));
  return Int32Array.from({ length: count }, (_, index) => {
    const folded = (((start + index * step) % period) + period) % period;
    return folded < size ? folded : period - folded;
  });
}
