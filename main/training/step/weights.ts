/** Initial weights of a network. */

import { unetParameters, leakySlope, type UnetShape } from '../../network/unet.ts';
import { Random } from '../../darkness/random.ts';

/**
 * Gaussian weights with a variance that preserves a signal's magnitude through LeakyReLU layers (He
 * et al. 2015); biases are zero.
 * @returns [parameters]
 */
export function firstWeights(shape: UnetShape, seed: number): Float32Array {
  const random = new Random(seed);
  const parameters = unetParameters(shape);
  const last = parameters.at(-1);
  const weights = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for (const { name, shape: dimensions, offset, size } of parameters) {
    if (name.endsWith('.bias')) continue;
    const [first = 1, second = 1, kernel = 1] = dimensions;
    const isRise = name.startsWith('rise');
    // Each output of a 2×2 transposed convolution of stride 2 depends on one tap of each input
    // channel.
    const fanIn = isRise ? first : second * kernel * kernel;
    const gain = isRise || name.startsWith('out') ? 1 : 2 / (1 + leakySlope ** 2);
    const deviation = Math.sqrt(gain / fanIn);
    for (let i = offset; i < offset + size; i++) weights[i] = random.gaussian() * deviation;
  }
  return weights;
}
