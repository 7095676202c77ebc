/** Measures how long a training step takes on this machine, with a few real steps on noise. */

import { availableParallelism } from 'node:os';
import { stateOf } from './state.ts';
import { Random } from '../../darkness/random.ts';
import type { Recipe } from '../recipe.ts';
import { openStep, type StepOptions } from './step-session.ts';
import { firstWeights } from './weights.ts';

/** At most this many steps after the first, and none started after this time. */
const stepsMax = 4;
const enoughMs = 4000;

export interface Measured {
  /** The fastest step, which other work on the machine disturbed least. */
  readonly stepMs: number;
  /** Memory of the training process. */
  readonly rssBytes: number;
}

/** @throws Refusal `device` if there is no such device */
export async function measureStep(
  recipe: Recipe,
  { threads = availableParallelism(), device }: StepOptions,
): Promise<Measured> {
  const { unet, batch, patchPacked, seed, learningRate } = recipe;
  const random = new Random(seed);
  const noise = (channels: number): Float32Array =>
    Float32Array.from({ length: batch * channels * patchPacked ** 2 }, () => random.unit());
  const patches = { input: noise(unet.inputChannels), target: noise(unet.outputChannels) };
  const session = await openStep(recipe, stateOf(firstWeights(unet, seed)), { threads, device });
  try {
    // The first step allocates memory and is slower.
    await session.step(patches, learningRate);
    let stepMs = Infinity;
    const beginMs = performance.now();
    for (let step = 0; step < stepsMax; step++) {
      const stepBeginMs = performance.now();
      if (step > 0 && stepBeginMs - beginMs > enoughMs) break;
      await session.step(patches, learningRate);
      stepMs = Math.min(stepMs, performance.now() - stepBeginMs);
    }
    return { stepMs, rssBytes: process.memoryUsage.rss() };
  } finally {
    await session.release();
  }
}
