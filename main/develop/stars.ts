/**
 * Returns light and colour to stars that the network took for noise. Where the sensor saw a spot
 * with the shape of a lens's image, too strong to be noise, the part of the spot that the picture
 * lacks is added.
 */

import type { NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import type { Tile } from './tiles.ts';
import { ownChannel, type DevelopedTile } from './unpack.ts';

export interface StarOptions {
  /** Must not be lower than the noise of the frame's normalised samples. */
  readonly noise: NoiseProfile;
  /** The ratio that the tile's input was amplified by. */
  readonly ratio: number;
  readonly gains: Vector3;
}

/**
 * Detection threshold of the matched filter in σ: noise alone exceeds it some three times in 12
 * megapixels.
 */
const detectedSigmas = 5;
/**
 * Threshold in σ without the strongest pixel: a star still passes, a hot pixel or an outlier of
 * noise does not.
 */
const spreadSigmas = 3.5;
/**
 * Quick first test: pixels less than this many σ above the picture nearby are skipped, which is
 * most of them.
 */
const screenSigmas = 2.5;
/**
 * What the picture lacks must be this unlikely to be noise: χ² of three colours, which noise alone
 * exceeds once in 140 times.
 */
const lackingChiSquare = 12;
/**
 * Pixels whose noise is below this share of their light are skipped too: `returnDetail` returns the
 * detail of such good light.
 */
const goodLight = 0.02;
/** Distance in pixels at which a star has no light left; a band or an edge goes on there. */
const asideStep = 5;
/** Limit for the signal at that distance, as a share of the star's σ. */
const asideShare = 0.5;
/**
 * The picture around a star must be sky: its green varies by less than this share of the star's own
 * height. Among windows and leaves, spots are left to the network.
 */
const unrestMax = 0.1;
/**
 * What remains after subtracting the spot must be noise (mean square 1, more where a star adds its
 * own), or less than this share of the difference. Lights that were not drawn by a lens, as in
 * pictures made smaller, do not fit a spot.
 */
const leftMax = 2.5;
const leftShareMax = 0.1;
/** Pixels on each side of the middle that the detection filter uses, and that a star may cover. */
const filterReach = 2;
const spotReach = 3;
/**
 * Pixels around a star's middle that are read. Middles lie up to `spotReach` outside the core: 10
 * pixels in all, which a tile's halo holds as the whole frame would have them.
 */
const sight = asideStep + filterReach;

/** Widths at half height that are tried, in pixels, and offsets from the middle of a pixel. */
const widths = [1.2, 1.7, 2.5, 3.5];
const offsets = [-0.35, 0, 0.35];
const sigmaPerFwhm = 1 / (2 * Math.sqrt(2 * Math.log(2)));

/** A normalised spot on the pixels around its middle, row by row. */
interface Spot {
  readonly reach: number;
  readonly shares: Float64Array;
}

function spotOf(reach: number, fwhm: number, offsetX = 0, offsetY = 0): Spot {
  const side = 2 * reach + 1;
  const scale = 0.5 / (fwhm * sigmaPerFwhm) ** 2;
  const shares = Float64Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [(at % side) - reach - offsetX, Math.floor(at / side) - reach - offsetY];
    return Math.exp(-scale * (x * x + y * y));
  });
  const sum = shares.reduce((total, share) => total + share, 0);
  return { reach, shares: shares.map((share) => share / sum) };
}

const filter = spotOf(filterReach, 1.6);
const filterPeak = Math.max(...filter.shares);
const spots: readonly Spot[] = widths.flatMap((width) =>
  offsets.flatMap((y) => offsets.map((x) => spotOf(spotReach, width, x, y))),
);

/**
 * What the network's picture of a window lacks at each pixel of the mosaic, and the noise there.
 */
class Missing {
  readonly width: number;
  readonly height: number;
  readonly #input: Float32Array;
  readonly #output: Float32Array;
  readonly #plane: number;
  readonly #slopes: readonly number[];
  readonly #offsets: readonly number[];

  constructor(
    input: Float32Array,
    output: Float32Array,
    { window }: Tile,
    { noise, ratio, gains }: StarOptions,
  ) {
    this.width = 2 * window.width;
    this.height = 2 * window.height;
    this.#plane = window.width * window.height;
    this.#input = input;
    this.#output = output;
    const amplifications = [gains[0], gains[1], gains[1], gains[2]].map((gain) => ratio * gain);
    this.#slopes = amplifications.map((by) => noise.slope * by);
    this.#offsets = amplifications.map((by) => noise.offset * by * by);
  }

