/** The loss that training minimises. */

import { meanCameraToSrgb } from '../../darkness/scene.ts';
import { fixed, type Value } from '../../network/onnx.ts';
import type { Matrix3 } from '../../raw/mosaic.ts';
import type { Tape } from './autodiff.ts';

/**
 * Weights of the terms of the loss; each term is a mean over all elements. The tone-curved L1 is
 * close to what the eye sees. The linear L1 preserves highlights. The block term preserves the
 * colour and brightness of areas, where a per-pixel loss tolerates blotches. The rendered terms
 * compare the picture as displayed: a camera's matrix increases colour errors by half, and values
 * below black or above white are clipped after it.
 */
export interface LossWeights {
  /** |g(y) − g(t)|, g the tone curve below. */
  readonly toned: number;
  /** (g(y) − g(t))²: close to what the PSNR of the rendering measures. */
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
   * |c(mean r(y) − mean r(t))| over blocks of 16 × 16 packed pixels and over the whole patch. c
   * converts to lightness and two colour differences in hundredths of CIELAB's units, so this
   * measures what ΔE of areas does. The larger an area, the better its colour is known even in the
   * darkest frame.
   */
  readonly renderedBlocks: number;
  /**
   * ln(1 + 10⁵ m), where m is a patch's mean of (r(y) − r(t))², averaged over patches instead of
   * elements. This corresponds to their PSNR, so that easy patches count as much as hard ones.
   */
  readonly renderedLog: number;
}

/** All weights zero. */
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

/**
 * The default of `nightglass train`; docs/trials/2026-11-28-fast-and-quality.md says what each term
 * contributed.
 */
export const defaultLoss: LossWeights = { ...noLoss, toned: 1, linear: 0.2, blocks: 0.5 };

const toneExponent = 1 / 2.2;
const toneBias = 0.004;
const blockSide = 16;
/** A patch with a mean square below this (50 dB) is good enough. */
const leastSquare = 1e-5;

/**
 * Adds the loss to the tape's graph.
 * @param prediction [n, 12, h, w], the network's output
 * @param target the same shape, the desired output; ≥ 0
 * @returns a scalar
 * @throws Error if all weights are zero, or a term for areas is used with sides not divisible by 16
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

/** The terms on the network's own output: linear camera RGB, or sRGB, depending on the recipe. */
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

/** The terms on the picture as displayed. */
function renderedTerms(tape: Tape, pair: Pair, weights: LossWeights): Value[] {
  if (weights.rendered + weights.renderedBlocks + weights.renderedLog === 0) return [];
  const matrix = perSite(meanCameraToSrgb);
  // g without its additive constant, which cancels in the difference.
  const rendered = (value: Value): Value =>
    tape.power(tape.clip(tape.mixChannels(value, matrix), 0, 1), toneExponent, toneBias);
  const error = tape.subtractTarget(rendered(pair.prediction), rendered(pair.target));
  const mean = (each: Value, weight: number): Value => tape.scale(tape.mean(each), weight);
  const terms: Value[] = [];
  if (weights.rendered > 0) terms.push(mean(tape.square(error), weights.rendered));
  if (weights.renderedLog > 0) {
    // ln(1 + x / least) is never negative, so the loss still falls towards zero.
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
 * Small changes of tone-curved sRGB at mid-grey → changes of L*, a*, b*, in hundredths: the
 * derivative of CIE 15's formulas there. An error in a single channel changes colour more than
 * lightness; a plain sum over R, G and B does not show this.
 */
export const greyToLab: Matrix3 = [0.22, 0.73, 0.07, 0.97, -1.49, 0.52, 0.34, 1.06, -1.41];

/** The same for the mean of a packed pixel's four sites: 3 × 12. */
const labOfSites = Float32Array.from(
  { length: 36 },
  (_, at) => (greyToLab[Math.floor(at / 12) * 3 + (at % 3)] ?? 0) / 4,
);

/** A colour matrix applied at each of the four sites of a packed pixel: 12 × 12, row by row. */
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
