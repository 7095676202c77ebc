/**
 * Training steps on a graphics card. Weights and moments stay there from step to step; only patches
 * go in and two numbers come out.
 */

import * as ort from 'onnxruntime-node';
import { Graph } from '../../network/onnx.ts';
import { parameterCount } from '../../network/unet.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import type { TrainingState } from './state.ts';
import type { Recipe } from '../recipe.ts';
import { stepRate } from './adam.ts';
import { muonRateAt } from './muon.ts';
import { stepModel } from './step.ts';
import { floats, number, patchTensors, type StepSession } from './step-tensors.ts';

type Kind = 'weights' | 'momentum' | 'variance';
type OnCard = Readonly<Record<Kind, ort.Tensor>>;

/**
 * Opens the recipe's step on WebGPU; its first step continues from `from`.
 * @throws Refusal `device` if there is no graphics card, or it rejects the step
 */
export async function openWebgpuStep(recipe: Recipe, from: TrainingState): Promise<StepSession> {
  const count = parameterCount(recipe.unet);
  const session = await open(stepModel({ ...recipe, isForCard: true }), {
    loss: 'cpu',
    norm: 'cpu',
    weights2: 'gpu-buffer',
    momentum2: 'gpu-buffer',
    variance2: 'gpu-buffer',
  });
  // A tensor on the card cannot be read directly, so it is run through a graph that copies it.
  const reader = await open(copyModel(count), { copy: 'cpu' });
  const patches = patchTensors(recipe);
  const enter = (state: TrainingState): OnCard => ({
    weights: new ort.Tensor('float32', state.weights, [count]),
    momentum: new ort.Tensor('float32', state.momentum, [count]),
    variance: new ort.Tensor('float32', state.variance, [count]),
  });
  const leave = ({ weights, momentum, variance }: OnCard): void => {
    for (const tensor of [weights, momentum, variance]) {
      if (tensor.location === 'gpu-buffer') tensor.dispose();
    }
  };
  const read = async (tensor: ort.Tensor): Promise<Float32Array> =>
    floats(await asked('give back weights', reader.run({ state: tensor })), 'copy').slice();

  let step = from.step;
  let here = enter(from);
  return {
    async step(batch, learningRate) {
      const feeds = { ...patches(batch), ...here, ...ratesOf(recipe, learningRate, step + 1) };
      const result = await asked('make a training step', session.run(feeds));
      leave(here);
      here = {
        weights: named(result, 'weights2'),
        momentum: named(result, 'momentum2'),
        variance: named(result, 'variance2'),
      };
      step += 1;
      return { loss: number(result, 'loss'), norm: number(result, 'norm') };
    },
    state: async () => ({
      step,
      weights: await read(here.weights),
      momentum: await read(here.momentum),
      variance: await read(here.variance),
    }),
    restore(earlier) {
      leave(here);
      here = enter(earlier);
      step = earlier.step;
      return Promise.resolve();
    },
    async release() {
      leave(here);
      await session.release();
      await reader.release();
    },
  };
}

/** The rates of a step, counted from 1, as the graph takes them. */
function ratesOf({ optimizer }: Recipe, learningRate: number, step: number) {
  const scalar = (value: number) => new ort.Tensor('float32', Float32Array.of(value), []);
  const rate = scalar(stepRate(learningRate, step));
  return optimizer === 'muon'
    ? { rate, muonRate: scalar(muonRateAt(learningRate, step)) }
    : { rate };
}

/**
 * The card's result.
 * @throws Refusal `device` if it fails
 */
async function asked<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new Refusal(
      'device',
      `expected the graphics card to ${what} but it says: ${describeError(error)}`,
    );
  }
}

async function open(
  model: Uint8Array,
  outputs: Readonly<Record<string, 'cpu' | 'gpu-buffer'>>,
): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: ['webgpu', 'cpu'],
      preferredOutputLocation: outputs,
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw new Refusal('device', `expected webgpu to train on but it says: ${describeError(error)}`);
  }
}

/** A graph that returns its input. */
function copyModel(count: number): Uint8Array {
  const graph = new Graph('copy');
  const state = graph.input('state', [count]);
  graph.output('copy', graph.apply('Add', [state, graph.scalar(0)], [count]));
  return graph.model();
}

function named(result: ort.InferenceSession.OnnxValueMapType, name: string): ort.Tensor {
  const tensor = result[name];
  if (!(tensor instanceof ort.Tensor)) throw new Error(`expected a tensor named ${name}`);
  return tensor;
}
