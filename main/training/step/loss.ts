/** What the network is asked to make small. */

import { MEAN_CAMERA_TO_SRGB } from '../../darkness/scene.ts';
import { fixed, type Value } from '../../network/onnx.ts';
import type { Matrix3 } from '../../raw/mosaic.ts';
import type { Tape } from './autodiff.ts';

/**
 * Weights of the terms of the loss; each is a mean over all elements.
 * The tone-curved L1 is near to what is seen; the linear L1 holds the highlights; the block term holds
 * colour and brightness of areas, where a per-pixel loss tolerates blotches. The rendered terms look at
 * the picture as it is shown: a camera's matrix makes errors of colour half as large again, and what
 * is below black or above white after it is cut off.
 */
export interface LossWeights {
  /** |g(y) − g(t)|, g the tone curve below. */
  readonly toned: number;
  /** (g(y) − g(t))²: nearly what PSNR of the rendering counts. */
  readonly tonedSquared: number;
  /** |y − t| */
  readonly linear: number;
  /** |g(mean y) − g(mean t)| over blocks of 16 × 16 packed pixels. */
  readonly blocks: number;
  /** (y − t)² */
  readonly squared: number;
  /** (r(y) − r(t))², r = g after a camera's matrix to sRGB, clipped to 0 … 1. */
  readonly rendered: number;
  /**
   * |c(mean r(y) − mean r(t))| over blocks of 16 × 16 packed pixels and over the whole patch, c to
   * lightness and two colour differences, a hundredth of CIELAB's: what ΔE of areas counts. The
   * larger an area, the better even the darkest frame knows its colour.
   */
  readonly renderedBlocks: number;
  /**
   * ln(1 + 10⁵ m), m a patch's mean of (r(y) − r(t))²; not of elements but of patches the mean. It is their
   * PSNR, so that easy patches count as much as hard ones.
   */
  readonly renderedLog: number;
}

/** No term has a weight yet. */
export const noLoss: LossWeights = {
  toned: 0,
  tonedSquared: 0,
  linear: 0,
  blocks: 0,
  squared: 0,
  rendered: 0,
  renderedBlocks: 0,
  renderedLog: 0,
};

/** The default of `nightglass train`: docs/trials/2026-11-28-fast-and-quality.md says what each term gave. */
export const defaultLoss: LossWeights = { ...noLoss, toned: 1, linear: 0.2, blocks: 0.5 };

const toneExponent = 1 / 2.2;
const toneBias = 0.004;
const blockSide = 16;
/** A patch of a mean square below this (50 dB) is good enough. */
const leastSquare = 1e-5;

/**
 * Adds the loss to the tape's graph.
 * @param prediction [n, 12, h, w], what the network gave
 * @param target the same shape, what it should have given; ≥ 0
 * @returns a scalar
 * @throws Error if no term has a weight, or areas are asked of sides not divisible by 16
 */
export function loss(tape: Tape, prediction: Value, target: Value, weights: LossWeights): Value {
  const pair = { prediction, target };
  const [first, ...rest] = [
    ...cameraTerms(tape, pair, weights),
    ...renderedTerms(tape, pair, weights),
  ];
  if (first === undefined)
    throw new Error('expected at least one term of the loss to have a weight');
  return rest.reduce((sum, term) => tape.add(sum, term), first);
}

interface Pair {
  readonly prediction: Value;
  readonly target: Value;
}