  /** Whether a pixel is bright enough to be part of a star. */
  stands(x: number, y: number): boolean {
    const site = (y & 1) * 2 + (x & 1);
    const cell = (y >> 1) * (this.width >> 1) + (x >> 1);
    // Two cells to the left and right, the picture shows the background behind a star.
    const own = ownChannel(site) * this.#plane + cell;
    const [left, right] = [this.#output[own - 2]!, this.#output[own + 2]!];
    const behind = left < right ? left : right;
    const above = this.#input[site * this.#plane + cell]! - behind;
    if (!(above > 0)) return false;
    const variance = this.#offsets[site]! + this.#slopes[site]! * Math.max(0, behind);
    return (
      above * above > screenSigmas * screenSigmas * variance &&
      variance > goodLight * goodLight * behind * behind
    );
  }

  /**
   * The difference at a pixel, and one over the variance of its noise.
   * @param around colour to use in place of the network's picture
   */
  at(x: number, y: number, around?: Vector3): readonly [taken: number, weight: number] {
    const site = (y & 1) * 2 + (x & 1);
    const cell = (y >> 1) * (this.width >> 1) + (x >> 1);
    const clean = this.#output[ownChannel(site) * this.#plane + cell]!;
    const seen = this.#input[site * this.#plane + cell]!;
    const taken = seen - (around === undefined ? clean : around[ownColour(x, y)]);
    const variance = this.#offsets[site]! + this.#slopes[site]! * Math.max(0, clean);
    return [taken, variance > 0 ? 1 / variance : 0];
  }

  /**
   * By how many σ a spot at a pixel exceeds its surroundings, the same without the pixel that
   * contributes most, and the spot's height in units of white.
   */
  sigmas(
    x: number,
    y: number,
    around: Vector3,
  ): readonly [all: number, spread: number, height: number] {
    const { reach, shares } = filter;
    let [light, weights, most, mostLight, mostWeight] = [0, 0, 0, 0, 0];
    for (let dy = -reach, at = 0; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++, at++) {
        const [taken, weight] = this.at(x + dx, y + dy, around);
        const share = shares[at]!;
        const [own, ownWeight] = [share * taken * weight, share * share * weight];
        light += own;
        weights += ownWeight;
        const strength = taken * taken * weight;
        if (taken > 0 && strength > most)
          [most, mostLight, mostWeight] = [strength, own, ownWeight];
      }
    }
    const sigmas = (sum: number, weight: number): number =>
      weight > 0 ? sum / Math.sqrt(weight) : 0;
    const height = weights > 0 ? (light / weights) * filterPeak : 0;
    return [sigmas(light, weights), sigmas(light - mostLight, weights - mostWeight), height];
  }

  /** The network's light around a pixel, beyond a star's reach, and how much its green varies. */
  around(x: number, y: number): { readonly light: Vector3; readonly unrest: number } {
    const sums: [number, number, number] = [0, 0, 0];
    let [lowest, highest] = [Infinity, -Infinity];
    const far = spotReach + 1;
    let count = 0;
    for (let dy = -far; dy <= far; dy++) {
      for (let dx = -far; dx <= far; dx += Math.abs(dy) === far ? 1 : 2 * far, count++) {
        const [column, row] = [x + dx, y + dy];
        const cell = (row >> 1) * (this.width >> 1) + (column >> 1);
        const first = ((row & 1) * 2 + (column & 1)) * 3 * this.#plane + cell;
        for (let c = 0; c < 3; c++) sums[c]! += this.#output[first + c * this.#plane]!;
        const green = this.#output[first + this.#plane]!;
        if (green < lowest) lowest = green;
        if (green > highest) highest = green;
      }
    }
    return {
      light: [sums[0] / count, sums[1] / count, sums[2] / count],
      unrest: highest - lowest,
    };
  }

  /** The spot that best explains what the sensor saw around a pixel. */
  spotAt(x: number, y: number, around: Vector3): Spot {
    const side = 2 * spotReach + 1;
    const light = new Float64Array(side * side);
    const weights = new Float64Array(side * side);
    const colours = new Uint8Array(side * side);
    for (let dy = -spotReach, at = 0; dy <= spotReach; dy++) {
      for (let dx = -spotReach; dx <= spotReach; dx++, at++) {
        const [above, weight] = this.at(x + dx, y + dy, around);
        weights[at] = weight;
        light[at] = above * weight;
        colours[at] = ownColour(x + dx, y + dy);
      }
    }
    let [best, bestExplained] = [filter, -Infinity];
    for (const spot of spots) {
      const sums = [0, 0, 0];
      const squares = [0, 0, 0];
      for (const [at, share] of spot.shares.entries()) {
        const colour = colours[at]!;
        sums[colour]! += share * light[at]!;
        squares[colour]! += share * share * weights[at]!;
      }
      // Each colour is fitted separately, so that a blue star on a blue pixel does not look
      // narrower.
      let explained = 0;
      for (let c = 0; c < 3; c++) {
        if (sums[c]! > 0) explained += (sums[c]! * sums[c]!) / squares[c]!;
      }
      if (explained > bestExplained) [best, bestExplained] = [spot, explained];
    }
    return best;
  }

