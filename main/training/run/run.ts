/** The training loop: patches in, one step at a time, checkpoints out. */

import { Refusal } from '../../base/refusal.ts';
import { stateOf, type TrainingState } from '../step/state.ts';
import {
  divergence,
  rateScale,
  setbacksMax,
  withLoss,
  withSetback,
  type LossTrend,
} from './loss-trend.ts';
import { learningRateAt, type Recipe } from '../recipe.ts';
import type { RunControl } from './control.ts';
import { openStep, type TrainingDevice } from '../step/step-session.ts';
import type { Batch, StepSession } from '../step/step-tensors.ts';
import { firstWeights } from '../step/weights.ts';

/** A source of batches. A step's batch depends only on dataset, seed and step. */
export interface BatchSource {
  /** The next batch. */
  next(): Promise<Batch>;
  /** Continues with the batch of this step. */
  rewind(step: number): void;
}

/** The progress of a run: everything that a checkpoint must keep. */
export interface Reached {
  readonly state: TrainingState;
  readonly trend: LossTrend;
}

export interface TrainingProgress {
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of this step's batch alone, and smoothed over about a hundred steps. */
  readonly batchLoss: number;
  readonly loss: number;
  /** Length of the gradient before clipping. */
  readonly norm: number;
  readonly learningRate: number;
  /** Time of this step alone, and time waiting for its batch. */
  readonly stepMs: number;
  readonly waitMs: number;
}

export interface Setback {
  /** The step where the run diverged, and the step it continues from. */
  readonly step: number;
  readonly backToStep: number;
  /** The factor on learning rates from now on. */
  readonly rateScale: number;
  readonly account: string;
}

export interface TrainingOptions {
  readonly device: TrainingDevice;
  readonly threads?: number | undefined;
  readonly control: RunControl;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /**
   * Saves a checkpoint: every `checkpointEvery` steps, after a setback, before a pause, when the run
   * is stopped, and at the end.
   */
  readonly onCheckpoint: (reached: Reached) => Promise<void>;
  /** Reads back the last checkpoint, for a setback. */
  readonly readBack: () => Promise<Reached>;
  /** Steps between validations. */
  readonly validateEvery: number;
  /**
   * Called every `validateEvery` steps and after the last.
   * @returns why the run has diverged, in plain words; undefined if it has not
   */
  readonly onValidate?: (reached: Reached) => Promise<string | undefined>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onSetback?: (setback: Setback) => void;
  /** Called when a graphics card fails or is gone and the processor takes over. */
  readonly onWithoutCard?: (step: number, account: string) => void;
  /** Called when the run pauses on request, and when it continues. */
  readonly onRest?: (step: number, isResting: boolean) => Promise<void>;
  /** Replaces the usual way of opening steps. */
  readonly open?: typeof openStep;
}

/** The state before the first step. */
export function freshState(recipe: Recipe): TrainingState {
  return stateOf(firstWeights(recipe.unet, recipe.seed));
}

/**
 * Trains until the recipe's steps are done or the run is asked to stop. Interruptions do not change
 * a bit of the result, given the same number of threads on the same kind of processor.
 * @returns the final progress, already given to `onCheckpoint`
 * @throws Refusal `dataset` if the loss diverges again and again
 */
export async function train(
  recipe: Recipe,
  from: Reached,
  patches: BatchSource,
  options: TrainingOptions,
): Promise<Reached> {
  const { control, threads, checkpointEvery, validateEvery, open = openStep } = options;
  let { device } = options;
  let { trend } = from;
  let done = from.state.step;
  let saved = { step: -1, trend };

  const leaveCard = (error: unknown): void => {
    if (device === 'cpu' || !(error instanceof Refusal && error.code === 'device')) throw error;
    device = 'cpu';
    options.onWithoutCard?.(done, error.message);
  };
  const openOn = async (state: TrainingState): Promise<StepSession> => {
    try {
      return await open(recipe, state, { threads, device });
    } catch (error) {
      // A missing card is refused before any work is done on another device.
      if (state.step === 0) throw error;
      leaveCard(error);
      return open(recipe, state, { threads, device });
    }
  };
  let session = await openOn(from.state);

  const reached = async (): Promise<Reached> => ({ state: await session.state(), trend });
  const save = async (): Promise<Reached> => {
    const now = await reached();
    if (saved.step !== done || saved.trend !== trend) await options.onCheckpoint(now);
    saved = { step: done, trend };
    return now;
  };
  const goBack = async (step: number, account: string): Promise<void> => {
    const good = await options.readBack();
    const backToStep = good.state.step;
    // The checkpoint may have been written before an earlier setback that returned to it.
    const { setbacks } = trend;
    trend = withSetback({ ...good.trend, setbacks }, step, backToStep);
    if (trend.setbacks.length > setbacksMax) {
      throw new Refusal(
        'dataset',
        `expected a loss that falls but at step ${String(step)} ${account}, after ` +
          `${String(setbacksMax)} tries with ever smaller learning rates: look at what it is ` +
          'trained on, or begin again with a smaller learning rate',
      );
    }
    await session.restore(good.state);
    patches.rewind(backToStep + 1);
    done = backToStep;
    options.onSetback?.({ step, backToStep, rateScale: rateScale(trend), account });
    await save();
  };

  /** The card's state is lost: continue from the last checkpoint on the processor. */
  const goOnWithout = async (): Promise<void> => {
    const lost = session;
    const good = await options.readBack();
    session = await openOn(good.state);
    await lost.release().catch(() => undefined);
    ({ trend } = good);
    done = good.state.step;
    patches.rewind(done + 1);
    saved = { step: done, trend };
  };

  try {
    while (done < recipe.steps && !control.isStopped) {
      try {
        if (control.isPaused) {
          await save();
          await options.onRest?.(done, true);
          await control.untilResumed();
          await options.onRest?.(done, false);
          continue;
        }
        const beginMs = performance.now();
        const batch = await control.unlessStopped(patches.next());
        if (batch === undefined) break;
        const batchMs = performance.now();
        const step = done + 1;
        const learningRate = learningRateAt(recipe, step) * rateScale(trend);
        const { loss, norm } = await session.step(batch, learningRate);
        const stepMs = performance.now() - batchMs;

        trend = withLoss(trend, loss);
        const astray = divergence(trend, loss, norm);
        if (astray !== undefined) {
          await goBack(step, astray);
          continue;
        }
        done = step;
        options.onProgress?.({
          step,
          steps: recipe.steps,
          batchLoss: loss,
          loss: trend.slowLoss ?? loss,
          norm,
          learningRate,
          stepMs,
          waitMs: batchMs - beginMs,
        });
        const isLast = step === recipe.steps;
        if (isLast || step % validateEvery === 0) {
          // A step reports the loss of the weights before it; this measures the weights after it.
          const account = await options.onValidate?.(await reached());
          if (account !== undefined) {
            await goBack(step, account);
            continue;
          }
        }
        if (isLast || step % checkpointEvery === 0) await save();
        // Steps yield only through microtasks. Let timers, signals and workers run.
        await new Promise((resolve) => setImmediate(resolve));
      } catch (error) {
        leaveCard(error);
        await goOnWithout();
      }
    }
    return await save();
  } finally {
    await session.release();
  }
}
