/**
 * Converts a network's weights to those of a network with more channels that gives the same
 * answers.
 *
 * Each channel is copied, and every weight that reads it is divided among the copies (Net2Net, Chen
 * et al., ICLR 2016). Equal copies would stay equal during training, so the shares are random; they
 * only have to add up to the old weight.
 */

import { Random } from '../../darkness/random.ts';
import {
  leakySlope,
  packedSide,
  unetParameters,
  type Parameter,
  type UnetShape,
} from '../../network/unet.ts';

/**
 * Standard deviation of the shares, relative to random initial weights: enough to make the copies
 * differ.
 */
const spread = 0.5;

/** Whether one network's weights can be widened to the other's shape. */
export function canWiden(from: UnetShape, to: UnetShape): boolean {
  return (
    from.inputChannels === to.inputChannels &&
    from.outputChannels === to.outputChannels &&
    from.levels === to.levels &&
    packedSide(from) === packedSide(to) &&
    to.baseChannels > from.baseChannels &&
    to.baseChannels % from.baseChannels === 0
  );
}

/**
 * @param weights [parameters] of `from`
 * @returns [parameters] of `to`, which computes the same as `from`, except for rounding
 * @throws Error if `to` is not `from` with a whole multiple of its channels
 */
export function widenedWeights(
  weights: Float32Array,
  from: UnetShape,
  to: UnetShape,
  seed: number,
): Float32Array {
  if (!canWiden(from, to)) {
    throw new Error(
      `expected a multiple of ${String(from.baseChannels)} channels but received ${String(to.baseChannels)}`,
    );
  }
  const random = new Random(seed);
  const narrow = unetParameters(from);
  const wide = unetParameters(to);
  const last = wide.at(-1);
  const widened = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  narrow.forEach((old, index) => {
    const own = wide[index];
    if (own === undefined) throw new Error(`expected a wider ${old.name}`);
    const source = weights.subarray(old.offset, old.offset + old.size);
    const target = widened.subarray(own.offset, own.offset + own.size);
    if (old.name.endsWith('.bias')) copyBias(source, target);
    else shareWeight(old, own, { source, target, random });
  });
  return widened;
}

function copyBias(source: Float32Array, target: Float32Array): void {
  const copies = target.length / source.length;
  target.forEach((_, at) => {
    target[at] = source[Math.floor(at / copies)] ?? 0;
  });
}

interface Numbers {
  readonly source: Float32Array;
  readonly target: Float32Array;
  readonly random: Random;
}

/** Copies a weight for each copy of its output, and divides it among the copies of its input. */
function shareWeight(old: Parameter, own: Parameter, { source, target, random }: Numbers): void {
  // An upward convolution's weight is [in, out, 2, 2], any other's [out, in, k, k].
  const isRise = old.name.startsWith('rise');
  const [inputAxis, outputAxis] = isRise ? [0, 1] : [1, 0];
  const sides = (shape: readonly number[]) =>
    [shape[inputAxis] ?? 1, shape[outputAxis] ?? 1] as const;
  const [oldInputs, oldOutputs] = sides(old.shape);
  const [inputs, outputs] = sides(own.shape);
  const taps = (own.shape[2] ?? 1) * (own.shape[3] ?? 1);
  const inputCopies = inputs / oldInputs;
  const outputCopies = outputs / oldOutputs;
  const at = (input: number, output: number, tap: number, [ins, outs]: readonly [number, number]) =>
    (isRise ? input * outs + output : output * ins + input) * taps + tap;
  const gain = isRise || old.name.startsWith('out') ? 1 : 2 / (1 + leakySlope ** 2);
  const deviation = spread * Math.sqrt(gain / (isRise ? inputs : inputs * taps));
  const shares = new Float64Array(inputCopies);
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < oldInputs; input++) {
      for (let tap = 0; tap < taps; tap++) {
        const whole =
          source[at(input, Math.floor(output / outputCopies), tap, [oldInputs, oldOutputs])] ?? 0;
        fillShares(shares, whole, random, deviation);
        shares.forEach((share, copy) => {
          target[at(input * inputCopies + copy, output, tap, [inputs, outputs])] = share;
        });
      }
    }
  }
}

/** Random numbers that add up to the whole. */
function fillShares(shares: Float64Array, whole: number, random: Random, deviation: number): void {
  if (shares.length === 1) {
    shares[0] = whole;
    return;
  }
  let sum = 0;
  shares.forEach((_, copy) => {
    const share = random.gaussian() * deviation;
    shares[copy] = share;
    sum += share;
  });
  const correction = (whole - sum) / shares.length;
  shares.forEach((share, copy) => {
    shares[copy] = share + correction;
  });
}
