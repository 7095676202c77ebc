/**
 * A picture of the burst's structure, taken from a first merge. It says how much light differs
 * between a site and the sample that stands in for it, so that the second merge can correct for it.
 */

import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { blockGrid, blockSide } from './blocks.ts';
import { blurred, gaussianHalf, type Plane } from './planes.ts';

/** All light is on the scale of the sum, without black. */
export interface Guide {
  readonly width: number;
  readonly height: number;
  /** Smooth green at every pixel, row-major. */
  readonly green: Float32Array;
  /** Red, green and blue relative to green, for each block. */
  readonly shares: readonly [Float32Array, Float32Array, Float32Array];
  /** Variance of a single frame's sample: slope · light + offset. */
  readonly noise: NoiseProfile;
  /** 1 for each block whose structure stands out from the noise. */
  readonly active: Uint8Array;
}

/** A first merge. */
export interface FirstMerge {
  /** Fills in the light of a row of the merge, without black. */
  readonly fill: (y: number, into: Float32Array) => void;
  readonly reference: Pick<Mosaic, 'width' | 'height' | 'cfa'>;
  /** As `Guide.noise`. */
  readonly noise: NoiseProfile;
  /** Number of frames in the merge. */
  readonly frames: number;
}

/** Standard deviation of the blur of green, pixels, and how it grows with the merge's noise. */
const sigmaRange = [0.6, 1.5] as const;
const sigmaPerNoise = 1.4;
/** Blur of the colours before they are compared, blocks. */
const colourSigma = 0.7;
/** A colour counts for no less and no more than this share of green. */
const shareRange = [0.1, 3] as const;
/**
 * Structure is ignored if its squared slope is below this share of a sample's noise, at a blur of
 * one pixel. A stronger blur leaves less noise in the slopes.
 */
const activeShare = 0.045;

export function guideOf({ fill, reference, noise, frames }: FirstMerge): Guide {
  const { width, height } = reference;
  const colours = blockColours(fill, reference);
  const shares = sharesOf(colours);
  const sigma = sigmaFor(colours[1], noise, frames);
  const green = smoothGreen(fill, reference, sigma);
  return {
    width,
    height,
    green,
    shares,
    noise,
    active: activeBlocks(reference, green, shares, noise, activeShare / sigma ** 2),
  };
}

/** The noisier the merge is beside its light, the more it is smoothed. */
function sigmaFor({ values }: Plane, noise: NoiseProfile, frames: number): number {
  const light = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  if (!(light > 0)) return sigmaRange[1];
  const relative = Math.sqrt((noise.slope * light + noise.offset) / frames) / light;
  return Math.max(sigmaRange[0], Math.min(sigmaRange[1], sigmaPerNoise * Math.sqrt(relative)));
}

/** Red, green and blue. */
type Colours = readonly [Plane, Plane, Plane];

/** Mean light of each colour over each block, smoothed. */
function blockColours(fill: FirstMerge['fill'], reference: FirstMerge['reference']): Colours {
  const { width, height } = reference;
  const { columns, rows } = blockGrid(reference);
  const colours = siteColours(reference.cfa).map((colour) => 'RGB'.indexOf(colour));
  const sums = [0, 1, 2].map(() => new Float32Array(columns * rows));
  const counts = [0, 1, 2].map(() => new Uint8Array(columns * rows));
  const line = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    fill(y, line);
    const blocks = Math.floor(y / blockSide) * columns;
    for (const first of [0, 1]) {
      const channel = colours[(y & 1) * 2 + first]!;
      const [sum, count] = [sums[channel]!, counts[channel]!];
      for (let x = first; x < width; x += 2) {
        const block = blocks + Math.floor(x / blockSide);
        sum[block]! += line[x]!;
        count[block]! += 1;
      }
    }
  }
  const smooth = (channel: 0 | 1 | 2): Plane => {
    const count = counts[channel]!;
    const values = sums[channel]!.map((value, block) => value / Math.max(1, count[block]!));
    return blurred({ width: columns, height: rows, values }, colourSigma);
  };
  return [smooth(0), smooth(1), smooth(2)];
}