  /** Light of a spot that is missing, in each colour; undefined if it may be noise. */
  fluxOf(x: number, y: number, { reach, shares }: Spot): Vector3 | undefined {
    const light: [number, number, number] = [0, 0, 0];
    const weights: [number, number, number] = [0, 0, 0];
    let squares = 0;
    for (let dy = -reach, at = 0; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++, at++) {
        const [taken, weight] = this.at(x + dx, y + dy);
        const colour = ownColour(x + dx, y + dy);
        const share = shares[at]!;
        light[colour] += share * taken * weight;
        weights[colour] += share * share * weight;
        squares += taken * taken * weight;
      }
    }
    const chiSquare = light.reduce(
      (sum, value, colour) => sum + (weights[colour]! > 0 ? (value * value) / weights[colour]! : 0),
      0,
    );
    if (!(chiSquare > lackingChiSquare)) return undefined;
    const left = squares - chiSquare;
    if (!(left < leftMax * shares.length || left < leftShareMax * squares)) return undefined;
    const weight = weights[0] + weights[1] + weights[2];
    const grey = weight > 0 ? (light[0] + light[1] + light[2]) / weight : 0;
    // The less noise a colour has, the further it may depart from grey.
    const flux = (colour: 0 | 1 | 2): number => {
      if (!(weights[colour] > 0)) return grey;
      const differs = light[colour] / weights[colour] - grey;
      const square = differs * differs;
      return grey + differs * (square / (square + 1 / weights[colour]));
    };
    return [flux(0), flux(1), flux(2)];
  }
}

/** Red, green or blue: the colour of a pixel of an RGGB mosaic. */
function ownColour(x: number, y: number): 0 | 1 | 2 {
  return (y & 1) === (x & 1) ? ((x & 1) === 0 ? 0 : 2) : 1;
}

/**
 * Adds to a developed tile, in place, the stars that it lacks.
 * @param input [4, window.height, window.width], amplified and white-balanced
 * @param output [12, window.height, window.width], linear light as the input
 * @param shares for each cell of the core, the share that was already returned as detail, 0–1
 */
export function returnStars(
  developed: DevelopedTile,
  input: Float32Array,
  output: Float32Array,
  tile: Tile,
  options: StarOptions,
  shares: Float32Array,
): void {
  const { core, window } = tile;
  const missing = new Missing(input, output, tile, options);
  const [left, top] = [2 * (core.x - window.x), 2 * (core.y - window.y)];
  const [right, bottom] = [left + 2 * core.width, top + 2 * core.height];
  const within = (value: number, size: number): number =>
    Math.min(size - sight, Math.max(sight, value));
  const [beginX, endX] = [
    within(left - spotReach, missing.width),
    within(right + spotReach, missing.width),
  ];
  const [beginY, endY] = [
    within(top - spotReach, missing.height),
    within(bottom + spotReach, missing.height),
  ];
  for (let y = beginY; y < endY; y++) {
    for (let x = beginX; x < endX; x++) {
      if (!missing.stands(x, y)) continue;
      const { light: around, unrest } = missing.around(x, y);
      if (!isStar(missing, x, y, around, unrest)) continue;
      const spot = missing.spotAt(x, y, around);
      const flux = missing.fluxOf(x, y, spot);
      if (flux !== undefined) addSpot(developed, tile, [x - left, y - top], spot, flux, shares);
    }
  }
}

/** Whether the pixel is the middle of an isolated spot that is more than a single pixel. */
function isStar(missing: Missing, x: number, y: number, around: Vector3, unrest: number): boolean {
  const [all, spread, height] = missing.sigmas(x, y, around);
  if (!(all > detectedSigmas && spread > spreadSigmas && unrest < unrestMax * height)) return false;
  for (let dy = -1; dy <= 1; dy++) {
    for (let dx = -1; dx <= 1; dx++) {
      if ((dx !== 0 || dy !== 0) && missing.sigmas(x + dx, y + dy, around)[0] > all) return false;
    }
  }
  const aside = [
    [asideStep, 0],
    [-asideStep, 0],
    [0, asideStep],
    [0, -asideStep],
  ] as const;
  return aside.every(([dx, dy]) => missing.sigmas(x + dx, y + dy, around)[0] < asideShare * all);
}

/** @param middle in pixels of the core */
function addSpot(
  { samples }: DevelopedTile,
  { core }: Tile,
  [x, y]: readonly [number, number],
  { reach, shares: spot }: Spot,
  flux: Vector3,
  returned: Float32Array,
): void {
  const [width, height] = [2 * core.width, 2 * core.height];
  for (let dy = -reach, at = 0; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++, at++) {
      const [column, row] = [x + dx, y + dy];
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      const left = 1 - returned[(row >> 1) * core.width + (column >> 1)]!;
      const out = (row * width + column) * 3;
      for (let c = 0; c < 3; c++) {
        const before = samples[out + c]!;
        const after = before + left * spot[at]! * flux[c]!;
        // Subtracting never makes a colour negative.
        samples[out + c] = after < before ? Math.max(Math.min(before, 0), after) : after;
      }
    }
  }
}
