/**
 * Gives an X-Trans mosaic the layout of a Bayer mosaic of the same size, so that the network can
 * develop it. Samples whose colour both layouts have at a place stay as they are; the others are
 * read off a plane through the nearest samples of their colour.
 */

import { siteColours } from './cfa.ts';
import type { CfaPattern } from './mosaic.ts';

/** Rows and columns after which the pattern repeats. */
const PERIOD = 6;
const BAYER: readonly CfaPattern[] = ['RGGB', 'BGGR', 'GRBG', 'GBRG'];
/** Neighbours up to this many rows and columns away are looked at. */
const RADIUS = 3;
/** Weight of a neighbour: exp(−distance² / (2 · SPREAD²)), in pixels. */
const SPREAD = 0.9;
/** Neighbours of less weight than this are left out. */
const LEAST_WEIGHT = 0.003;

/** How one missing colour is made at one place of the pattern. */
interface Kernel {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  /** They add up to 1, and give a plane of light its own value. */
  readonly shares: readonly number[];
}

/**
 * @param samples width × height, row-major, any unit
 * @param pattern 36 of the letters R, G and B: the colours of 6 × 6 samples from the corner on,
 *   in reading order
 * @returns samples of the same size and unit, in the Bayer layout that keeps most of them
 * @throws RangeError for a pattern in which a colour is missing around a place
 */
export function bayerOfXTrans(
  samples: Float32Array,
  width: number,
  height: number,
  pattern: string,
): { readonly samples: Float32Array; readonly cfa: CfaPattern } {
  const cfa = closestLayout(pattern);
  const wanted = siteColours(cfa);
  const kernels = Array.from({ length: PERIOD * PERIOD }, (_, place) => {
    const [row, column] = [Math.floor(place / PERIOD), place % PERIOD];
    const colour = wanted[(row % 2) * 2 + (column % 2)]!;
    return colour === pattern[place] ? undefined : kernelOf(pattern, row, column, colour);
  });
  const made = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const kernel = kernels[(y % PERIOD) * PERIOD + (x % PERIOD)];
      made[at] = kernel === undefined ? samples[at]! : read(samples, width, height, x, y, kernel);
    }
  }
  return { samples: made, cfa };
}

/** The pattern as it is seen from a corner that lies that many rows and columns on. */
export function shiftPattern(pattern: string, rows: number, columns: number): string {
  return Array.from({ length: PERIOD * PERIOD }, (_, place) => {
    const row = (Math.floor(place / PERIOD) + rows) % PERIOD;
    const column = ((place % PERIOD) + columns) % PERIOD;
    return pattern[row * PERIOD + column]!;
  }).join('');
}

function read(
  samples: Float32Array,
  width: number,
  height: number,
  x: number,
  y: number,
  { rows, columns, shares }: Kernel,
): number {
  let sum = 0;
  for (let i = 0; i < shares.length; i++) {
    const row = within(y + rows[i]!, height);
    const column = within(x + columns[i]!, width);
    sum += shares[i]! * samples[row * width + column]!;
  }
  return sum;
}

/** Past an edge, the sample one period further in has the same colour. */
function within(place: number, size: number): number {
  if (place < 0) return place + PERIOD;
  return place < size ? place : place - PERIOD;
}

function closestLayout(pattern: string): CfaPattern {
  const kept = (cfa: CfaPattern): number => {
    const colours = siteColours(cfa);
    return Array.from(pattern).filter((letter, place) => {
      const [row, column] = [Math.floor(place / PERIOD), place % PERIOD];
      return letter === colours[(row % 2) * 2 + (column % 2)];
    }).length;
  };
  return BAYER.reduce((best, cfa) => (kept(cfa) > kept(best) ? cfa : best));
}

/** The value at its centre of the plane that fits a colour's neighbours best, as a sum of them. */
function kernelOf(pattern: string, row: number, column: number, colour: string): Kernel {
  const near: { row: number; column: number; weight: number }[] = [];
  for (let down = -RADIUS; down <= RADIUS; down++) {
    for (let right = -RADIUS; right <= RADIUS; right++) {
      const r = (row + down + PERIOD) % PERIOD;
      const c = (column + right + PERIOD) % PERIOD;
      const weight = Math.exp(-(down * down + right * right) / (2 * SPREAD * SPREAD));
      if (pattern[r * PERIOD + c] === colour && weight >= LEAST_WEIGHT)
        near.push({ row: down, column: right, weight });
    }
  }
  // Weighted least squares: the plane's height at the centre is the first unknown.
  const sum = (value: (one: (typeof near)[number]) => number): number =>
    near.reduce((total, one) => total + one.weight * value(one), 0);
  const [s, sx, sy] = [sum(() => 1), sum((one) => one.column), sum((one) => one.row)];
  const sxx = sum((one) => one.column ** 2);
  const sxy = sum((one) => one.column * one.row);
  const syy = sum((one) => one.row ** 2);
  const [a, b, c] = [sxx * syy - sxy * sxy, sxy * sy - sx * syy, sx * sxy - sxx * sy];
  const determinant = s * a + sx * b + sy * c;
  if (!(determinant > 1e-9)) throw new RangeError(`expected an X-Trans pattern, got ${pattern}`);
  return {
    rows: near.map((one) => one.row),
    columns: near.map((one) => one.column),
    shares: near.map((one) => (one.weight * (a + b * one.column + c * one.row)) / determinant),
  };
}
