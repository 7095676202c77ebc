/** The training step's arithmetic against float64: loss, gradients, clipping and Adam. */

import * as ort from 'onnxruntime-node';
import type { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { unetParameters } from '../../../main/network/unet.ts';
import {
  defaultLoss,
  greyToLab,
  noLoss,
  type LossWeights,
} from '../../../main/training/step/loss.ts';
import { labOfLinearSrgb } from '../../../main/training/validation/metrics.ts';
import type { Vector3 } from '../../../main/raw/mosaic.ts';
import { Random } from '../../../main/darkness/random.ts';
import { defaultRecipe, learningRateAt } from '../../../main/training/recipe.ts';
import { stepRate } from '../../../main/training/step/adam.ts';
import { gradientModel, stepModel, type StepShape } from '../../../main/training/step/step.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';
import { referenceLoss, type Example } from './reference.ts';

const small: StepShape = {
  unet: { inputChannels: 4, outputChannels: 12, baseChannels: 4, levels: 3 },
  batch: 2,
  patchPacked: 16,
  loss: defaultLoss,
  clipNorm: 1,
};

/** Weights with biases that are not zero, so that every parameter's gradient depends on all others. */
function someWeights(shape: StepShape, seed: number): Float32Array {
  const random = new Random(seed);
  return firstWeights(shape.unet, seed).map((weight) => weight + 0.05 * random.gaussian());
}

/** Signed noise in, light out: as in training, some of it far above white. */
function someExample({ batch, patchPacked: side }: StepShape, seed: number): Example {
  const random = new Random(seed);
  return {
    mosaic: Float32Array.from(
      { length: batch * 4 * side * side },
      () => 0.3 + 0.4 * random.gaussian(),
    ),
    target: Float32Array.from({ length: batch * 12 * side * side }, () => random.unit() ** 3 * 3),
  };
}

async function open(model: Uint8Array): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

function feedsOf({ batch, patchPacked: side }: StepShape, example: Example, weights: Float32Array) {
  return {
    mosaic: new ort.Tensor('float32', example.mosaic, [batch, 4, side, side]),
    target: new ort.Tensor('float32', example.target, [batch, 12, side, side]),
    weights: new ort.Tensor('float32', weights, [weights.length]),
  };
}

function floats(result: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = result[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`expected float32 numbers in ${name}`);
  return data;
}

async function gradientsOf(shape: StepShape, example: Example, weights: Float32Array) {
  const session = await open(gradientModel(shape));
  const result = await session.run(feedsOf(shape, example, weights));
  await session.release();
  return { loss: floats(result, 'loss')[0]!, gradient: floats(result, 'gradient') };
}

/** Root of the mean square. */
function scaleOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Small enough that next to no kink (LeakyReLU, pooling, |x|) lies within it. */
const differenceStep = 1e-6;

/**
 * Errors of the graph's gradient against central differences, for some parameters of each tensor,
 * as a share of that tensor's typical gradient.
 */
async function gradientErrors(shape: StepShape, perTensor: number) {
  const example = someExample(shape, 7);
  const weights = someWeights(shape, 8);
  const { loss, gradient } = await gradientsOf(shape, example, weights);
  const exact = Float64Array.from(weights);
  const random = new Random(9);
  const errors: number[] = [];
  for (const { name, offset, size } of unetParameters(shape.unet)) {
    const scale = scaleOf(gradient.subarray(offset, offset + size));
    expect(scale, name).toBeGreaterThan(0);
    for (let draw = 0; draw < perTensor; draw++) {
      const at = offset + random.integer(size);
      const [below, above] = [-differenceStep, differenceStep].map((change) => {
        const moved = exact.slice();
        moved[at]! += change;
        return referenceLoss(shape, moved, example);
      });
      const expected = (above! - below!) / (2 * differenceStep);
      errors.push(Math.abs(gradient[at]! - expected) / scale);
    }
  }
  return { errors, loss, expectedLoss: referenceLoss(shape, exact, example) };
}

function middle(errors: readonly number[]): number {
  return errors.toSorted((a, b) => a - b)[Math.floor(errors.length / 2)] ?? Number.NaN;
}

function worst(errors: readonly number[]): number {
  return Math.max(...errors);
}

describe('gradients', () => {
  it('agree with finite differences in float64 in every layer, under the default loss', async () => {
    const { errors, loss, expectedLoss } = await gradientErrors(small, 6);
    expect(loss).toBeCloseTo(expectedLoss, 5);
    expect(errors.length).toBeGreaterThan(130);
    // A kink inside the step would show in single parameters; a wrong formula shows in all of a tensor.
    expect(middle(errors)).toBeLessThan(1e-5);
    expect(worst(errors)).toBeLessThan(2e-4);
  });

  it('agree with a first level at half size', async () => {
    const half = {
      ...small,
      unet: { ...small.unet, baseChannels: 2, firstLevel: 'half' as const },
    };
    const { errors, loss, expectedLoss } = await gradientErrors(half, 2);
    expect(loss).toBeCloseTo(expectedLoss, 5);
    expect(errors.length).toBeGreaterThan(40);
    expect(middle(errors)).toBeLessThan(1e-5);
    expect(worst(errors)).toBeLessThan(2e-4);
  });

  const terms: [string, LossWeights][] = [
    ['the toned', { ...noLoss, toned: 1 }],
    ['the toned squared', { ...noLoss, tonedSquared: 1 }],
    ['the linear', { ...noLoss, linear: 1 }],
    ['the block', { ...noLoss, blocks: 1 }],
    ['the squared', { ...noLoss, squared: 1 }],
    ['the rendered', { ...noLoss, rendered: 1 }],
    ['the rendered logarithmic', { ...noLoss, renderedLog: 1 }],
    ['the rendered block', { ...noLoss, renderedBlocks: 1 }],
  ];
  it.each(terms)('agree for %s term alone', async (_, loss) => {
    const { errors, loss: value, expectedLoss } = await gradientErrors({ ...small, loss }, 1);
    expect(value).toBeCloseTo(expectedLoss, 5);
    expect(middle(errors)).toBeLessThan(1e-5);
    expect(worst(errors)).toBeLessThan(2e-4);
  });

  it('agree for areas of two sizes, where a patch has more than one block', async () => {
    const loss = { ...noLoss, renderedBlocks: 1 };
    const wide: StepShape = { ...small, loss, batch: 2, patchPacked: 32 };
    const { errors, loss: value, expectedLoss } = await gradientErrors(wide, 1);
    expect(value).toBeCloseTo(expectedLoss, 5);
    expect(middle(errors)).toBeLessThan(1e-5);
    expect(worst(errors)).toBeLessThan(2e-4);
  });

  it('agree on patches of more than one block, and at the full depth of the network', async () => {
    const deep: StepShape = {
      ...small,

      unet: { ...small.unet, levels: 5 },
      batch: 1,
      patchPacked: 32,
    };
    const { errors } = await gradientErrors(deep, 1);
    expect(errors.length).toBe(unetParameters(deep.unet).length);
    expect(middle(errors)).toBeLessThan(1e-5);
    expect(worst(errors)).toBeLessThan(2e-4);
  });

  it('agree where sums are cut up for a graphics card’s many cores', async () => {
    // Long enough for every sum that is cut up, and short enough for some that are not.
    const wide: StepShape = { ...small, batch: 3, patchPacked: 64 };
    const [example, weights] = [someExample(wide, 7), someWeights(wide, 8)];
    const plain = await gradientsOf(wide, example, weights);
    const card = await gradientsOf({ ...wide, isForCard: true }, example, weights);
    expect(card.loss).toBe(plain.loss);
    for (const { name, offset, size } of unetParameters(wide.unet)) {
      const [one, other] = [plain, card].map(({ gradient }) =>
        gradient.subarray(offset, offset + size),
      );
      const difference = one!.map((value, at) => value - other![at]!);
      expect(scaleOf(difference) / scaleOf(one!), name).toBeLessThan(1e-5);
    }
  });
});

it('the loss of areas weighs a change of colour as CIELAB does at mid-grey', () => {
  // The tone curve backwards, about a sample of 0.45.
  const labOf = (changes: Vector3): Vector3 => {
    const light = (change: number): number => (0.45 + change + 0.004 ** (1 / 2.2)) ** 2.2 - 0.004;
    return labOfLinearSrgb([light(changes[0]), light(changes[1]), light(changes[2])]);
  };
  const change = 1e-5;
  const grey = labOf([0, 0, 0]);
  const red = labOf([change, 0, 0]);
  const green = labOf([0, change, 0]);
  const blue = labOf([0, 0, change]);
  for (const [channel, lab] of [red, green, blue].entries()) {
    for (const row of [0, 1, 2]) {
      const slope = (lab[row]! - grey[row]!) / change / 100;
      expect(Math.abs(greyToLab[row * 3 + channel]! - slope)).toBeLessThan(0.006);
    }
  }
});

describe('the training step', () => {
  /** Adam as in Kingma & Ba (2015), end of section 2, in float64, after clipping by the norm. */
  class ReferenceAdam {
    #m: Float64Array;
    #v: Float64Array;
    #step = 0;

    constructor(size: number) {
      this.#m = new Float64Array(size);
      this.#v = new Float64Array(size);
    }

    changes(gradient: Float32Array, learningRate: number, clipNorm: number): Float64Array {
      const norm = Math.sqrt(Float64Array.from(gradient).reduce((sum, g) => sum + g * g, 0));
      const shorten = Math.min(1, clipNorm / norm);
      this.#step += 1;
      const t = this.#step;
      const rate = (learningRate * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
      return Float64Array.from(gradient, (raw, at) => {
        const g = raw * shorten;
        this.#m[at] = 0.9 * this.#m[at]! + 0.1 * g;
        this.#v[at] = 0.999 * this.#v[at]! + 0.001 * g * g;
        return (-rate * this.#m[at]) / (Math.sqrt(this.#v[at]) + 1e-8);
      });
    }
  }

  it.each([
    ['clipping', 0.05],
    ['without clipping', 1000],
  ])('is Adam, %s', async (_, clipNorm) => {
    const shape = { ...small, clipNorm };
    const [step, gradients] = await Promise.all([
      open(stepModel(shape)),
      open(gradientModel(shape)),
    ]);
    let weights = someWeights(shape, 3);
    let momentum: Float32Array = new Float32Array(weights.length);
    let variance: Float32Array = new Float32Array(weights.length);
    const adam = new ReferenceAdam(weights.length);
    for (let number = 1; number <= 4; number++) {
      const learningRate = 1e-3 * number;
      const feeds = feedsOf(shape, someExample(shape, 100 + number), weights);
      const result = await step.run({
        ...feeds,
        momentum: new ort.Tensor('float32', momentum, [momentum.length]),
        variance: new ort.Tensor('float32', variance, [variance.length]),
        rate: new ort.Tensor('float32', Float32Array.of(stepRate(learningRate, number)), []),
      });
      const gradient = floats(await gradients.run(feeds), 'gradient');
      const norm = Math.sqrt(Float64Array.from(gradient).reduce((sum, g) => sum + g * g, 0));
      expect(floats(result, 'norm')[0]! / norm).toBeCloseTo(1, 5);
      if (clipNorm < 1) expect(norm).toBeGreaterThan(clipNorm);

      const changes = adam.changes(gradient, learningRate, clipNorm);
      const after = floats(result, 'weights2');
      const before = weights;
      const misses = Array.from(changes, (change, at) =>
        Math.abs(after[at]! - (before[at]! + change)),
      );
      // A step moves a weight by about the learning rate; float32 rounds weights near 1 by 6e-8.
      expect(worst(misses)).toBeLessThan(3e-7);
      expect(scaleOf(Float32Array.from(changes)) / learningRate).toBeGreaterThan(0.1);
      weights = after;
      momentum = floats(result, 'momentum2');
      variance = floats(result, 'variance2');
    }
    await Promise.all([step.release(), gradients.release()]);
  });

  it('rises to the learning rate, then falls along half a cosine', () => {
    const recipe = { ...defaultRecipe, steps: 1100, warmupSteps: 100 };
    expect(learningRateAt(recipe, 1)).toBeCloseTo(1e-5, 12);
    expect(learningRateAt(recipe, 50)).toBeCloseTo(5e-4, 12);
    expect(learningRateAt(recipe, 100)).toBeCloseTo(1e-3, 12);
    expect(learningRateAt(recipe, 600)).toBeCloseTo((1e-3 + 1e-6) / 2, 12);
    expect(learningRateAt(recipe, 350)).toBeCloseTo(1e-6 + 0.999e-3 * (0.5 + Math.SQRT1_2 / 2), 12);
    expect(learningRateAt(recipe, 1100)).toBeCloseTo(1e-6, 12);
    expect(learningRateAt(recipe, 5000)).toBeCloseTo(1e-6, 12);
    expect(learningRateAt({ ...recipe, warmupSteps: 0 }, 1)).toBeLessThan(1e-3);
  });
});
