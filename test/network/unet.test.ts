/** The network's two graphs, for training and for inference, and the figures that name it. */

import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { Graph } from '../../main/network/onnx.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import {
  graphOperations,
  macsPerPackedPixel,
  parameterCount,
  unet,
  unetParameters,
  type UnetShape,
} from '../../main/network/unet.ts';
import { firstWeights } from '../../main/training/step/weights.ts';

const shape: UnetShape = { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 5 };

describe('the U-Net', () => {
  test('has the published number of parameters and multiply-adds', () => {
    const paper: UnetShape = { ...shape, baseChannels: 32 };
    expect(parameterCount(paper)).toBe(7_760_268);
    expect(macsPerPackedPixel(paper)).toBe(184_832);
    expect(parameterCount({ ...shape, baseChannels: 16 })).toBe(1_941_196);
  });

  test('lists parameters one after the other, without gaps', () => {
    let next = 0;
    for (const { offset, size, shape: dimensions } of unetParameters(shape)) {
      expect(offset).toBe(next);
      expect(size).toBe(dimensions.reduce((product, n) => product * n, 1));
      next += size;
    }
    expect(next).toBe(parameterCount(shape));
  });

  test('gives the same without joining as the definition with joined inputs', async () => {
    const weights = firstWeights(shape, 5);
    const [height, width] = [48, 32];
    const mosaic = Float32Array.from({ length: 4 * height * width }, (_, i) => Math.sin(i * 0.37));
    const feeds = { mosaic: new ort.Tensor('float32', mosaic, [1, 4, height, width]) };

    const graph = new Graph('plain');
    const values = new Map(
      unetParameters(shape).map(({ name, shape: dimensions, offset, size }) => [
        name,
        graph.weight(name, dimensions, weights.subarray(offset, offset + size)),
      ]),
    );
    const x = graph.input('mosaic', [1, 4, height, width]);
    const parameter = (name: string) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(name);
      return value;
    };
    graph.output('packed', unet(graphOperations(graph), parameter, shape, x));

    const run = async (model: Uint8Array): Promise<Float32Array> => {
      const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
      const data = (await session.run(feeds))['packed']?.data;
      await session.release();
      if (!(data instanceof Float32Array)) throw new Error('expected numbers');
      return data;
    };
    const joined = await run(graph.model());
    const split = await run(inferenceModel(shape, weights));
    const scale = Math.max(...joined.map(Math.abs));
    expect(scale).toBeGreaterThan(0.01);
    joined.forEach((value, i) => {
      expect(Math.abs(value - (split[i] ?? Number.NaN))).toBeLessThan(1e-5 * scale);
    });
  });
});
