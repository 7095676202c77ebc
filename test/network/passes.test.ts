/** A network that looks twice gives the mean of what it makes of a tile and of the tile transposed. */
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';

import { Random } from '../../main/darkness/random.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import { parameterCount, type UnetShape } from '../../main/network/unet.ts';
import { weightCount } from '../../main/network/weight-count.ts';
import { floats } from '../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../main/training/step/weights.ts';

const full: UnetShape = { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 3 };
const shapes: [string, UnetShape][] = [
  ['full size', full],
  ['half size', { ...full, firstLevel: 'half' }],
];
const [height, width] = [16, 24];
const random = new Random(11);

function weightsOf(shape: UnetShape): Float32Array {
  // Biases too: initial ones are zero.
  const own = new Random(12);
  return firstWeights(shape, 5).map((weight) => weight + 0.05 * own.gaussian());
}

interface Planes {
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

async function answer(onnx: Uint8Array, { height, width, data }: Planes): Promise<Planes> {
  const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 4 });
  const result = await session.run({
    mosaic: new ort.Tensor('float32', data, [1, 4, height, width]),
  });
  await session.release();
  return { height, width, data: floats(result, 'packed') };
}

/** The tile as if the sensor had been mirrored along its diagonal. @param perSite planes of each place in the 2×2 */
function transposed({ height, width, data }: Planes, perSite: number): Planes {
  const area = height * width;
  const turned = data.map((_, at) => {
    const [plane, row, column] = [
      Math.floor(at / area),
      Math.floor((at % area) / height),
      at % height,
    ];
    const [site, colour] = [Math.floor(plane / perSite), plane % perSite];
    const source = [0, 2, 1, 3][site]! * perSite + colour;
    return data[source * area + column * width + row]!;
  });
  return { height: width, width: height, data: turned };
}

const tile: Planes = {
  height,
  width,
  data: Float32Array.from({ length: 4 * height * width }, () => random.gaussian()),
};

function expectEqual(a: Planes, b: Planes): void {
  expect([a.height, a.width]).toEqual([b.height, b.width]);
  expect(Math.max(...a.data.map((value, at) => Math.abs(value - b.data[at]!)))).toBeLessThan(1e-5);
}

it.each(shapes)('gives the mean of both, first level at %s', async (_, shape) => {
  const weights = weightsOf(shape);
  const once = inferenceModel(shape, weights);
  const straight = await answer(once, tile);
  const turned = transposed(await answer(once, transposed(tile, 1)), 3);
  const distance = Math.max(...straight.data.map((v, at) => Math.abs(v - turned.data[at]!)));
  expect(distance).toBeGreaterThan(0.1);
  const mean = straight.data.map((value, at) => (value + turned.data[at]!) / 2);
  expectEqual(await answer(inferenceModel(shape, weights, 2), tile), { ...tile, data: mean });
});

it('makes the same of a transposed tile, transposed', async () => {
  const twice = inferenceModel(full, weightsOf(full), 2);
  expectEqual(transposed(await answer(twice, transposed(tile, 1)), 3), await answer(twice, tile));
});

it('keeps its weights once in the file', () => {
  // And two numbers besides.
  expect(weightCount(inferenceModel(full, weightsOf(full), 2))).toBe(parameterCount(full) + 2);
});

it('knows no other mosaics', () => {
  const other = { ...full, outputChannels: 3 };
  expect(() => inferenceModel(other, firstWeights(other, 1), 2)).toThrow(
    /4 channels in and 12 out/,
  );
});
