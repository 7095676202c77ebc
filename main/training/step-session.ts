/** One training step after another on ONNX Runtime: it keeps weights and moments between them. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import type { TrainingState } from './checkpoint.ts';
import type { Recipe } from './recipe.ts';
import { stepModel, stepRate } from './step.ts';

/** One batch of patches. */
export interface Batch {
  /** [batch, 4, p, p] */
  readonly input: Float32Array;
  /** [batch, 12, p, p] */
  readonly target: Float32Array;
}

export interface StepOptions {
  /** Processor threads; all of the machine's if not given. */
  readonly threads?: number | undefined;
}

export interface StepResult {
  /** Before the step's change to the weights. */
  readonly loss: number;
  /** Length of the gradient before clipping. */
  readonly norm: number;
}

/** A network in training. Whatever order its weights have in here, `state` gives the checkpoint's. */
export interface StepSession {
  /** Makes one step; bit for bit the same from the same state on as many threads of one device. */
  step(batch: Batch, learningRate: number): Promise<StepResult>;
  /** What a checkpoint keeps; its arrays are not changed by later steps. */
  state(): Promise<TrainingState>;
  /** Goes back to a state of the same recipe. */
  restore(state: TrainingState): Promise<void>;
  release(): Promise<void>;
}

/** Opens the recipe's step; its first step follows on `from`. */
export async function openStep(
  recipe: Recipe,
  from: TrainingState,
  { threads }: StepOptions,
): Promise<StepSession> {
  const session = await ort.InferenceSession.create(stepModel(recipe), {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    // Waiting threads sleep: they share the processor with the patches' worker and the rest of the app.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
  const tensors = patchTensors(recipe);
  let state = from;
  return {
    async step(batch, learningRate) {
      const step = state.step + 1;
      const result = await session.run({
        ...tensors(batch),
        ...stateTensors(state),
        rate: new ort.Tensor('float32', Float32Array.of(stepRate(learningRate, step)), []),
      });
      state = stateFrom(result, step);
      return { loss: number(result, 'loss'), norm: number(result, 'norm') };
    },
    state: () => Promise.resolve(state),
    restore(earlier) {
      state = earlier;
      return Promise.resolve();
    },
    release: () => session.release(),
  };
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
