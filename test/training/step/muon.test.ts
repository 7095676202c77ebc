/** Muon against float64: orthogonal directions, momentum, scales and the numbers that Adam keeps. */

import * as ort from 'onnxruntime-node';
import { afterEach, expect, it } from 'vitest';
import { Random } from '../../../main/darkness/random.ts';
import { Graph } from '../../../main/network/onnx.ts';
import { unetParameters, type UnetShape } from '../../../main/network/unet.ts';
import { defaultRecipe, type Recipe } from '../../../main/training/recipe.ts';
import { stepRate } from '../../../main/training/step/adam.ts';
import { isHidden, muonRateAt, orthogonal } from '../../../main/training/step/muon.ts';
import { gradientModel, stepModel } from '../../../main/training/step/step.ts';
import { stateOf, type TrainingState } from '../../../main/training/step/state.ts';
import { openStep } from '../../../main/training/step/step-session.ts';
import {
  floats,
  lengthOf,
  patchTensors,
  type Batch,
  type StepSession,
} from '../../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';

const open: { release(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.release()));
});

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

function product(a: Matrix, b: Matrix): Matrix {
  const data = new Float64Array(a.rows * b.columns);
  for (let row = 0; row < a.rows; row++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[row * a.columns + k]!;
      for (let column = 0; column < b.columns; column++) {
        data[row * b.columns + column]! += factor * b.data[k * b.columns + column]!;
      }
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const turned = Float64Array.from(
    data,
    (_, at) => data[(at % rows) * columns + Math.floor(at / rows)]!,
  );
  return { rows: columns, columns: rows, data: turned };
}

/** Newton–Schulz as it is published: five steps on the matrix itself. */
function referenceOrthogonal(x: Matrix): Matrix {
  if (x.rows > x.columns) return transposed(referenceOrthogonal(transposed(x)));
  const size = Math.sqrt(Math.hypot(...product(x, transposed(x)).data));
  let y: Matrix = { ...x, data: x.data.map((value) => value / size) };
  for (let step = 0; step < 5; step++) {
    const a = product(y, transposed(y));
    const [cubic, quintic] = [product(a, y), product(a, product(a, y))];
    const data = y.data.map(
      (value, at) => 3.4445 * value - 4.775 * cubic.data[at]! + 2.0315 * quintic.data[at]!,
    );
    y = { ...y, data };
  }
  return y;
}

it.each([
  ['wider than high', 12, 108],
  ['higher than wide', 40, 16],
])('makes a matrix orthogonal: %s', async (_, rows, columns) => {
  const random = new Random(2);
  const x = Float32Array.from({ length: rows * columns }, () => 1e-4 * random.gaussian());
  // One direction is a hundred times as strong as the others, and one is nearly absent.
  for (let column = 0; column < columns; column++) {
    x[column]! *= 100;
    x[columns + column]! *= 0.01;
  }
  const graph = new Graph('orthogonal');
  graph.output('y', orthogonal(graph, graph.input('x', [rows, columns])));
  const session = await ort.InferenceSession.create(graph.model(), { logSeverityLevel: 3 });
  open.push(session);
  const y = floats(await session.run({ x: new ort.Tensor('float32', x, [rows, columns]) }), 'y');
  const expected = referenceOrthogonal({ rows, columns, data: Float64Array.from(x) }).data;
  const difference = y.map((value, at) => value - expected[at]!);
  expect(lengthOf(difference) / lengthOf(y)).toBeLessThan(1e-3);
  // Singular values are near 1, but for directions a hundred times as weak as the longest.
  const meanSquare = lengthOf(y) ** 2 / Math.min(rows, columns);
  expect(meanSquare).toBeGreaterThan(0.5);
  expect(meanSquare).toBeLessThan(1.3);
});

const full = { ...defaultRecipe.unet, levels: 2 };
const shapes: [string, UnetShape & Recipe['unet']][] = [
  ['the plain step', { ...full, baseChannels: 4 }],
  ['the blocked step', { ...full, baseChannels: 16 }],
  ['the blocked step, first level at half size', { ...full, baseChannels: 16, firstLevel: 'half' }],
];

function recipeOf(unet: Recipe['unet']): Recipe {
  return { ...defaultRecipe, unet, optimizer: 'muon', batch: 1, patchPacked: 16, clipNorm: 0.05 };
}

function batchOf({ patchPacked: side }: Recipe, seed: number): Batch {
  const random = new Random(seed);
  const numbers = (channels: number) =>
    Float32Array.from({ length: channels * side * side }, () => random.unit());
  return { input: numbers(4), target: numbers(12) };
}

/** Muon for hidden convolutions, Adam for the rest, in float64. */
class Reference {
  readonly weights: Float64Array;
  readonly #momentum: Float64Array;
  readonly #variance: Float64Array;
  readonly #unet: UnetShape;

  constructor(unet: UnetShape, weights: Float32Array) {
    this.#unet = unet;
    this.weights = Float64Array.from(weights);
    this.#momentum = new Float64Array(weights.length);
    this.#variance = new Float64Array(weights.length);
  }

  step(step: number, rate: number, gradient: Float32Array, clipNorm: number): void {
    const g = Float64Array.from(gradient);
    const length = Math.sqrt(g.reduce((sum, value) => sum + value * value, 0));
    g.forEach((value, at) => (g[at] = value * Math.min(1, clipNorm / length)));
    for (const { name, shape, offset, size } of unetParameters(this.#unet)) {
      if (isHidden(name)) this.#muon(step, rate, g, { name, shape, offset, size });
      else this.#adam(step, rate, g, offset, size);
    }
  }

  #adam(step: number, rate: number, g: Float64Array, offset: number, size: number): void {
    for (let at = offset; at < offset + size; at++) {
      this.#momentum[at] = 0.9 * this.#momentum[at]! + 0.1 * g[at]!;
      this.#variance[at] = 0.999 * this.#variance[at]! + 0.001 * g[at]! ** 2;
      const corrected = (rate * Math.sqrt(1 - 0.999 ** step)) / (1 - 0.9 ** step);
      const change = (corrected * this.#momentum[at]!) / (Math.sqrt(this.#variance[at]!) + 1e-8);
      this.weights[at]! -= change;
    }
  }

  #muon(
    step: number,
    rate: number,
    g: Float64Array,
    one: { name: string; shape: readonly number[]; offset: number; size: number },
  ): void {
    const { name, shape, offset, size } = one;
    const direction = new Float64Array(size);
    direction.forEach((_, at) => {
      const m = 0.95 * this.#momentum[offset + at]! + g[offset + at]!;
      this.#momentum[offset + at] = m;
      direction[at] = 0.95 * m + g[offset + at]!;
    });
    if (step % 2 === 1) return;
    // Rows are inputs in an upward convolution.
    const [rows = 1] = shape;
    const columns = size / rows;
    const [outputs, inputs] = name.startsWith('rise') ? [columns, rows] : [rows, columns];
    const made = referenceOrthogonal({ rows, columns, data: direction });
    const scale = 2 * 10 * rate * Math.sqrt(Math.max(1, outputs / inputs));
    made.data.forEach((value, at) => (this.weights[offset + at]! -= scale * value));
  }
}

async function openGradient(recipe: Recipe) {
  const session = await ort.InferenceSession.create(gradientModel(recipe), { logSeverityLevel: 3 });
  open.push(session);
  return async (batch: Batch, weights: Float32Array): Promise<Float32Array> => {
    const flat = new ort.Tensor('float32', weights, [weights.length]);
    return floats(await session.run({ ...patchTensors(recipe)(batch), weights: flat }), 'gradient');
  };
}

it.each(shapes)('is Muon and Adam in float64: %s', async (_, unet) => {
  const recipe = recipeOf(unet);
  const weights = firstWeights(unet, 1);
  const session: StepSession = await openStep(recipe, stateOf(weights), { threads: 1 });
  open.push(session);
  const gradientOf = await openGradient(recipe);
  const reference = new Reference(unet, weights);
  for (let step = 1; step <= 4; step++) {
    const batch = batchOf(recipe, step);
    const before = (await session.state()).weights;
    const rate = 1e-3 * step;
    reference.step(step, rate, await gradientOf(batch, before), recipe.clipNorm);
    await session.step(batch, rate);
    const after = (await session.state()).weights;
    const misses = after.map((weight, at) => weight - reference.weights[at]!);
    const moved = after.map((weight, at) => weight - before[at]!);
    for (const { name, offset, size } of unetParameters(unet)) {
      const length = lengthOf(moved.subarray(offset, offset + size));
      const isMoving = !isHidden(name) || step % 2 === 0;
      expect(length > 0, `${name} at step ${String(step)}`).toBe(isMoving);
      const missed = lengthOf(misses.subarray(offset, offset + size));
      if (isMoving) expect(missed / length, name).toBeLessThan(2e-3);
    }
  }
});

it('is the same in the graph of a graphics card', async () => {
  const recipe = recipeOf(shapes[0]![1]);
  let here = stateOf(firstWeights(recipe.unet, 1));
  const session = await openStep(recipe, here, { threads: 1 });
  const card = await ort.InferenceSession.create(stepModel(recipe), { logSeverityLevel: 3 });
  open.push(session, card);
  const flat = (numbers: Float32Array) => new ort.Tensor('float32', numbers, [numbers.length]);
  const scalar = (value: number) => new ort.Tensor('float32', Float32Array.of(value), []);
  for (let step = 1; step <= 4; step++) {
    const batch = batchOf(recipe, step);
    await session.step(batch, 1e-3);
    const result = await card.run({
      ...patchTensors(recipe)(batch),
      weights: flat(here.weights),
      momentum: flat(here.momentum),
      variance: flat(here.variance),
      rate: scalar(stepRate(1e-3, step)),
      muonRate: scalar(muonRateAt(1e-3, step)),
    });
    const [weights, momentum, variance] = ['weights2', 'momentum2', 'variance2'].map((name) =>
      floats(result, name),
    );
    const expected = (await session.state()).weights;
    const difference = expected.map((weight, at) => weight - weights![at]!);
    const moved = expected.map((weight, at) => weight - here.weights[at]!);
    expect(lengthOf(difference) / lengthOf(moved)).toBeLessThan(1e-3);
    here = { step, weights: weights!, momentum: momentum!, variance: variance! };
  }
});

it.each(shapes)('goes on bit for bit from its state: %s', async (_, unet) => {
  const recipe = recipeOf(unet);
  const first = await openStep(recipe, stateOf(firstWeights(unet, 1)), { threads: 1 });
  open.push(first);
  const steps = async (session: StepSession, from: number, to: number): Promise<TrainingState> => {
    for (let step = from; step <= to; step++) await session.step(batchOf(recipe, step), 1e-3);
    return session.state();
  };
  const third = await steps(first, 1, 3);
  const whole = await steps(first, 4, 6);
  const second = await openStep(recipe, third, { threads: 1 });
  open.push(second);
  expect(await steps(second, 4, 6)).toEqual(whole);
});
