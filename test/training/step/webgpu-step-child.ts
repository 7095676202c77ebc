/**
 * Run by webgpu-step.test.ts in a process of its own, because the loader of graphics drivers is found
 * through the environment that a process starts with. Prints what it measured as JSON.
 */

import * as ort from 'onnxruntime-node';
import { gradientModel, type StepShape } from '../../../main/training/step/step.ts';
import { defaultRecipe, learningRateAt, type Recipe } from '../../../main/training/recipe.ts';
import { Random } from '../../../main/darkness/random.ts';
import { freshState } from '../../../main/training/run/run.ts';
import { openStep, type TrainingDevice } from '../../../main/training/step/step-session.ts';
import { floats, patchTensors, type Batch } from '../../../main/training/step/step-tensors.ts';

// Few levels: each has shaders of its own, which a processor takes seconds to compile.
const recipe: Recipe = {
  ...defaultRecipe,
  unet: { ...defaultRecipe.unet, baseChannels: 4, levels: 2, firstLevel: 'half' },
  batch: 2,
  patchPacked: 32,
  steps: 4,
  // It leaves the first and last layer to Adam.
  optimizer: 'muon',
  warmupSteps: 0,
  // Every operator that any of them needs.
  loss: { ...defaultRecipe.loss, rendered: 1, renderedLog: 0.1, renderedBlocks: 1 },
};

function batchOf(seed: number): Batch {
  const random = new Random(seed);
  const numbers = (channels: number) =>
    Float32Array.from({ length: 2 * channels * 32 * 32 }, () => random.unit());
  return { input: numbers(4), target: numbers(12) };
}

async function gradientOn(device: TrainingDevice): Promise<Float32Array> {
  const shape: StepShape = recipe;
  const session = await ort.InferenceSession.create(gradientModel(shape), {
    executionProviders: device === 'cpu' ? ['cpu'] : ['webgpu', 'cpu'],
    logSeverityLevel: 3,
  });
  const { weights } = freshState(recipe);
  const result = await session.run({
    ...patchTensors(shape)(batchOf(1)),
    weights: new ort.Tensor('float32', weights, [weights.length]),
  });
  const gradient = floats(result, 'gradient').slice();
  await session.release();
  return gradient;
}

async function stepsOn(device: TrainingDevice) {
  const session = await openStep(recipe, freshState(recipe), { device, threads: 1 });
  const losses: number[] = [];
  const make = async (step: number): Promise<void> => {
    losses.push((await session.step(batchOf(step), learningRateAt(recipe, step))).loss);
  };
  await make(1);
  await make(2);
  const saved = await session.state();
  await make(3);
  const third = losses.at(-1);
  // Back to the checkpoint: the third step again, from what was read and put back.
  await session.restore(saved);
  await make(3);
  const again = losses.at(-1);
  const state = await session.state();
  await session.release();
  return {
    losses: losses.slice(0, 3),
    third,
    again,
    step: state.step,
    isFinite: state.weights.every(Number.isFinite) && state.variance.every(Number.isFinite),
  };
}

const cpu = await gradientOn('cpu');
const webgpu = await gradientOn('webgpu');
const length = (vector: Float32Array): number =>
  Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
const difference = cpu.map((value, at) => value - (webgpu[at] ?? Number.NaN));
process.stdout.write(
  JSON.stringify({
    gradientDifference: length(difference) / length(cpu),
    cpu: await stepsOn('cpu'),
    webgpu: await stepsOn('webgpu'),
  }),
);
