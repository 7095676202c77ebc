/** The network's two graphs, for training and for inference, and the figures that name it. */

import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { haloPacked } from '../../main/develop/tiles.ts';
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
import { floats } from '../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../main/training/step/weights.ts';

const shape: UnetShape = { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 5 };

const shapes: [string, UnetShape][] = [
  ['full size', shape],
  ['half size', { ...shape, levels: 4, firstLevel: 'half' }],
];

describe('the U-Net', () => {
  test('has the published number of parameters and multiply-adds', () => {
    const paper: UnetShape = { ...shape, baseChannels: 32 };
    expect(parameterCount(paper)).toBe(7_760_268);
    expect(macsPerPackedPixel(paper)).toBe(184_832);
    expect(parameterCount({ ...shape, baseChannels: 16 })).toBe(1_941_196);
  });

  test('does as much work for a photo with a first level at half size', () => {
    for (const baseChannels of [16, 32]) {
      const full = macsPerPackedPixel({ ...shape, baseChannels });
      const half = macsPerPackedPixel({ ...shape, baseChannels, levels: 4, firstLevel: 'half' });
      expect(half / full).toBeGreaterThan(0.97);
      expect(half / full).toBeLessThan(1.06);
    }
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

  test.each(shapes)(
    'sees no further than the tiles overlap: first level at %s',
    async (_, shape) => {
      const weights = firstWeights(shape, 5);
      const side = 240;
      const session = await ort.InferenceSession.create(inferenceModel(shape, weights));
      const answer = async (change: number): Promise<Float32Array> => {
        const mosaic = Float32Array.from({ length: 4 * side * side }, (_, i) => Math.sin(i * 0.37));
        mosaic[120 * side + 120]! += change;
        const feeds = { mosaic: new ort.Tensor('float32', mosaic, [1, 4, side, side]) };
        return floats(await session.run(feeds), 'packed');
      };
      const [before, after] = [await answer(0), await answer(10)];
      await session.release();
      const distances = Array.from(before, (value, at) => {
        const [x, y] = [at % side, Math.floor(at / side) % side];
        return value === after[at] ? 0 : Math.max(Math.abs(x - 120), Math.abs(y - 120));
      });
      const furthest = distances.reduce((a, b) => Math.max(a, b), 0);
      expect(furthest).toBeLessThanOrEqual(haloPacked);
      expect(furthest).toBeGreaterThan(60);
    },
  );

  test.each(shapes)(
    'gives the same without joining as with joined inputs: %s',
    async (_, shape) => {
      const weights = firstWeights(shape, 5);
      const [height, width] = [48, 32];
      const mosaic = Float32Array.from({ length: 4 * height * width }, (_, i) =>
        Math.sin(i * 0.37),
      );
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
    },
  );
});
