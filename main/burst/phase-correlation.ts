/** Finds the shift between two pictures by correlation in the frequency domain. */

import type { Plane } from './planes.ts';

export interface Shift {
  /** How far the scene lies to the right and down in the second picture, samples. */
  readonly x: number;
  readonly y: number;
  /** Height of the correlation peak in standard deviations of its background. */
  readonly significance: number;
}

/** Half-width of the peak, samples; everything further away is background. */
const peakRadius = 8;

/**
 * Fast Fourier transform of one line in place (Cooley & Tukey, radix 2).
 * @param at first sample, `step` apart; `size` a power of two
 */
function transformLine(
  re: Float64Array,
  im: Float64Array,
  line: { readonly at: number; readonly step: number; readonly size: number },
  twiddles: { readonly cos: Float64Array; readonly sin: Float64Array },
): void {
  const { at, step, size } = line;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const [p, q] = [at + i * step, at + j * step];
    const [swapRe, swapIm] = [re[p]!, im[p]!];
    re[p] = re[q]!;
    im[p] = im[q]!;
    re[q] = swapRe;
    im[q] = swapIm;
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const cos = twiddles.cos[k * stride]!;
        const sin = twiddles.sin[k * stride]!;
        const p = at + (start + k) * step;
        const q = p + half * step;
        const turnedRe = re[q]! * cos - im[q]! * sin;
        const turnedIm = re[q]! * sin + im[q]! * cos;
        re[q] = re[p]! - turnedRe;
        im[q] = im[p]! - turnedIm;
        re[p] = re[p]! + turnedRe;
        im[p] = im[p]! + turnedIm;
      }
    }
  }
}

/** Two-dimensional transform of side × side samples in place. */
function transform(re: Float64Array, im: Float64Array, side: number): void {
  const cos = Float64Array.from({ length: side / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / side));
  const sin = Float64Array.from(
    { length: side / 2 },
    (_, k) => -Math.sin((2 * Math.PI * k) / side),
  );
  for (let row = 0; row < side; row++) {
    transformLine(re, im, { at: row * side, step: 1, size: side }, { cos, sin });
  }
  for (let column = 0; column < side; column++) {
    transformLine(re, im, { at: column, step: side, size: side }, { cos, sin });
  }
}

/** Copies the plane into the corner of a square, without its mean and faded out at its edges. */
function faded({ width, height, values }: Plane, side: number): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const window = (size: number): Float64Array =>
    Float64Array.from({ length: size }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / size) ** 2);
  const [across, down] = [window(width), window(height)];
  const out = new Float64Array(side * side);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      out[y * side + x] = (values[y * width + x]! - mean) * across[x]! * down[y]!;
    }
  }
  return out;
}

/**
 * Shift of `noisy` against `clean` by Wiener-weighted correlation. Each frequency is weighted by how far
 * the clean picture exceeds the noisy one's noise there, and high frequencies less. This locates a
 * short exposure in which single pixels show nothing.
 *
 * @param side a power of two, at least the planes' sides
 * @throws RangeError if the planes differ in size or do not fit
 */
export function shiftBetween(clean: Plane, noisy: Plane, side: number): Shift {
  if (clean.width !== noisy.width || clean.height !== noisy.height) {
    throw new RangeError('expected two planes of one size');
  }
  if (Math.max(clean.width, clean.height) > side || (side & (side - 1)) !== 0) {
    throw new RangeError(`expected planes that fit a square of ${side}, a power of two`);
  }
  // One complex transform serves both real pictures: their spectra are its even and odd parts.
  const re = faded(clean, side);
  const im = faded(noisy, side);
  transform(re, im, side);
  const noise = noisePower(re, im, side);
  const outRe = new Float64Array(side * side);
  const outIm = new Float64Array(side * side);
  for (let v = 0; v < side; v++) {
    const fv = Math.min(v, side - v) / side;
    for (let u = 0; u < side; u++) {
      const fu = Math.min(u, side - u) / side;
      const at = v * side + u;
      const opposite = ((side - v) % side) * side + ((side - u) % side);
      const cleanRe = (re[at]! + re[opposite]!) / 2;
      const cleanIm = (im[at]! - im[opposite]!) / 2;
      const noisyRe = (im[at]! + im[opposite]!) / 2;
      const noisyIm = (re[opposite]! - re[at]!) / 2;
      const power = cleanRe * cleanRe + cleanIm * cleanIm;
      // Row and column noise would look like a scene, so its frequencies are left out.
      const isStripe = Math.min(u, side - u) <= 1 || Math.min(v, side - v) <= 1;
      const weight = isStripe
        ? 0
        : Math.exp(-(fu * fu + fv * fv) / (2 * 0.15 ** 2)) / (power + noise || 1);
      // conj(clean) · noisy, and its conjugate once more: the inverse transform by the forward one.
      outRe[at] = (cleanRe * noisyRe + cleanIm * noisyIm) * weight;
      outIm[at] = -(cleanRe * noisyIm - cleanIm * noisyRe) * weight;
    }
  }
  transform(outRe, outIm, side);
  return peakOf(outRe, side, { x: clean.width >> 2, y: clean.height >> 2 });
}

/** Noise power of the noisy picture: the median over its highest frequencies, where scenes have least. */
function noisePower(re: Float64Array, im: Float64Array, side: number): number {
  const powers: number[] = [];
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const isHigh = Math.hypot(Math.min(u, side - u), Math.min(v, side - v)) > 0.4 * side;
      if (!isHigh) continue;
      const at = v * side + u;
      const opposite = ((side - v) % side) * side + ((side - u) % side);
      const noisyRe = (im[at]! + im[opposite]!) / 2;
      const noisyIm = (re[opposite]! - re[at]!) / 2;
      powers.push(noisyRe * noisyRe + noisyIm * noisyIm);
    }
  }
  powers.sort((a, b) => a - b);
  return powers[powers.length >> 1] ?? 0;
}

/**
 * The highest point of a periodic surface among shifts of up to `reach` either way. Beyond that, the
 * pictures overlap too little for a fair comparison.
 */
function peakOf(
  surface: Float64Array,
  side: number,
  reach: { readonly x: number; readonly y: number },
): Shift {
  const wrap = (position: number): number => (position + side) % side;
  const value = (y: number, x: number): number => surface[wrap(y) * side + wrap(x)]!;
  let best = { x: 0, y: 0, height: value(0, 0) };
  for (let y = -reach.y; y <= reach.y; y++) {
    for (let x = -reach.x; x <= reach.x; x++) {
      if (value(y, x) > best.height) best = { x, y, height: value(y, x) };
    }
  }
  let [sum, squares, count] = [0, 0, 0];
  for (let y = -reach.y; y <= reach.y; y++) {
    for (let x = -reach.x; x <= reach.x; x++) {
      if (Math.max(Math.abs(x - best.x), Math.abs(y - best.y)) <= peakRadius) continue;
      sum += value(y, x);
      squares += value(y, x) ** 2;
      count += 1;
    }
  }
  const mean = sum / count;
  const deviation = Math.sqrt(Math.max(0, squares / count - mean * mean));
  const { x, y, height } = best;
  return {
    x: x + vertex(value(y, x - 1), height, value(y, x + 1)),
    y: y + vertex(value(y - 1, x), height, value(y + 1, x)),
    significance: deviation > 0 ? (height - mean) / deviation : 0,
  };
}

/** The peak of the parabola through three samples, −½ … ½. */
function vertex(before: number, at: number, after: number): number {
  const bend = before - 2 * at + after;
  return bend < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0;
}
