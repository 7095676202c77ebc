/** The training loop: patches in, one step at a time, checkpoints out. */

import { Refusal } from '../../base/refusal.ts';
import { stateOf, type TrainingState } from '../step/state.ts';
import {
  divergence,
  rateScale,
  setbacksMax,
  withLoss,
  withSetback,
  type Course,
} from './course.ts';
import { learningRateAt, type Recipe } from '../recipe.ts';
import type { RunControl } from './control.ts';
import { openStep, type TrainingDevice } from '../step/step-session.ts';
import type { Batch, StepSession } from '../step/step-tensors.ts';
import { firstWeights } from '../step/weights.ts';

/** Where batches come from; the one for a step depends on nothing but dataset, seed and step. */
export interface BatchSource {
  /** The batch after the last one. */
  next(): Promise<Batch>;
  /** Goes on with the batch of this step. */
  rewind(step: number): void;
}

/** What a run has come to: all that a checkpoint need keep of it. */
export interface Reached {
  readonly state: TrainingState;
  readonly course: Course;
}

export interface TrainingProgress {
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of this step's batch alone, and smoothed over the last hundred steps or so. */
  readonly batchLoss: number;
  readonly loss: number;
  /** Length of the gradient before clipping. */
  readonly norm: number;
  readonly learningRate: number;
  /** Time of this step alone, and of waiting for its batch. */
  readonly stepMs: number;
  readonly waitMs: number;
}

export interface Setback {
  /** Where the run went astray, and the step it goes on from. */
  readonly step: number;
  readonly backToStep: number;
  /** What learning rates are multiplied with from now on. */
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
   * Keeps a checkpoint safe: at every `checkpointEvery`-th step, after a setback, before a rest, when
   * the run is stopped, and at the end.
   */
  readonly onCheckpoint: (reached: Reached) => Promise<void>;
  /** The last checkpoint again, for a setback. */
  readonly readBack: () => Promise<Reached>;
  /** Steps between validations. */
  readonly validateEvery: number;
  /**
   * Called at every `validateEvery`-th step and after the last.
   * @returns why the run has gone astray, in plain words; undefined if it has not
   */
  readonly onValidate?: (reached: Reached) => Promise<string | undefined>;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onSetback?: (setback: Setback) => void;
  /** Told when a graphics card gives up, or is not there any more, and the processor goes on. */
  readonly onWithoutCard?: (step: number, account: string) => void;
  /** Called when the run rests as asked, and when it goes on. */
  readonly onRest?: (step: number, isResting: boolean) => Promise<void>;
  /** How steps are opened, where not as usual. */
  readonly open?: typeof openStep;
}

/** The state before the first step. */
export function freshState(recipe: Recipe): TrainingState {
  return stateOf(firstWeights(recipe.unet, recipe.seed));
}

/**
 * Trains until the recipe's steps are done or the run is asked to stop. The same bits come out
 * however often it was interrupted in between (on as many threads of the same kind of processor).
 * @returns what was reached, already given to `onCheckpoint`
 * @throws Refusal `dataset` if the loss runs away again and again
 */
export async function train(
  recipe: Recipe,
  from: Reached,
  patches: BatchSource,
  options: TrainingOptions,
): Promise<Reached> {
  const { control, threads, checkpointEvery, validateEvery, open = openStep } = options;
  let { device } = options;
  let { course } = from;
  let done = from.state.step;
  let saved = { step: -1, course };

  const leaveCard = (error: unknown): void => {
    if (device === 'cpu' || !(error instanceof Refusal && error.code === 'device')) throw error;
    device = 'cpu';
    options.onWithoutCard?.(done, error.message);
  };
  const openOn = async (state: TrainingState): Promise<StepSession> => {
    try {
      return await open(recipe, state, { threads, device });
    } catch (error) {
      // Who asks for a card that is not there is told before anything was done without it.
      if (state.step === 0) throw error;
      leaveCard(error);
      return open(recipe, state, { threads, device });
    }
  };
  let session = await openOn(from.state);

  const reached = async (): Promise<Reached> => ({ state: await session.state(), course });
  const save = async (): Promise<Reached> => {
    const now = await reached();
    if (saved.step !== done || saved.course !== course) await options.onCheckpoint(now);
    saved = { step: done, course };
    return now;
  };
  const goBack = async (step: number, account: string): Promise<void> => {
    const good = await options.readBack();
    const backToStep = good.state.step;
    // The checkpoint's own course may be of before an earlier setback to it.
    const { setbacks } = course;
    course = withSetback({ ...good.course, setbacks }, step, backToStep);
    if (course.setbacks.length > setbacksMax) {
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
    options.onSetback?.({ step, backToStep, rateScale: rateScale(course), account });
    await save();
  };

  /** What was on the card went with it: from the last checkpoint, on the processor. */
  const goOnWithout = async (): Promise<void> => {
    const lost = session;
    const good = await options.readBack();
    session = await openOn(good.state);
    await lost.release().catch(() => undefined);
    ({ course } = good);
    done = good.state.step;
    patches.rewind(done + 1);
    saved = { step: done, course };
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
        const learningRate = learningRateAt(recipe, step) * rateScale(course);
        const { loss, norm } = await session.step(batch, learningRate);
        const stepMs = performance.now() - batchMs;

        course = withLoss(course, loss);
        const astray = divergence(course, loss, norm);
        if (astray !== undefined) {
          await goBack(step, astray);
          continue;
        }
        done = step;
        options.onProgress?.({
          step,
          steps: recipe.steps,
          batchLoss: loss,
          loss: course.slowLoss ?? loss,
          norm,
          learningRate,
          stepMs,
          waitMs: batchMs - beginMs,
        });
        const isLast = step === recipe.steps;
        if (isLast || step % validateEvery === 0) {
          // A step's own loss is that of the weights before it: the last one's show themselves here.
          const account = await options.onValidate?.(await reached());
          if (account !== undefined) {
            await goBack(step, account);
            continue;
          }
        }
        if (isLast || step % checkpointEvery === 0) await save();
        // A step only ever yields through microtasks; let timers, signals and the workers in.
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
