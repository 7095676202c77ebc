/** Small single-channel pictures, used to align and compare frames: means, bins, blurs. */

import { normalisation } from '../develop/normalise.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';

/** A single-channel picture. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  /** width × height, row-major. */
  readonly values: Float32Array;
}

/** @returns the mean of each 2 × 2 cell of the mosaic, normalised (black 0, white 1), signed */
export function cellMeans(mosaic: Mosaic): Plane {
  const { samples } = mosaic;
  const width = mosaic.width >> 1;
  const height = mosaic.height >> 1;
  const { black, scale } = normalisation(mosaic);
  const [s0, s1, s2, s3] = scale.map((value) => value / 4);
  const dark = black.reduce((sum, level, site) => sum + (level * scale[site]!) / 4, 0);
  const values = new Float32Array(width * height);
  for (let y = 0, out = 0; y < height; y++) {
    let at = 2 * y * mosaic.width;
    for (let x = 0; x < width; x++, at += 2, out++) {
      values[out] =
        samples[at]! * s0! +
        samples[at + 1]! * s1! +
        samples[at + mosaic.width]! * s2! +
        samples[at + mosaic.width + 1]! * s3! -
        dark;
    }
  }
  return { width, height, values };
}

/** Means of 2 × 2 values; an odd last row or column is left out. */
export function halved({ width, height, values }: Plane): Plane {
  const half = { width: width >> 1, height: height >> 1 };
  const out = new Float32Array(half.width * half.height);
  for (let y = 0, to = 0; y < half.height; y++) {
    for (let x = 0, at = 2 * y * width; x < half.width; x++, at += 2, to++) {
      out[to] =
        0.25 * (values[at]! + values[at + 1]! + values[at + width]! + values[at + width + 1]!);
    }
  }
  return { ...half, values: out };
}

/** One half of a Gaussian, starting at its middle; both halves add up to 1. */
export function gaussianHalf(sigma: number): Float32Array {
  const radius = Math.max(1, Math.ceil(3 * sigma));
  const half = Float32Array.from({ length: radius + 1 }, (_, i) =>
    Math.exp(-(i * i) / (2 * sigma * sigma)),
  );
  const sum = half.reduce((total, weight, i) => total + (i === 0 ? 1 : 2) * weight, 0);
  return half.map((weight) => weight / sum);
}

/** Blurs with a Gaussian of `sigma` values. Beyond the edges, the nearest value is repeated. */
export function blurred({ width, height, values }: Plane, sigma: number): Plane {
  const half = gaussianHalf(sigma);
  const radius = half.length - 1;
  const across = new Float32Array(values.length);
  const padded = new Float32Array(width + 2 * radius);
  for (let y = 0; y < height; y++) {
    const row = values.subarray(y * width, (y + 1) * width);
    padded.fill(row[0]!, 0, radius);
    padded.set(row, radius);
    padded.fill(row[width - 1]!, radius + width);
    for (let x = 0, out = y * width; x < width; x++, out++) {
      const at = x + radius;
      let sum = half[0]! * padded[at]!;
      for (let i = 1; i <= radius; i++) sum += half[i]! * (padded[at - i]! + padded[at + i]!);
      across[out] = sum;
    }
  }
  const out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    const base = y * width;
    for (let x = base; x < base + width; x++) out[x] = half[0]! * across[x]!;
    // Two steps away at a time, because reading and writing the sums costs most.
    for (let i = 1; i <= radius; i += 2) {
      const near = half[i]!;
      const far = half[i + 1] ?? 0;
      const above = Math.max(0, y - i) * width - base;
      const below = Math.min(height - 1, y + i) * width - base;
      const farAbove = Math.max(0, y - i - 1) * width - base;
      const farBelow = Math.min(height - 1, y + i + 1) * width - base;
      for (let x = base; x < base + width; x++) {
        out[x]! +=
          near * (across[x + above]! + across[x + below]!) +
          far * (across[x + farAbove]! + across[x + farBelow]!);
      }
    }
  }
  return { width, height, values: out };
}

/**
 * Makes the noise of means of 2 × 2 samples or more about equal, whatever their brightness: the
 * generalised Anscombe transform (Starck, Murtagh & Bijaoui 1998).
 * @param noise of single samples, normalised
 */
export function stabilised({ width, height, values }: Plane, noise: NoiseProfile): Plane {
  const slope = Math.max(noise.slope, 1e-9);
  const constant = 0.375 * slope * slope + noise.offset / 4;
  const scale = 2 / slope;
  return {
    width,
    height,
    values: values.map((value) => scale * Math.sqrt(Math.max(slope * value + constant, 0))),
  };
}

/**
 * The median of a sample of the values, large enough to determine it to two per cent of their
 * spread.
 */
export function medianOf(values: Float32Array, count: number = values.length): number {
  const step = Math.max(1, Math.floor(count / 5000));
  const some = new Float32Array(Math.ceil(count / step));
  for (let i = 0, at = 0; at < count; i++, at += step) some[i] = values[at]!;
  some.sort();
  return some[some.length >> 1] ?? 0;
}
