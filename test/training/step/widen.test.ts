/** A wider network begins with what the narrow one knows. */
import { expect, it } from 'vitest';
import * as ort from 'onnxruntime-node';

import { inferenceModel } from '../../../main/network/inference-model.ts';
import { parameterCount, type UnetShape } from '../../../main/network/unet.ts';
import { canWiden, widenedWeights } from '../../../main/training/step/widen.ts';
import { floats } from '../../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';
import { Random } from '../../../main/darkness/random.ts';

const narrow: UnetShape = { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 3 };
const side = 16;

async function answer(unet: UnetShape, weights: Float32Array): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(inferenceModel(unet, weights));
  const random = new Random(7);
  const mosaic = Float32Array.from({ length: 4 * side * side }, () => random.gaussian());
  const result = await session.run({
    mosaic: new ort.Tensor('float32', mosaic, [1, 4, side, side]),
  });
  await session.release();
  return floats(result, 'packed');
}

function differenceOf(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, at) => Math.abs(value - b[at]!)));
}

it.each([2, 3])('gives the same answers with %s times the channels', async (times) => {
  const wide = { ...narrow, baseChannels: narrow.baseChannels * times };
  const weights = firstWeights(narrow, 5).map((weight, at) => weight + (at % 7) * 1e-3);
  const widened = widenedWeights(weights, narrow, wide, 1);
  expect(widened.length).toBe(parameterCount(wide));
  const [before, after] = [await answer(narrow, weights), await answer(wide, widened)];
  expect(Math.max(...before.map(Math.abs))).toBeGreaterThan(0.1);
  expect(differenceOf(before, after)).toBeLessThan(1e-4);
  // The copies must not be equal in all they do, or they would stay one channel for ever.
  expect(new Set(widened).size).toBeGreaterThan(widened.length / 2);
});

it('widens only to whole multiples of the same kind of network', () => {
  const weights = firstWeights(narrow, 5);
  for (const other of [
    { ...narrow },
    { ...narrow, baseChannels: 6 },
    { ...narrow, baseChannels: 8, levels: 4 },
    { ...narrow, baseChannels: 8, outputChannels: 3 },
  ]) {
    expect(canWiden(narrow, other)).toBe(false);
    expect(() => widenedWeights(weights, narrow, other, 1)).toThrow(/multiple of 4/);
  }
});
