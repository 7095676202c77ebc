/**
 * Training steps on the processor: ONNX Runtime computes gradients, `Adam` updates the weights, or
 * Muon those of hidden convolutions.
 */

import { parameterCount, unetParameters, type UnetShape } from '../../network/unet.ts';
import type { TrainingState } from './state.ts';
import type { Recipe } from '../recipe.ts';
import { Adam, stepRate, type Stretch } from './adam.ts';
import { blockOf } from './agreed-block.ts';
import { blockedParameters, gradientRuns, toBlocked, toPlain } from './blocked-order.ts';
import { openGradient, tensorsOf } from './gradient-session.ts';
import { hiddenMatrices, muonRateAt, openMuon } from './muon.ts';
import { number, patchTensors, type StepSession } from './step-tensors.ts';

/**
 * Opens the recipe's step; its first step continues from `from`.
 * @param threads all processor threads of the machine if not given
 */
export async function openProcessorStep(
  recipe: Recipe,
  from: TrainingState,
  threads: number | undefined,
): Promise<StepSession> {
  const block = await blockOf(recipe);
  const shape = { ...recipe, block };
  const { inside, outside, runs } = orderOf(recipe, block);
  const matrices = recipe.optimizer === 'muon' ? hiddenMatrices(recipe.unet, block) : [];
  const ofMuon = ({ start }: Stretch): boolean =>
    matrices.some(({ offset, size }) => start >= offset && start < offset + size);
  const adam = new Adam(
    inside(from.weights).length,
    runs.filter((run) => !ofMuon(run)),
    runs.filter(ofMuon),
  );
  let step = 0;
  const enter = (state: TrainingState): void => {
    adam.weights.set(inside(state.weights));
    adam.momentum.set(inside(state.momentum));
    adam.variance.set(inside(state.variance));
    step = state.step;
  };
  enter(from);
  const session = await openGradient(shape, threads);
  const muon = matrices.length === 0 ? undefined : await openMuon(matrices, adam, threads);
  const patches = patchTensors(recipe);
  const weights = tensorsOf(shape, 'weights', adam.weights);
  const gradient = tensorsOf(shape, 'gradient', adam.gradient);
  return {
    async step(batch, learningRate) {
      const feeds = { ...patches(batch), ...weights };
      const result = await session.run(feeds, { loss: null, ...gradient });
      const norm = adam.step(stepRate(learningRate, step + 1), recipe.clipNorm);
      step += 1;
      const rate = muonRateAt(learningRate, step);
      if (rate > 0) await muon?.move(rate);
      return { loss: number(result, 'loss'), norm };
    },
    state: () =>
      Promise.resolve({
        step,
        weights: outside(adam.weights),
        momentum: outside(adam.momentum),
        variance: outside(adam.variance),
      }),
    restore(earlier) {
      enter(earlier);
      return Promise.resolve();
    },
    async release() {
      await session.release();
      await muon?.release();
    },
  };
}

/** Converts between a checkpoint's order and the one used on the processor. */
interface Order {
  readonly inside: (plain: Float32Array) => Float32Array;
  /** @returns a copy */
  readonly outside: (kept: Float32Array) => Float32Array;
  /** For `Adam`. */
  readonly runs: readonly Stretch[];
}

function orderOf({ unet, optimizer }: Recipe, block: number | undefined): Order {
  const count = parameterCount(unet);
  if (block === undefined) {
    return {
      inside: (plain) => plain,
      outside: (kept) => kept.slice(),
      runs: optimizer === 'muon' ? plainRuns(unet) : [{ start: 0, end: count, gradientStart: 0 }],
    };
  }
  const parameters = blockedParameters(unet, block);
  return {
    inside: (plain) => toBlocked(parameters, plain),
    outside: (kept) => toPlain(parameters, kept, count),
    runs: gradientRuns(parameters, block),
  };
}

/** A run for each parameter. */
function plainRuns(unet: UnetShape): Stretch[] {
  return unetParameters(unet).map(({ offset, size }) => ({
    start: offset,
    end: offset + size,
    gradientStart: offset,
  }));
}
