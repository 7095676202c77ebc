/**
 * Gives an X-Trans mosaic the layout of a Bayer mosaic of the same size, so that the network can
 * develop it. The network knows noise that is independent from sample to sample, so samples are moved
 * by a pixel or so rather than averaged: of 36 samples a Bayer sensor has 18 green, 9 red and 9 blue
 * ones, an X-Trans sensor 20, 8 and 8. Where there is more detail than noise, a place keeps its own
 * sample, in the colour that the light around it has.
 */

import { siteColours } from './cfa.ts';
import type { CfaPattern, Vector3 } from './mosaic.ts';
import { detailOf, type Blocks } from './xtrans-detail.ts';

/** Rows and columns after which the pattern repeats. */
const period = 6;
const allPlaces = Array.from({ length: period * period }, (_, place) => place);
const bayer: readonly CfaPattern[] = ['RGGB', 'BGGR', 'GRBG', 'GBRG'];
/** Samples up to this many rows and columns away are looked at. */
const radius = 4;
/**
 * Weight of a sample in the plane of light around a place: exp(−distance² / (2 · spread²)), in pixels.
 * A sample that was moved is corrected by the slope of a wide plane, which has little noise; the one
 * red or blue sample in nine that has none to take over is read off a narrow plane.
 */
const slopeSpread = 1.5;
const valueSpread = 0.9;
/** Samples of less weight than this are left out of a plane. */
const leastWeight = 0.02;

/** How one place is made of samples of its colour. */
interface Kernel {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  /** They add up to 1, and give a plane of light its own value. */
  readonly shares: readonly number[];
}

/** A sample of the pattern, by its distance from the place that takes it over. */
interface Step {
  readonly row: number;
  readonly column: number;
}

/**
 * @param samples width × height, row-major, any unit, black at 0
 * @param pattern 36 of the letters R, G and B: the colours of 6 × 6 samples from the corner on,
 *   in reading order
 * @param gains of R, G and B that make the light neutral
 * @returns samples of the same size and unit, in the Bayer layout that moves them least
 * @throws RangeError for a pattern that lacks a colour
 */
export function bayerOfXTrans(
  samples: Float32Array,
  size: { readonly width: number; readonly height: number },
  pattern: string,
  gains: Vector3,
): { readonly samples: Float32Array; readonly cfa: CfaPattern } {
  const { cfa, taken } = closestLayout(pattern);
  const colours = siteColours(cfa);
  const light: Light = { ...size, samples };
  const moving = allPlaces.map((place) => kernelOf(pattern, place, colours, taken.get(place)));
  const tinting = allPlaces.map((place) => tintingKernel(pattern, place, colours, gains));
  const made = samples.slice();
  fill(made, light, moving, () => 1);
  const detail = detailOf(light, (x, y) => {
    const place = (y % period) * period + (x % period);
    const kernel = tinting[place];
    if (kernel === undefined || moving[place] === undefined) return undefined;
    return weighed(light, x, y, kernel) - made[y * size.width + x]!;
  });
  fill(made, light, tinting, (x, y) => shareAt(detail, x, y));
  return { samples: made, cfa };
}

interface Light {
  readonly width: number;
  readonly height: number;
  readonly samples: Float32Array;
}

const shareAt = ({ across, shares }: Blocks, x: number, y: number): number =>
  shares[Math.floor(y / period) * across + Math.floor(x / period)]!;

/** Mixes what the kernels give into `made`, by the share that each block of 6 × 6 has of it. */
function fill(
  made: Float32Array,
  light: Light,
  kernels: readonly (Kernel | undefined)[],
  shareOf: (x: number, y: number) => number,
): void {
  const { width, height, samples } = light;
  for (const [place, kernel] of kernels.entries()) {
    if (kernel === undefined) continue;
    const { shares } = kernel;
    const offsets = kernel.rows.map((row, index) => row * width + kernel.columns[index]!);
    for (let y = Math.floor(place / period); y < height; y += period) {
      const isInner = y >= radius && y < height - radius;
      for (let x = place % period; x < width; x += period) {
        const share = shareOf(x, y);
        if (share === 0) continue;
        const at = y * width + x;
        let value = 0;
        if (isInner && x >= radius && x < width - radius) {
          for (let i = 0; i < shares.length; i++) value += shares[i]! * samples[at + offsets[i]!]!;
        } else {
          value = weighed(light, x, y, kernel);
        }
        made[at] = made[at]! + share * (value - made[at]!);
      }
    }
  }
}

