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
  /** (g(y) − g(t))²: what PSNR of the rendering counts. */
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
   * lightness and two colour differences, a hundredth of CIELAB's: what ΔE of areas counts. Of a large
   * area even the darkest frame knows the colour.
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

/** The default of `nightglass train`: see models/README.md for what each term gave. */
export const defaultLoss: LossWeights = { ...noLoss, toned: 1, linear: 0.2, blocks: 0.5 };

const toneExponent = 1 / 2.2;
const toneBias = 0.004;
const blockSide = 16;
/** A patch of a mean square below this (50 dB) is good enough. */
const leastSquare = 1e-5;

/**
 * Adds the loss to the tape's graph.
 * @param prediction [n, 12, h, w], what the network gave
 * @param target the same shape, what it should have given
 * @returns a scalar
 * @throws Error if no term has a weight, or the block term is asked of sides not divisible by 16
 */
export function loss(tape: Tape, prediction: Value, target: Value, weights: LossWeights): Value {
  const toned = (value: Value): Value => tape.toneCurve(value, toneExponent, toneBias);
  const difference = (a: Value, b: Value): Value => tape.subtractTarget(a, b);
  const terms: Value[] = [];
  if (weights.toned > 0 || weights.tonedSquared > 0) {
    const error = difference(toned(prediction), toned(target));
    if (weights.toned > 0) terms.push(tape.scale(tape.mean(tape.abs(error)), weights.toned));
    if (weights.tonedSquared > 0) {
      terms.push(tape.scale(tape.mean(tape.square(error)), weights.tonedSquared));
    }
  }
  if (weights.linear > 0) {
    terms.push(tape.scale(tape.mean(tape.abs(difference(prediction, target))), weights.linear));
  }
  if (weights.squared > 0) {
    terms.push(tape.scale(tape.mean(tape.square(difference(prediction, target))), weights.squared));
  }
  const blocks = (value: Value): Value => tape.blockMean(value, blockSide);
  if (weights.blocks > 0 || weights.renderedBlocks > 0) {
    const sides = fixed(prediction.shape).slice(2);
    if (sides.some((side) => side % blockSide !== 0)) {
      throw new Error(
        `expected sides divisible by ${String(blockSide)} but received ${sides.join(' × ')}`,
      );
    }
  }
  if (weights.blocks > 0) {
    const error = difference(toned(blocks(prediction)), toned(blocks(target)));
    terms.push(tape.scale(tape.mean(tape.abs(error)), weights.blocks));
  }
  if (weights.rendered > 0 || weights.renderedBlocks > 0 || weights.renderedLog > 0) {
    const matrix = perSite(MEAN_CAMERA_TO_SRGB);
    // g but for a constant, which falls out of every difference.
    const rendered = (value: Value): Value =>
      tape.power(tape.clip(tape.mixChannels(value, matrix), 0, 1), toneExponent, toneBias);
    const error = difference(rendered(prediction), rendered(target));
    if (weights.rendered > 0) {
      terms.push(tape.scale(tape.mean(tape.square(error)), weights.rendered));
    }
    if (weights.renderedLog > 0) {
      // ln(1 + x / least): never negative, so that a loss stays something that falls towards nothing.
      const squares = tape.scale(tape.patchMean(tape.square(error)), 1 / leastSquare);
      const logarithms = tape.logarithm(squares, 1);
      terms.push(tape.scale(tape.mean(logarithms), weights.renderedLog));
    }
    if (weights.renderedBlocks > 0) {
      // The mean of the differences is the difference of the means.
      const lab = tape.mixChannels(blocks(error), labOfSites);
      const [, , rows = 1] = fixed(lab.shape);
      for (const areas of rows > 1 ? [lab, tape.blockMean(lab, rows)] : [lab]) {
        terms.push(tape.scale(tape.mean(tape.abs(areas)), weights.renderedBlocks));
      }
    }
  }
  const [first, ...rest] = terms;
  if (first === undefined)
    throw new Error('expected at least one term of the loss to have a weight');
  return rest.reduce((sum, term) => tape.add(sum, term), first);
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