function sharesOf([red, green, blue]: Colours): Guide['shares'] {
  const [least, most] = shareRange;
  const share = ({ values }: Plane): Float32Array =>
    green.values.map((value, block) =>
      value > 0 ? Math.max(least, Math.min(most, values[block]! / value)) : 1,
    );
  return [share(red), new Float32Array(green.values.length).fill(1), share(blue)];
}

/** Green at every pixel: a Gaussian mean of the green samples around it. */
function smoothGreen(
  fill: FirstMerge['fill'],
  { width, height, cfa }: FirstMerge['reference'],
  sigma: number,
): Float32Array {
  const half = gaussianHalf(sigma);
  const radius = half.length - 1;
  const size = 2 * radius + 1;
  const parity = siteColours(cfa)[0] === 'G' ? 0 : 1;
  // The sum of the weights of green samples around a green site, and around another site.
  const even = half.reduce(
    (sum, weight, i) => sum + (i === 0 ? weight : i % 2 === 0 ? 2 * weight : 0),
    0,
  );
  const onGreen = 1 / (even * even + (1 - even) * (1 - even));
  const elsewhere = 1 / (2 * even * (1 - even));
  const out = new Float32Array(width * height);
  const padded = new Float32Array(width + 2 * radius);
  const ring = Array.from({ length: size }, () => new Float32Array(width));
  const reflected = (place: number, length: number): number => {
    const inside = place < 0 ? -place : place >= length ? 2 * (length - 1) - place : place;
    return Math.max(0, Math.min(length - 1, inside));
  };
  const across = (y: number): void => {
    const row = padded.subarray(radius, radius + width);
    fill(y, row);
    for (let x = (y & 1) === parity ? 1 : 0; x < width; x += 2) row[x] = 0;
    for (let i = 1; i <= radius; i++) {
      padded[radius - i] = row[reflected(-i, width)]!;
      padded[radius + width - 1 + i] = row[reflected(width - 1 + i, width)]!;
    }
    const line = ring[y % size]!;
    for (let x = 0; x < width; x++) {
      const at = x + radius;
      let sum = half[0]! * padded[at]!;
      for (let i = 1; i <= radius; i++) sum += half[i]! * (padded[at - i]! + padded[at + i]!);
      line[x] = sum;
    }
  };
  for (let y = 0; y < Math.min(height, radius); y++) across(y);
  for (let y = 0; y < height; y++) {
    if (y + radius < height) across(y + radius);
    const row = out.subarray(y * width, (y + 1) * width);
    const middle = ring[y % size]!;
    for (let x = 0; x < width; x++) row[x] = half[0]! * middle[x]!;
    for (let i = 1; i <= radius; i++) {
      const weight = half[i]!;
      const above = ring[reflected(y - i, height) % size]!;
      const below = ring[reflected(y + i, height) % size]!;
      for (let x = 0; x < width; x++) row[x]! += weight * (above[x]! + below[x]!);
    }
    for (let x = 0; x < width; x++) row[x]! *= ((x + y) & 1) === parity ? onGreen : elsewhere;
  }
  return out;
}

function activeBlocks(
  reference: FirstMerge['reference'],
  green: Float32Array,
  [red, , blue]: Guide['shares'],
  noise: NoiseProfile,
  least: number,
): Uint8Array {
  const { width, height } = reference;
  const { columns, rows } = blockGrid(reference);
  const active = new Uint8Array(columns * rows);
  for (let row = 0, block = 0; row < rows; row++) {
    const [top, bottom] = [row * blockSide, Math.min(height, (row + 1) * blockSide)];
    for (let column = 0; column < columns; column++, block++) {
      const [left, right] = [column * blockSide, Math.min(width, (column + 1) * blockSide)];
      let [light, slopes, count] = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        const above = Math.max(0, y - 1) * width;
        const below = Math.min(height - 1, y + 1) * width;
        for (let x = left, at = y * width + left; x < right; x++, at++) {
          const across = green[Math.min(width - 1 - x, 1) + at]! - green[at - Math.min(x, 1)]!;
          const down = green[below + x]! - green[above + x]!;
          slopes += 0.25 * (across * across + down * down);
          light += green[at]!;
          count += 1;
        }
      }
      const most = Math.max(1, red[block]!, blue[block]!);
      const variance = noise.slope * Math.max(0, (most * light) / count) + noise.offset;
      if ((most * most * slopes) / count > least * variance) active[block] = 1;
    }
  }
  return active;
}