function weighed(
  { samples, width, height }: Light,
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

/** The pattern as it is seen from a corner that lies that many rows and columns on. */
export function shiftPattern(pattern: string, rows: number, columns: number): string {
  return Array.from({ length: period * period }, (_, place) => {
    const row = (Math.floor(place / period) + rows) % period;
    const column = ((place % period) + columns) % period;
    return pattern[row * period + column]!;
  }).join('');
}

/** Past an edge, the sample one period further in has the same colour. */
function within(place: number, size: number): number {
  if (place < 0) return place + period;
  return place < size ? place : place - period;
}

/** The layout whose places are nearest to samples of their colours, and the sample that each takes over. */
function closestLayout(pattern: string): {
  readonly cfa: CfaPattern;
  readonly taken: ReadonlyMap<number, Step>;
} {
  const [best] = bayer
    .map((cfa) => ({ cfa, ...assignment(pattern, siteColours(cfa)) }))
    .sort((a, b) => a.cost - b.cost);
  if (best === undefined) throw new RangeError('expected a layout');
  return best;
}

type Colours = ReturnType<typeof siteColours>;

const colourWanted = (colours: Colours, place: number): string =>
  colours[(Math.floor(place / period) % 2) * 2 + (place % 2)]!;

/** Gives each place a sample of its own, so that the squares of the distances add up to the least. */
function assignment(
  pattern: string,
  colours: Colours,
): { readonly cost: number; readonly taken: ReadonlyMap<number, Step> } {
  const taken = new Map<number, Step>();
  let cost = 0;
  for (const colour of ['R', 'G', 'B']) {
    const places = allPlaces.filter((place) => colourWanted(colours, place) === colour);
    const sources = allPlaces.filter((source) => pattern[source] === colour);
    if (sources.length === 0) throw new RangeError(`expected ${colour} in the pattern ${pattern}`);
    const chosen = places.map((_, index) => sources[index]);
    const spare = sources.slice(places.length);
    improve(places, chosen, spare);
    for (const [index, place] of places.entries()) {
      const source = chosen[index];
      if (source === undefined) continue;
      const step = stepTo(place, source);
      taken.set(place, step);
      cost += squared(step);
    }
  }
  return { cost, taken };
}

/**
 * Exchanges the samples of two places, or one for a spare one, as long as that brings them nearer.
 * @param chosen of each place, or undefined where there are fewer samples than places; changed in place
 * @param spare samples that no place has; changed in place
 */
function improve(
  places: readonly number[],
  chosen: (number | undefined)[],
  spare: (number | undefined)[],
): void {
  const cost = (place: number | undefined, source: number | undefined): number =>
    place === undefined || source === undefined ? 0 : squared(stepTo(place, source));
  const all = [...chosen, ...spare];
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (let a = 0; a < all.length; a++) {
      for (let b = a + 1; b < all.length; b++) {
        const now = cost(places[a], all[a]) + cost(places[b], all[b]);
        const then = cost(places[a], all[b]) + cost(places[b], all[a]);
        if (then >= now) continue;
        [all[a], all[b]] = [all[b], all[a]];
        isBetter = true;
      }
    }
  }
  chosen.splice(0, chosen.length, ...all.slice(0, places.length));
  spare.splice(0, spare.length, ...all.slice(places.length));
}

const squared = ({ row, column }: Step): number => row * row + column * column;

/** The shortest way from a place to a sample of the repeating pattern. */
function stepTo(place: number, source: number): Step {
  const shortest = (difference: number): number =>
    ((((difference + period / 2) % period) + period) % period) - period / 2;
  return {
    row: shortest(Math.floor(source / period) - Math.floor(place / period)),
    column: shortest((source % period) - (place % period)),
  };
}

