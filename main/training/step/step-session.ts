/** Runs training steps, on the processor or a graphics card. */

import { stateOf, type TrainingState } from './state.ts';
import type { Recipe } from '../recipe.ts';
import { expectSameGradient } from './card-check.ts';
import { openProcessorStep } from './processor-step.ts';
import type { StepSession } from './step-tensors.ts';
import { openWebgpuStep } from './webgpu-step.ts';

/** The device that training runs on. */
export type TrainingDevice = 'cpu' | 'webgpu';

export interface StepOptions {
  /** Processor threads; all of the machine's if absent. */
  readonly threads?: number | undefined;
  /** Default: the processor. */
  readonly device?: TrainingDevice | undefined;
}

/**
 * Opens the recipe's step; its first step continues from `from`.
 * @throws Refusal `device` if there is no such device, or it computes wrong results
 */
export async function openStep(
  recipe: Recipe,
  from: TrainingState,
  { threads, device }: StepOptions,
): Promise<StepSession> {
  return device === 'webgpu'
    ? openTrustedCard(recipe, from, threads)
    : openProcessorStep(recipe, from, threads);
}

/** A graphics card whose test step matched the processor's. */
async function openTrustedCard(
  recipe: Recipe,
  from: TrainingState,
  threads: number | undefined,
): Promise<StepSession> {
  const start = stateOf(from.weights);
  const card = await openWebgpuStep(recipe, start);
  try {
    const processor = await openProcessorStep(recipe, start, threads);
    try {
      await expectSameGradient(recipe, card, processor);
    } finally {
      await processor.release();
    }
    await card.restore(from);
    return card;
  } catch (error) {
    await card.release();
    throw error;
  }
}
