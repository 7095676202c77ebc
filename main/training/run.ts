/** The training loop: patches in, one step at a time, checkpoints out. */

import { Refusal } from '../refusal.ts';
import type { TrainingState } from './checkpoint.ts';
import { learningRateAt, type Recipe } from './recipe.ts';
import { openStep, type Batch } from './step-session.ts';
import { firstWeights } from './weights.ts';

/** Where batches come from; the one for a step depends on nothing but seed and step. */
export interface BatchSource {
  next(): Promise<Batch>;
}

export interface TrainingProgress {
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Loss, smoothed over the last hundred steps or so. */
  readonly loss: number;
  /** Length of the gradient before clipping. */
  readonly norm: number;
  readonly learningRate: number;
  /** Time of this step alone, and of waiting for its batch. */
  readonly stepMs: number;
  readonly waitMs: number;
}

export interface TrainingOptions {
  readonly threads?: number;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /** Called at each checkpoint, at the end, and when the run is stopped. */
  readonly onCheckpoint: (state: TrainingState) => Promise<void>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Aborting it ends the run after the step at work, with a checkpoint. */
  readonly signal?: AbortSignal;
}

/** The state before the first step. */
export function freshState(recipe: Recipe): TrainingState {
  const weights = firstWeights(recipe.unet, recipe.seed);
  return {
    step: 0,
    weights,
    momentum: new Float32Array(weights.length),
    variance: new Float32Array(weights.length),
  };
}

/**
 * Trains until the recipe's steps are done or the signal is aborted.
 * @returns the last state, already given to `onCheckpoint`
 * @throws Refusal `dataset` if the loss is no longer a number
 */
export async function train(
  recipe: Recipe,
  from: TrainingState,
  patches: BatchSource,
  options: TrainingOptions,
): Promise<TrainingState> {
  const { signal, onProgress, onCheckpoint, checkpointEvery, threads } = options;
  const session = await openStep(recipe, from, { threads });
  let done = from.step;
  let checkpointed = -1;
  let smoothedLoss = Number.NaN;
  try {
    while (done < recipe.steps && signal?.aborted !== true) {
      const beginMs = performance.now();
      const batch = await patches.next();
      const batchMs = performance.now();
      const step = done + 1;
      const learningRate = learningRateAt(recipe, step);
      const { loss, norm } = await session.step(batch, learningRate);
      if (!Number.isFinite(loss)) {
        throw new Refusal(
          'dataset',
          `expected a finite loss at step ${String(step)} but it became ${String(loss)}: ` +
            'go on from the last checkpoint with a smaller learning rate',
        );
      }
      done = step;
      smoothedLoss = Number.isNaN(smoothedLoss) ? loss : smoothedLoss + (loss - smoothedLoss) / 100;
      onProgress?.({
        step,
        steps: recipe.steps,
        loss: smoothedLoss,
        norm,
        learningRate,
        stepMs: performance.now() - batchMs,
        waitMs: batchMs - beginMs,
      });
      if (step % checkpointEvery === 0) {
        await onCheckpoint(await session.state());
        checkpointed = step;
      }
      // session.run only ever yields through microtasks; let timers, signals and the worker in.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const state = await session.state();
    if (checkpointed !== done) await onCheckpoint(state);
    return state;
  } finally {
    await session.release();
  }
}
