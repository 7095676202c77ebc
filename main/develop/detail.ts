/**
 * Gives back detail that the network took along with the noise: where more is missing than noise
 * explains, what is missing is interpolated like a mosaic of its own and added.
 */

import type { NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import { factorsWithin, type NoiseMap } from './noise-map.ts';
import { placesWithin, type Rectangle, type Tile } from './tiles.ts';
import { ownChannel, type DevelopedTile } from './unpack.ts';

export interface DetailOptions {
  /** No less than the noise of the frame's normalised samples: too little, and noise comes back. */
  readonly noise: NoiseProfile;
  /** What the tile's input was amplified by. */
  readonly ratio: number;
  readonly gains: Vector3;
  /** Where the frame is noisier than that. */
  readonly map?: NoiseMap | undefined;
}

/**
 * Packed pixels around a cell that are looked at: 196 samples with the cell's own, whose mean square
 * noise alone brings to 1 ± 0.1.
 */
const gateRadius = 3;
/**
 * Mean square of what is missing, in units of the noise's variance, from which it is detail. Far
 * above 1: what noise there is comes from a calibration or an estimate, and heavy tails add to it.
 */
const explained = 1.8;
/** Squares above it count as it: a few hot pixels or far tails are no detail. */
const squareMax = 16;
/**
 * Share of the missing that is given back where noise explains next to nothing of it. The rest stays
 * with the network, whose guess errs otherwise than the interpolation does.
 */
const shareMax = 0.9;
/** A sample that misses more than this many times what its neighbours miss is a hot pixel. */
const lonely = 5;
/** Below this variance (amplified) there is no noise that could be seen. */
const varianceMin = 1e-10;

/** Samples of a region of the packed grid laid out as the sensor has them. */
interface Region {
  /** Samples in a row. */
  readonly stride: number;
  /** What the network's picture lacks at each sample, amplified. */
  readonly missing: Float32Array;
  /** The network's light at each sample, in the sample's colour and in green. */
  readonly own: Float32Array;
  readonly green: Float32Array;
  /** Per cell: mean square of what is missing, in units of the noise's variance. */
  readonly excess: Float32Array;
}

/**
 * Adds missing detail to a developed tile, in place.
 *
 * A network that has learned to smooth smooths good light too. What it took is input less output, at
 * each site of the mosaic; that is noise, and where its mean square over 7 × 7 cells says so, detail:
 * a Wiener gate, closed by noise alone. What passes is a mosaic itself, and is interpolated as one,
 * green first and along the edges of the network's picture (Hamilton & Adams); the network's picture
 * is not touched by that interpolation's faults, as in residual interpolation (Kiku et al., ICIP 2013).
 *
 * @param developed changed
 * @param input [4, window.height, window.width], amplified and white-balanced
 * @param output [12, window.height, window.width], linear light as the input
 * @param tile the window must reach 3 cells around the core, except at the edge of the frame
 * @returns for each cell of the core the share that was given back, 0–1
 */
export function returnDetail(
  developed: DevelopedTile,
  input: Float32Array,
  output: Float32Array,
  tile: Tile,
  options: DetailOptions,
): Float32Array {
  const { core } = tile;
  const region = {
    x: core.x - gateRadius,
    y: core.y - gateRadius,
    width: core.width + 2 * gateRadius,
    height: core.height + 2 * gateRadius,
  };
  const laidOut = layOut(input, output, tile.window, region, options);
  const shares = sharesOf(laidOut.excess, core.width, core.height);
  if (shares.some((share) => share > 0))
    addMissing(developed, withoutLonely(laidOut), shares, core);
  return shares;
}

function layOut(
  input: Float32Array,
  output: Float32Array,
  window: Rectangle,
  region: Rectangle,
  { noise, ratio, gains, map }: DetailOptions,
): Region {
  const { width, height } = region;
  const plane = window.width * window.height;
  const stride = 2 * width;
  const missing = new Float32Array(4 * width * height);
  const own = new Float32Array(4 * width * height);
  const green = new Float32Array(4 * width * height);
  const excess = new Float32Array(width * height);
  const columns = placesWithin(region.x - window.x, width, window.width);
  const rows = placesWithin(region.y - window.y, height, window.height);
  const factors = map && factorsWithin(map, window);
  for (const [site, gain] of [gains[0], gains[1], gains[1], gains[2]].entries()) {
    const amplification = ratio * gain;
    const slope = noise.slope * amplification;
    const offset = noise.offset * amplification * amplification;
    const inputPlane = site * plane;
    const outputPlane = ownChannel(site) * plane;
    const greenPlane = (site * 3 + 1) * plane;
    const corner = (site >> 1) * stride + (site & 1);
    for (let y = 0, cell = 0; y < height; y++) {
      const row = rows[y]! * window.width;
      for (let x = 0, out = 2 * y * stride + corner; x < width; x++, cell++, out += 2) {
        const at = row + columns[x]!;
        const clean = output[outputPlane + at]!;
        const taken = input[inputPlane + at]! - clean;
        missing[out] = taken;
        own[out] = clean;
        green[out] = output[greenPlane + at]!;
        const stated = offset + slope * Math.max(0, clean);
        const variance = Math.max(varianceMin, stated * (factors?.[at] ?? 1));
        excess[cell]! += 0.25 * Math.min(squareMax, (taken * taken) / variance);
      }
    }
  }
  return { stride, missing, own, green, excess };
}

/**
 * @param excess of the core's cells and `gateRadius` more on each side
 * @returns the share of what is missing that comes back, for each cell of the core
 */
function sharesOf(excess: Float32Array, width: number, height: number): Float32Array {
  const side = 2 * gateRadius + 1;
  const stride = width + 2 * gateRadius;
  const sums = new Float32Array(width * (height + 2 * gateRadius));
  // Summed afresh for each cell: where a tile begins makes no difference to the last digit.
  for (let y = 0, out = 0; y < height + 2 * gateRadius; y++) {
    for (let x = 0; x < width; x++, out++) {
      let sum = 0;
      for (let at = y * stride + x, end = at + side; at < end; at++) sum += excess[at]!;
      sums[out] = sum;
    }
  }
  const shares = new Float32Array(width * height);
  const threshold = explained * side * side;
  for (let cell = 0; cell < shares.length; cell++) {
    let sum = 0;
    for (let row = 0, at = cell; row < side; row++, at += width) sum += sums[at]!;
    // NaN closes the gate.
    if (sum > threshold) shares[cell] = shareMax * (1 - threshold / sum);
  }
  return shares;
}

/** Lets samples go that miss something where neither those beside them do nor the next of their colour. */
function withoutLonely(region: Region): Region {
  const { stride, missing } = region;
  const kept = missing.slice();
  const reach = 2 * stride + 2;
  const neighbours = [1, -1, 2, -2].flatMap((step) =>
    [1, stride, stride + 1, stride - 1].map((offset) => step * offset),
  );
  for (let at = reach, end = missing.length - reach; at < end; at++) {
    const size = Math.abs(missing[at]!) / lonely;
    let place = 0;
    while (place < neighbours.length && Math.abs(missing[at + neighbours[place]!]!) < size) place++;
    if (place === neighbours.length) kept[at] = 0;
  }
  return { ...region, missing: kept };
}

function addMissing(
  { samples }: DevelopedTile,
  region: Region,
  shares: Float32Array,
  core: Rectangle,
): void {
  const { stride, missing } = region;
  const green = greenOf(region);
  const width = core.width * 6;
  const below = 2 * stride;
  for (let y = 0, cell = 0; y < core.height; y++) {
    for (let x = 0; x < core.width; x++, cell++) {
      const share = shares[cell]!;
      if (share === 0) continue;
      // The cell's own red and blue, and the nearest in the cells around.
      const red = 2 * (y + gateRadius) * stride + 2 * (x + gateRadius);
      const blue = red + stride + 1;
      const [redRight, redBelow, redFar] = [red + 2, red + below, red + below + 2];
      const [blueLeft, blueAbove, blueFar] = [blue - 2, blue - below, blue - below - 2];
      const upper = 2 * y * width + 6 * x;
      const lower = upper + width;
      for (let pixel = 0; pixel < 4; pixel++) {
        const isRight = (pixel & 1) === 1;
        const isBelow = pixel > 1;
        // Two by two: those of a colour across from each other, the same one twice where it is here.
        const r1 = red;
        const r2 = isRight ? redRight : red;
        const r3 = isBelow ? redBelow : red;
        const r4 = isRight ? (isBelow ? redFar : redRight) : r3;
        const b1 = blue;
        const b2 = isRight ? blue : blueLeft;
        const b3 = isBelow ? blue : blueAbove;
        const b4 = isRight ? b3 : isBelow ? blueLeft : blueFar;
        const at = (isBelow ? red + stride : red) + (isRight ? 1 : 0);
        const out = (isBelow ? lower : upper) + (isRight ? 3 : 0);
        const own = green[at]!;
        const redOwn = own - mean(green, r1, r2, r3, r4);
        const blueOwn = own - mean(green, b1, b2, b3, b4);
        const [r, g, b] = [samples[out]!, samples[out + 1]!, samples[out + 2]!];
        samples[out] = r + share * (mean(missing, r1, r2, r3, r4) + carried(g, r) * redOwn);
        samples[out + 1] = g + share * own;
        samples[out + 2] = b + share * (mean(missing, b1, b2, b3, b4) + carried(g, b) * blueOwn);
      }
    }
  }
}

function mean(values: Float32Array, a: number, b: number, c: number, d: number): number {
  return 0.25 * (values[a]! + values[b]! + values[c]! + values[d]!);
}

/**
 * How much of a colour's detail another one shares at a pixel. What the light does is the same for
 * both in proportion; a darker one is given that much less, a brighter one no more, for noise of the
 * darker would grow with it.
 */
function carried(from: number, to: number): number {
  if (!(from > 0)) return 1;
  return to > from ? 1 : to > 0 ? to / from : 0;
}

/** What is missing of green at every sample but the outermost two, where nothing asks for it. */
function greenOf({ stride, missing, green, own }: Region): Float32Array {
  const result = missing.slice();
  const rows = missing.length / stride;
  for (let y = 2; y < rows - 2; y++) {
    for (let at = y * stride + 2 + (y & 1), end = (y + 1) * stride - 2; at < end; at += 2) {
      const [left, right, above, below] = [at - 1, at + 1, at - stride, at + stride];
      const across = steepness(green, left, right, at, at - 2, at + 2);
      const down = steepness(green, above, below, at, at - 2 * stride, at + 2 * stride);
      const [steepAcross, steepDown] = [across * across, down * down];
      const steep = steepAcross + steepDown;
      const acrossShare = steep > 0 ? steepDown / steep : 0.5;
      const here = 2 * missing[at]!;
      const bend = 0.25 * carried(own[at]!, green[at]!);
      result[at] =
        acrossShare *
          (0.5 * (missing[left]! + missing[right]!) +
            bend * (here - missing[at - 2]! - missing[at + 2]!)) +
        (1 - acrossShare) *
          (0.5 * (missing[above]! + missing[below]!) +
            bend * (here - missing[at - 2 * stride]! - missing[at + 2 * stride]!));
    }
  }
  return result;
}

/** First and second difference of the network's green in one direction. */
function steepness(
  green: Float32Array,
  before: number,
  after: number,
  here: number,
  farBefore: number,
  farAfter: number,
): number {
  return (
    Math.abs(green[before]! - green[after]!) +
    Math.abs(2 * green[here]! - green[farBefore]! - green[farAfter]!)
  );
}
