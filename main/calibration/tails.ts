/** Fits a Tukey lambda distribution to a histogram of rounded read noise. */

import type { Figure } from '../../preload/contract/camera-profile.ts';
import { tukeyStandardDeviation } from '../darkness/tukey.ts';

/** A histogram of deviations from black, finer than the file's step. */
export interface NoiseCounts {
  /** Bin i is centred at (i − middle) · step / perStep. */
  readonly counts: Uint32Array;
  readonly middle: number;
  /** Rounding step of the file's numbers, DN. */
  readonly step: number;
  /** Bins per step, an even number. Samples fall only on bins whole steps apart. */
  readonly perStep: number;
}

export interface TailFit {
  readonly lambda: Figure;
  readonly scale: Figure;
  /** Standard deviation of the fitted distribution, DN. */
  readonly sigma: Figure;
  /** Its middle, DN from black; near 0. */
  readonly location: number;
}

/** Beyond this many σ lie hot pixels; the fit leaves out both sides. */
export const fitSigmas = 6;
const lambdaMin = -0.45;
const lambdaMax = 0.6;

/**
 * Share of the standard Tukey lambda distribution below x. Its quantile function is almost linear in
 * t = ln(u / (1 − u)) (for λ = 0, the logistic distribution, it is t itself), so Newton's method
 * converges in few steps.
 * @param start initial t; the result of a neighbouring x saves steps
 * @returns [share, t]
 */
function shareBelow(x: number, lambda: number, start: number): readonly [number, number] {
  let t = start;
  for (let round = 0; round < 30; round++) {
    const u = 1 / (1 + Math.exp(-t));
    const rest = 1 / (1 + Math.exp(t));
    const up = u ** lambda;
    const down = rest ** lambda;
    const quantile = Math.abs(lambda) < 1e-6 ? t : (up - down) / lambda;
    const slope = up * rest + down * u;
    const step = (quantile - x) / slope;
    t -= Math.max(-2, Math.min(2, step));
    // With a positive λ the distribution ends at ±1/λ.
    if (t > 40) return [1, 40];
    if (t < -40) return [0, -40];
    if (Math.abs(step) < 1e-9) break;
  }
  return [1 / (1 + Math.exp(-t)), t];
}

/** The cumulative distribution at each bin's centre, from bin `first` to `last`. */
function sharesBelow(
  { middle, step, perStep }: NoiseCounts,
  [first, last]: readonly [number, number],
  lambda: number,
  scale: number,
  location: number,
): Float64Array {
  const shares = new Float64Array(last - first + 1);
  const width = step / perStep;
  let t = -20;
  for (let bin = first; bin <= last; bin++) {
    const x = ((bin - middle) * width - location) / scale;
    const [share, at] = shareBelow(x, lambda, t);
    shares[bin - first] = share;
    t = at;
  }
  return shares;
}

/**
 * Log likelihood of the counts. A sample in a bin came from one step around it and could only fall on
 * bins whole steps away. The model thus includes rounding, which therefore adds nothing to σ.
 */
function logLikelihood(
  data: NoiseCounts,
  [first, last]: readonly [number, number],
  lambda: number,
  scale: number,
  location: number,
): number {
  const { counts, perStep } = data;
  const half = perStep / 2;
  const shares = sharesBelow(data, [first - half, last + half], lambda, scale, location);
  let sum = 0;
  for (let phase = 0; phase < perStep; phase++) {
    let total = 0;
    let samples = 0;
    for (let bin = first + phase; bin <= last; bin += perStep) {
      const expected = shares[bin - first + perStep]! - shares[bin - first]!;
      total += expected;
      const count = counts[bin]!;
      if (count === 0) continue;
      samples += count;
      sum += count * Math.log(Math.max(expected, 1e-12));
    }
    if (samples > 0) sum -= samples * Math.log(Math.max(total, 1e-12));
  }
  return sum;
}

/**
 * Maximum likelihood estimate of λ, scale and location. ELD (Wei et al., CVPR 2020) takes the λ of the
 * best probability plot correlation instead, which scatters several times as much and is biased by
 * rounding.
 * @param sigmaGuess roughly the standard deviation, DN
 * @param isClipped whether the camera cut off values below black; then only the upper half is fitted
 */
