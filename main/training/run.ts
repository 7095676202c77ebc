/** The training loop: patches in, one step at a time, checkpoints out. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { Refusal } from '../refusal.ts';
import type { TrainingState } from './checkpoint.ts';
import { learningRateAt, type Recipe } from './recipe.ts';
import { stepModel, stepRate } from './step.ts';
import { firstWeights } from './weights.ts';

/** One batch of patches. */
export interface Batch {
  /** [batch, 4, p, p] */
  readonly input: Float32Array;
  /** [batch, 12, p, p] */
  readonly target: Float32Array;
}

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
  const { signal, onProgress, onCheckpoint, checkpointEvery } = options;
  const session = await openStep(recipe, options.threads);
  const tensors = patchTensors(recipe);
  let state = from;
  let checkpointed = -1;
  let smoothedLoss = Number.NaN;
  try {
    while (state.step < recipe.steps && signal?.aborted !== true) {
      const beginMs = performance.now();
      const batch = await patches.next();
      const batchMs = performance.now();
      const step = state.step + 1;
      const learningRate = learningRateAt(recipe, step);
      const result = await session.run({
        ...tensors(batch),
        ...stateTensors(state),
        rate: new ort.Tensor('float32', Float32Array.of(stepRate(learningRate, step)), []),
      });
      const loss = number(result, 'loss');
      if (!Number.isFinite(loss)) {
        throw new Refusal(
          'dataset',
          `expected a finite loss at step ${String(step)} but it became ${String(loss)}: ` +
            'go on from the last checkpoint with a smaller learning rate',
        );
      }
      state = stateFrom(result, step);
      smoothedLoss = Number.isNaN(smoothedLoss) ? loss : smoothedLoss + (loss - smoothedLoss) / 100;
      onProgress?.({
        step,
        steps: recipe.steps,
        loss: smoothedLoss,
        norm: number(result, 'norm'),
        learningRate,
        stepMs: performance.now() - batchMs,
        waitMs: batchMs - beginMs,
      });
      if (step % checkpointEvery === 0) {
        await onCheckpoint(state);
        checkpointed = step;
      }
      // session.run only ever yields through microtasks; let timers, signals and the worker in.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await session.release();
  }
  if (checkpointed !== state.step) await onCheckpoint(state);
  return state;
}

async function openStep(recipe: Recipe, threads: number | undefined): Promise<InferenceSession> {
  const model = stepModel(recipe);
  return ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    // Waiting threads sleep: they share the processor with the patches' worker and the rest of the app.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
}

function patchTensors({ batch, patchPacked, unet }: Recipe) {
  const tensor = (data: Float32Array, channels: number) =>
    new ort.Tensor('float32', data, [batch, channels, patchPacked, patchPacked]);
  return ({ input, target }: Batch) => ({
    mosaic: tensor(input, unet.inputChannels),
    target: tensor(target, unet.outputChannels),
  });
}

function stateTensors({ weights, momentum, variance }: TrainingState) {
  const tensor = (data: Float32Array) => new ort.Tensor('float32', data, [data.length]);
  return { weights: tensor(weights), momentum: tensor(momentum), variance: tensor(variance) };
}

function stateFrom(result: InferenceSession.OnnxValueMapType, step: number): TrainingState {
  return {
    step,
    weights: floats(result, 'weights2'),
    momentum: floats(result, 'momentum2'),
    variance: floats(result, 'variance2'),
  };
}

function floats(result: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = result[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`expected float32 numbers in ${name}`);
  return data;
}

function number(result: InferenceSession.OnnxValueMapType, name: string): number {
  return floats(result, name)[0] ?? Number.NaN;
}
