/** The fast step against the plain one: same gradients, same training. */

import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../../../main/network/onnx.ts';
import { channelsOf, parameterCount, type UnetShape } from '../../../main/network/unet.ts';
import {
  blockedParameters,
  gathered,
  gradientRuns,
  toBlocked,
  toPlain,
} from '../../../main/training/step/blocked-order.ts';
import { Random } from '../../../main/darkness/random.ts';
import { noLoss } from '../../../main/training/step/loss.ts';
import { blockOf } from '../../../main/training/step/agreed-block.ts';
import {
  gradientModel,
  parameterTensors,
  type StepShape,
} from '../../../main/training/step/step.ts';
import { lengthOf } from '../../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';

const unet: UnetShape = { inputChannels: 4, outputChannels: 12, baseChannels: 16, levels: 3 };
const half: UnetShape = { ...unet, firstLevel: 'half' };

it.each([
  [8, unet, 1],
  [16, unet, 1],
  [8, half, 4],
  [16, half, 4],
])('blocks of %d: every weight has its place, there and back', (block, unet, places) => {
  const order = blockedParameters(unet, block);
  const plain = Float32Array.from({ length: parameterCount(unet) }, (_, i) => i + 1);
  const blocked = toBlocked(order, plain);
  expect(toPlain(order, blocked, plain.length)).toEqual(plain);
  // Nothing but the fill of the last convolution's twelve channels is added, and it is zero.
  expect(blocked.filter((value) => value !== 0).length).toBe(plain.length);
  expect(blocked.length - plain.length).toBe(places * (16 - 12) * (channelsOf(unet, 0) + 1));
});

const block = await blockOf({ unet });

describe.skipIf(block === undefined)('on this processor', () => {
  async function gradientOf(shape: StepShape, flat: Float32Array) {
    const random = new Random(5);
    const { batch, patchPacked: side } = shape;
    const numbers = (channels: number) =>
      new ort.Tensor(
        'float32',
        Float32Array.from({ length: batch * channels * side * side }, () => random.unit()),
        [batch, channels, side, side],
      );
    const tensors = parameterTensors(shape);
    const session = await ort.InferenceSession.create(gradientModel(shape), {
      logSeverityLevel: 3,
    });
    const feeds: Record<string, ort.Tensor> = { mosaic: numbers(4), target: numbers(12) };
    for (const { suffix, offset, shape: dimensions } of tensors) {
      const data = flat.subarray(offset, offset + sizeOf(dimensions));
      feeds[`weights${suffix}`] = new ort.Tensor('float32', data, dimensions);
    }
    const result = await session.run(feeds);
    await session.release();
    return tensors.flatMap(({ suffix }) => {
      const data = result[`gradient${suffix}`]?.data;
      if (!(data instanceof Float32Array)) throw new Error('expected numbers');
      return Array.from(data);
    });
  }

  const loss = { ...noLoss, squared: 1 };

  const length = (vector: readonly number[]) => lengthOf(Float32Array.from(vector));

  // 20 images are more than a block: their weight gradients are made in parts.
  it.each([
    ['1 image', unet, 1, 32],
    ['1 image, cut into strips', unet, 1, 96],
    ['3 images', unet, 3, 16],
    ['2 images, cut into strips', unet, 2, 96],
    ['20 images', unet, 20, 16],
    ['3 images, first level at half size', half, 3, 32],
  ])('gradients are the plain graph’s: %s', async (_, unet, batch, patchPacked) => {
    const shape: StepShape = { unet, batch, patchPacked, loss, clipNorm: 1 };
    const weights = firstWeights(unet, 3);
    const order = blockedParameters(unet, block ?? 0);
    const plain = await gradientOf(shape, weights);
    const blocked = await gradientOf({ ...shape, block }, toBlocked(order, weights));
    const inOrder = gathered(gradientRuns(order, block ?? 0), Float32Array.from(blocked));
    const found = toPlain(order, inOrder, plain.length);
    // Sums in another order. (Seed and loss are such that no LeakyReLU or maximum lies on a kink.)
    const difference = plain.map((value, at) => value - found[at]!);
    expect(length(difference) / length(plain)).toBeLessThan(1e-5);
  });
});