export function fitTails(
  data: NoiseCounts,
  sigmaGuess: number,
  { isClipped = false } = {},
): TailFit {
  const width = data.step / data.perStep;
  const margin = data.perStep / 2;
  const reach = Math.min(
    Math.max(Math.round((fitSigmas * sigmaGuess) / width), 2 * data.perStep),
    data.middle - margin,
    data.counts.length - 1 - data.middle - margin,
  );
  const range = [data.middle + (isClipped ? data.perStep : -reach), data.middle + reach] as const;
  // The search is in (λ, ln of the inner width, location / width). The width between the quantiles
  // that hold two thirds hardly depends on λ, so the three are nearly independent.
  const valueAt = ([lambda, lnWidth, shift]: Point): number => {
    if (lambda < lambdaMin || lambda > lambdaMax) return -Infinity;
    const inner = Math.exp(lnWidth);
    return logLikelihood(data, range, lambda, inner / innerWidth(lambda), shift * inner);
  };
  const best = climb(valueAt, [0.05, Math.log(sigmaGuess), 0], [0.1, 0.05, isClipped ? 0 : 0.02]);
  const [lambda, lnWidth, shift] = best;
  const scale = Math.exp(lnWidth) / innerWidth(lambda);
  const lnSigmaOf = (at: number): number => Math.log(tukeyStandardDeviation(at) / innerWidth(at));
  const { lambdaError, lnWidthError, covariance } = standardErrors(valueAt, best);
  const slope = (lnSigmaOf(lambda + 1e-3) - lnSigmaOf(lambda - 1e-3)) / 2e-3;
  const lnSigmaVariance = lnWidthError ** 2 + (slope * lambdaError) ** 2 + 2 * slope * covariance;
  const sigma = scale * tukeyStandardDeviation(lambda);
  return {
    lambda: { value: lambda, error: lambdaError },
    sigma: { value: sigma, error: sigma * Math.sqrt(Math.max(0, lnSigmaVariance)) },
    scale: { value: scale, error: scale * Math.hypot(lnWidthError, lambdaError) },
    location: shift * Math.exp(lnWidth),
  };
}

/** The 84 % quantile of the standard distribution: one σ for a Gaussian. */
function innerWidth(lambda: number): number {
  const [up, down] = [0.8413447, 0.1586553];
  return Math.abs(lambda) < 1e-6 ? Math.log(up / down) : (up ** lambda - down ** lambda) / lambda;
}

type Point = readonly [number, number, number];

const moved = (point: Point, axis: number, by: number): Point => [
  point[0] + (axis === 0 ? by : 0),
  point[1] + (axis === 1 ? by : 0),
  point[2] + (axis === 2 ? by : 0),
];

/** The search stops below this, well under any error that matters. */
const narrowest = 2e-4;

/** Climbs along one axis at a time by parabolas through three points, with shrinking steps. */
function climb(valueAt: (point: Point) => number, start: Point, steps: Point): Point {
  let at = start;
  let value = valueAt(at);
  const reach = [...steps];
  for (let round = 0; round < 100; round++) {
    let largest = 0;
    for (let axis = 0; axis < 3; axis++) {
      const step = reach[axis]!;
      if (step === 0) continue;
      const up = valueAt(moved(at, axis, step));
      const down = valueAt(moved(at, axis, -step));
      const bend = up - 2 * value + down;
      const wanted = bend < 0 ? (-(up - down) / (2 * bend)) * step : up > down ? step : -step;
      const by = Math.max(-2 * step, Math.min(2 * step, Number.isFinite(wanted) ? wanted : 0));
      const next = moved(at, axis, by);
      const nextValue = valueAt(next);
      const isBetter = nextValue > value;
      if (isBetter) {
        at = next;
        value = nextValue;
        largest = Math.max(largest, Math.abs(by));
      }
      // Wide enough that rounding does not matter, narrow enough for a parabola.
      const wide = isBetter ? 2 * Math.abs(by) : step / 2;
      reach[axis] = Math.max(narrowest, Math.min(1.5 * step, Math.max(step / 4, wide)));
    }
    if (largest < 1e-5 && reach.every((step) => step <= 2 * narrowest)) break;
  }
  return at;
}

/** Standard errors of λ and the logarithm of the width, from the curvature of the likelihood. */
function standardErrors(
  valueAt: (point: Point) => number,
  best: Point,
): {
  readonly lambdaError: number;
  readonly lnWidthError: number;
  readonly covariance: number;
} {
  const h = 2e-3;
  const here = valueAt(best);
  const second = (axis: number): number =>
    (valueAt(moved(best, axis, h)) - 2 * here + valueAt(moved(best, axis, -h))) / (h * h);
  const mixed =
    (valueAt(moved(moved(best, 0, h), 1, h)) -
      valueAt(moved(moved(best, 0, h), 1, -h)) -
      valueAt(moved(moved(best, 0, -h), 1, h)) +
      valueAt(moved(moved(best, 0, -h), 1, -h))) /
    (4 * h * h);
  const [a, d] = [-second(0), -second(1)];
  const determinant = a * d - mixed * mixed;
  // At the edge of the search range the curvature is undefined.
  if (!(determinant > 0 && a > 0 && d > 0))
    return { lambdaError: 1, lnWidthError: 1, covariance: 0 };
  return {
    lambdaError: Math.sqrt(d / determinant),
    lnWidthError: Math.sqrt(a / determinant),
    covariance: mixed / determinant,
  };
}

/** The number of samples that the fit expects in each bin, given the count on each fraction of a step. */
export function expectedCounts(data: NoiseCounts, fit: TailFit): Float64Array {
  const { counts, perStep } = data;
  const half = perStep / 2;
  const ofPhase = new Float64Array(perStep);
  counts.forEach((count, bin) => {
    ofPhase[bin % perStep]! += count;
  });
  const last = counts.length - 1;
  const { lambda, scale, location } = fit;
  const shares = sharesBelow(data, [-half, last + half], lambda.value, scale.value, location);
  return Float64Array.from(
    counts,
    (_, bin) => ofPhase[bin % perStep]! * (shares[bin + perStep]! - shares[bin]!),
  );
}
