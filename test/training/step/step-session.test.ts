/** The processor's step works in a memory of its own: nothing that it was given or gave away changes, all in it does. */

import * as ort from 'onnxruntime-node';
import { afterEach, expect, it } from 'vitest';
import { Random } from '../../../main/darkness/random.ts';
import { parameterCount } from '../../../main/network/unet.ts';
import { defaultRecipe, type Recipe } from '../../../main/training/recipe.ts';
import { stateOf, type TrainingState } from '../../../main/training/step/state.ts';
import { openStep } from '../../../main/training/step/step-session.ts';
import { gradientModel } from '../../../main/training/step/step.ts';
import {
  floats,
  patchTensors,
  type Batch,
  type StepSession,
} from '../../../main/training/step/step-tensors.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';

const open: StepSession[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.release()));
});

function recipeOf(baseChannels: number): Recipe {
  const unet = { ...defaultRecipe.unet, baseChannels, levels: 2 };
  return { ...defaultRecipe, unet, batch: 1, patchPacked: 16 };
}

function copied(state: TrainingState): TrainingState {
  const { step, weights, momentum, variance } = state;
  return { step, weights: weights.slice(), momentum: momentum.slice(), variance: variance.slice() };
}

function batchOf({ patchPacked: side }: Recipe): Batch {
  const random = new Random(3);
  const numbers = (channels: number) =>
    Float32Array.from({ length: channels * side * side }, () => random.unit());
  return { input: numbers(4), target: numbers(12) };
}

// 4 channels fill no block, 16 do: the plain and the blocked step keep their weights in different ways.
it.each([4, 16])('states outlive steps, base %d', async (baseChannels) => {
  const recipe = recipeOf(baseChannels);
  const batch = batchOf(recipe);
  const first = stateOf(firstWeights(recipe.unet, 1));
  const firstThen = copied(first);
  const session = await openStep(recipe, first, { threads: 1 });
  open.push(session);
  const losses: number[] = [];
  const steps = async (count: number) => {
    for (let made = 0; made < count; made++) losses.push((await session.step(batch, 1e-3)).loss);
  };

  await steps(2);
  const second = await session.state();
  const secondThen = copied(second);
  expect(second.weights).toHaveLength(parameterCount(recipe.unet));
  await steps(3);
  expect(second).toEqual(secondThen);

  await session.restore(second);
  await steps(3);
  expect(losses.slice(5)).toEqual(losses.slice(2, 5));
  expect(second).toEqual(secondThen);

  await session.restore(first);
  await steps(2);
  expect(losses.slice(8)).toEqual(losses.slice(0, 2));
  expect(first).toEqual(firstThen);
});

it.each([4, 16])('every parameter is moved by its own gradient, base %d', async (baseChannels) => {
  const recipe = { ...recipeOf(baseChannels), clipNorm: 1e6 };
  const batch = batchOf(recipe);
  const { weights } = stateOf(firstWeights(recipe.unet, 1));
  const plain = await ort.InferenceSession.create(gradientModel(recipe), { logSeverityLevel: 3 });
  const feeds = { ...patchTensors(recipe)(batch), weights: new ort.Tensor('float32', weights) };
  const gradient = floats(await plain.run(feeds), 'gradient');
  await plain.release();

  const session = await openStep(recipe, stateOf(weights), { threads: 1 });
  open.push(session);
  const { norm } = await session.step(batch, 1e-3);
  const length = Math.hypot(...gradient);
  expect(norm / length).toBeCloseTo(1, 5);
  // After the first step the momentum is the gradient.
  const { momentum } = await session.state();
  expect(Math.hypot(...momentum.map((m, at) => m - gradient[at]!)) / length).toBeLessThan(1e-4);
});
