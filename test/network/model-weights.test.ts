/** A model's file gives back the weights that were written into it. */
import { expect, it } from 'vitest';

import { firstLevels } from '../../preload/contract/choices.ts';
import { readModel } from '../../main/network/manifest.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import { parameterCount } from '../../main/network/unet.ts';
import { modelWeights } from '../../main/network/model-weights.ts';
import { firstWeights } from '../../main/training/step/weights.ts';

it.each(firstLevels)('reads what was written, bit for bit: first level %s', async (firstLevel) => {
  const shipped = await readModel('fast');
  const size = { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 3 } as const;
  const unet = { ...size, firstLevel };
  const weights = firstWeights(unet, 5);
  const onnx = Buffer.from(inferenceModel(unet, weights));
  expect(modelWeights({ manifest: { ...shipped.manifest, unet }, onnx })).toEqual(weights);
});

it('reads the shipped model, and refuses a network of another size', async () => {
  const { manifest, onnx } = await readModel('fast');
  const weights = modelWeights({ manifest, onnx });
  expect(weights.length).toBe(parameterCount(manifest.unet));
  const again = Buffer.from(inferenceModel(manifest.unet, weights));
  expect(modelWeights({ manifest, onnx: again })).toEqual(weights);
  const wider = { ...manifest, unet: { ...manifest.unet, baseChannels: 32 } };
  expect(() => modelWeights({ manifest: wider, onnx })).toThrow(/down0a\.weight/);
});
