/**
 * Returns detail that the network removed together with the noise. Where input and output differ by
 * more than noise explains, the difference is interpolated like a mosaic and added back.
 */

import type { NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import { factorsWithin, type NoiseMap } from './noise-map.ts';
import { placesWithin, type Rectangle, type Tile } from './tiles.ts';
import { ownChannel, type DevelopedTile } from './unpack.ts';

export interface DetailOptions {
  /**
   * Must not be lower than the noise of the frame's normalised samples: noise would come back as
   * detail.
   */
  readonly noise: NoiseProfile;
  /** The ratio that the tile's input was amplified by. */
  readonly ratio: number;
  readonly gains: Vector3;
  /** Where the frame is noisier than `noise` says. */
  readonly map?: NoiseMap | undefined;
}

/**
 * The gate looks at this many packed pixels on each side of a cell: 196 samples in all. The mean
 * square of noise alone, in units of its variance, is 1 ± 0.1 over so many.
 */
const gateRadius = 3;
/**
 * Mean square of the difference, in units of the noise's variance, above which it counts as detail.
 * Far above 1, because the noise figures are calibrated or estimated and real noise has heavy
 * tails.
 */
const explained = 1.8;
/**
 * Squares are capped here, so that a few hot pixels or outliers of noise do not pass for detail.
 */
const squareMax = 16;
/**
 * Share of the difference that is returned where noise explains next to none of it. The network's
 * guess and the interpolation err in different ways, so some of the network's picture is always
 * kept.
 */
const shareMax = 0.9;
/** A sample whose difference is more than this many times its neighbours' is a hot pixel. */
const lonely = 5;
/** Below this variance (amplified), noise is not visible. */
const varianceMin = 1e-10;

/** Samples of a region of the packed grid, arranged as on the sensor. */
interface Region {
  /** Samples per row. */
  readonly stride: number;
  /** Input less the network's output at each sample, amplified. */
  readonly missing: Float32Array;
  /** The network's output at each sample, in the sample's own colour and in green. */
  readonly own: Float32Array;
  readonly green: Float32Array;
  /** Per cell: mean square of `missing`, in units of the noise's variance. */
  readonly excess: Float32Array;
}

/**
 * Adds missing detail to a developed tile, in place.
 *
 * A network that has learned to smooth also smooths well-lit areas. What it removed is input less
 * output at each site of the mosaic. That difference is noise, plus detail where its mean square
 * over 7 × 7 cells exceeds what noise explains; a Wiener gate lets that excess pass and stays
 * closed for noise alone. What passes is itself a mosaic and is interpolated as one, green first
 * and along the edges of the network's picture (Hamilton & Adams). As in residual interpolation
 * (Kiku et al., ICIP 2013), only the difference suffers from the faults of that interpolation, not
 * the network's picture.
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
 * @returns the share of the difference to return, for each cell of the core
 */
function sharesOf(excess: Float32Array, width: number, height: number): Float32Array {
  const side = 2 * gateRadius + 1;
  const stride = width + 2 * gateRadius;
  const sums = new Float32Array(width * (height + 2 * gateRadius));
  // Each sum is computed afresh: a running sum would make the last digit depend on where a tile
  // begins.
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

/**
 * Drops the difference at hot pixels: samples where it is far larger than at the samples beside them
 * and at the nearest ones of the same colour.
 */
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
      // The cell's own red and blue, and those of the cells around it.
      const red = 2 * (y + gateRadius) * stride + 2 * (x + gateRadius);
      const blue = red + stride + 1;
      const [redRight, redBelow, redFar] = [red + 2, red + below, red + below + 2];
      const [blueLeft, blueAbove, blueFar] = [blue - 2, blue - below, blue - below - 2];
      const upper = 2 * y * width + 6 * x;
      const lower = upper + width;
      for (let pixel = 0; pixel < 4; pixel++) {
        const isRight = (pixel & 1) === 1;
        const isBelow = pixel > 1;
        // Four samples of each colour around the pixel; a sample counts twice or four times if the
        // pixel lies beside or on it.
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
 * How much of one colour's detail another colour shares at a pixel. Changes of light are
 * proportional in all colours, so a darker colour gets proportionally less. A brighter one gets no
 * more than the same, because scaling up would amplify the darker colour's noise.
 */
function carried(from: number, to: number): number {
  if (!(from > 0)) return 1;
  return to > from ? 1 : to > 0 ? to / from : 0;
}

/** The difference in green at every sample except the outermost two, which are never read. */
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

/** Sum of the absolute first and second differences of the network's green in one direction. */
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