/** The terms that look at the network's own numbers: linear camera RGB, or the recipe's sRGB. */
function cameraTerms(tape: Tape, pair: Pair, weights: LossWeights): Value[] {
  const { prediction, target } = pair;
  const mean = (each: Value, weight: number): Value => tape.scale(tape.mean(each), weight);
  const tonedError = (value: Value, wanted: Value): Value =>
    tape.subtractTarget(
      tape.toneCurve(value, toneExponent, toneBias),
      tape.lightToneCurve(wanted, toneExponent, toneBias),
    );
  const terms: Value[] = [];
  if (weights.toned > 0 || weights.tonedSquared > 0) {
    const e = tonedError(prediction, target);
    if (weights.toned > 0) terms.push(mean(tape.abs(e), weights.toned));
    if (weights.tonedSquared > 0) terms.push(mean(tape.square(e), weights.tonedSquared));
  }
  if (weights.linear > 0 || weights.squared > 0) {
    const e = tape.subtractTarget(prediction, target);
    if (weights.linear > 0) terms.push(mean(tape.abs(e), weights.linear));
    if (weights.squared > 0) terms.push(mean(tape.square(e), weights.squared));
  }
  if (weights.blocks > 0) {
    const e = tonedError(blockMeans(tape, prediction), blockMeans(tape, target));
    terms.push(mean(tape.abs(e), weights.blocks));
  }
  return terms;
}

/** The terms that look at the picture as it is shown. */
function renderedTerms(tape: Tape, pair: Pair, weights: LossWeights): Value[] {
  if (weights.rendered + weights.renderedBlocks + weights.renderedLog === 0) return [];
  const matrix = perSite(MEAN_CAMERA_TO_SRGB);
  // g but for a constant, which falls out of the difference.
  const rendered = (value: Value): Value =>
    tape.power(tape.clip(tape.mixChannels(value, matrix), 0, 1), toneExponent, toneBias);
  const error = tape.subtractTarget(rendered(pair.prediction), rendered(pair.target));
  const mean = (each: Value, weight: number): Value => tape.scale(tape.mean(each), weight);
  const terms: Value[] = [];
  if (weights.rendered > 0) terms.push(mean(tape.square(error), weights.rendered));
  if (weights.renderedLog > 0) {
    // ln(1 + x / least): never negative, so that a loss stays something that falls towards nothing.
    const squares = tape.scale(tape.patchMean(tape.square(error)), 1 / leastSquare);
    terms.push(mean(tape.logarithm(squares, 1), weights.renderedLog));
  }
  if (weights.renderedBlocks > 0) {
    // The mean of the differences is the difference of the means.
    const blocks = tape.mixChannels(blockMeans(tape, error), labOfSites);
    terms.push(mean(tape.abs(blocks), weights.renderedBlocks));
    const [, , rows = 1] = fixed(blocks.shape);
    if (rows > 1) terms.push(mean(tape.abs(tape.blockMean(blocks, rows)), weights.renderedBlocks));
  }
  return terms;
}

/** Means of blocks of 16 × 16. */
function blockMeans(tape: Tape, value: Value): Value {
  const sides = fixed(value.shape).slice(2);
  if (sides.some((side) => side % blockSide !== 0)) {
    throw new Error(
      `expected sides divisible by ${String(blockSide)} but received ${sides.join(' × ')}`,
    );
  }
  return tape.blockMean(value, blockSide);
}

/**
 * Small changes of tone-curved sRGB at mid-grey → changes of L*, a*, b*, in hundreds: the derivative of
 * CIE 15's formulas there. An error of one channel alone is one of colour more than of lightness, which
 * the sum over R, G and B does not see.
 */
export const greyToLab: Matrix3 = [0.22, 0.73, 0.07, 0.97, -1.49, 0.52, 0.34, 1.06, -1.41];

/** The same of the mean of a packed pixel's four sites: 3 × 12. */
const labOfSites = Float32Array.from(
  { length: 36 },
  (_, at) => (greyToLab[Math.floor(at / 12) * 3 + (at % 3)] ?? 0) / 4,
);

/** A colour matrix at each of the four sites of a packed pixel: 12 × 12, row by row. */
function perSite(matrix: Matrix3): Float32Array {
  const wide = new Float32Array(144);
  for (let site = 0; site < 4; site++) {
    for (const [at, factor] of matrix.entries()) {
      const [row, column] = [site * 3 + Math.floor(at / 3), site * 3 + (at % 3)];
      wide[row * 12 + column] = factor;
    }
  }
  return wide;
}