/** @returns undefined where the place's own sample stays */
function kernelOf(
  pattern: string,
  place: number,
  colours: Colours,
  step: Step | undefined,
): Kernel | undefined {
  if (step !== undefined && squared(step) === 0) return undefined;
  const colour = colourWanted(colours, place);
  if (step === undefined) {
    const { near, value } = planeAround(pattern, place, colour, valueSpread);
    return kernelFrom(near, value);
  }
  const { near, alongRows, alongColumns } = planeAround(pattern, place, colour, slopeSpread);
  const shares = near.map(
    (_, index) => -(step.row * alongRows[index]! + step.column * alongColumns[index]!),
  );
  return kernelFrom([...near, step], [...shares, 1]);
}

/**
 * A place's own sample in another colour: the light around it in that colour, and by how much the
 * sample differs from the light around it in its own, as grey detail would have it.
 * @returns undefined where the place has the colour already
 */
function tintingKernel(
  pattern: string,
  place: number,
  colours: Colours,
  gains: Vector3,
): Kernel | undefined {
  const [own, colour] = [pattern[place] ?? '', colourWanted(colours, place)];
  if (own === colour) return undefined;
  const gainOf = (letter: string): number => gains['RGB'.indexOf(letter)] ?? 1;
  const ratio = gainOf(own) / gainOf(colour);
  const wanted = planeAround(pattern, place, colour, slopeSpread);
  const before = planeAround(pattern, place, own, slopeSpread);
  return kernelFrom(
    [...wanted.near, ...before.near, { row: 0, column: 0 }],
    [...wanted.value, ...before.value.map((share) => -ratio * share), ratio],
  );
}

function kernelFrom(steps: readonly Step[], shares: readonly number[]): Kernel {
  return {
    rows: steps.map(({ row }) => row),
    columns: steps.map(({ column }) => column),
    shares,
  };
}

/** The plane that fits a colour's samples around a place best, each of its numbers as shares of them. */
interface Plane {
  readonly near: readonly Step[];
  /** At the place itself. */
  readonly value: readonly number[];
  /** Per pixel down and to the right. */
  readonly alongRows: readonly number[];
  readonly alongColumns: readonly number[];
}

function planeAround(pattern: string, place: number, colour: string, spread: number): Plane {
  const near: (Step & { readonly weight: number })[] = [];
  for (let row = -radius; row <= radius; row++) {
    for (let column = -radius; column <= radius; column++) {
      const r = (Math.floor(place / period) + row + period) % period;
      const c = ((place % period) + column + period) % period;
      const weight = Math.exp(-squared({ row, column }) / (2 * spread * spread));
      if (pattern[r * period + c] === colour && weight >= leastWeight)
        near.push({ row, column, weight });
    }
  }
  // Weighted least squares for light = value + alongRows · row + alongColumns · column.
  const sum = (of: (one: Step) => number): number =>
    near.reduce((total, one) => total + one.weight * of(one), 0);
  const [s, sr, sc] = [sum(() => 1), sum((one) => one.row), sum((one) => one.column)];
  const srr = sum(({ row }) => row * row);
  const src = sum(({ row, column }) => row * column);
  const scc = sum(({ column }) => column * column);
  const solve = (a: number, b: number, c: number): number[] =>
    near.map(({ row, column, weight }) => weight * (a + b * row + c * column));
  // Rows of the inverse of the symmetric matrix [s sr sc; sr srr src; sc src scc].
  const [vv, vr, vc] = [srr * scc - src * src, src * sc - sr * scc, sr * src - srr * sc];
  const [rr, rc, cc] = [s * scc - sc * sc, sr * sc - s * src, s * srr - sr * sr];
  const determinant = s * vv + sr * vr + sc * vc;
  if (!(determinant > 1e-9)) throw new RangeError(`expected an X-Trans pattern, got ${pattern}`);
  const over = (numbers: number[]): number[] => numbers.map((number) => number / determinant);
  return {
    near,
    value: over(solve(vv, vr, vc)),
    alongRows: over(solve(vr, rr, rc)),
    alongColumns: over(solve(vc, rc, cc)),
  };
}
