/** What the network is asked to make small. */

import { fixed, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';

/**
 * Weights of the terms of the loss; each is a mean over all elements.
 * The tone-curved L1 is what is seen; the linear L1 holds the highlights; the block term holds
 * colour and brightness of areas, where a per-pixel loss tolerates blotches.
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
}

/** The default of `nightglass train`: see models/README.md for what each term gave. */
export const defaultLoss: LossWeights = {
  toned: 1,
  tonedSquared: 0,
  linear: 0.2,
  blocks: 0.5,
  squared: 0,
};

const toneExponent = 1 / 2.2;
const toneBias = 0.004;
const blockSide = 16;

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
  if (weights.blocks > 0) {
    const sides = fixed(prediction.shape).slice(2);
    if (sides.some((side) => side % blockSide !== 0)) {
      throw new Error(
        `expected sides divisible by ${String(blockSide)} but received ${sides.join(' × ')}`,
      );
    }
    const blocks = (value: Value): Value => toned(tape.blockMean(value, blockSide));
    const error = tape.abs(difference(blocks(prediction), blocks(target)));
    terms.push(tape.scale(tape.mean(error), weights.blocks));
  }
  const [first, ...rest] = terms;
  if (first === undefined)
    throw new Error('expected at least one term of the loss to have a weight');
  return rest.reduce((sum, term) => tape.add(sum, term), first);
}
