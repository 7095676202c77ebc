/** What a training step is given and gives, and its numbers as ONNX Runtime takes them. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import type { TrainingState } from './state.ts';
import type { StepShape } from './step.ts';

/** One batch of patches. */
export interface Batch {
  /** [batch, 4, p, p] */
  readonly input: Float32Array;
  /** [batch, 12, p, p] */
  readonly target: Float32Array;
  /** For each patch whether it has what a teacher without nights answers wrongly. Default: none has. */
  readonly isNight?: readonly boolean[];
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

/** Feeds of a batch. */
export function patchTensors({ batch, patchPacked, unet }: StepShape) {
  const tensor = (data: Float32Array, channels: number) =>
    new ort.Tensor('float32', data, [batch, channels, patchPacked, patchPacked]);
  return ({ input, target }: Batch): Record<string, ort.Tensor> => ({
    mosaic: tensor(input, unet.inputChannels),
    target: tensor(target, unet.outputChannels),
  });
}

export function floats(result: InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = result[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`expected float32 numbers in ${name}`);
  return data;
}

export function number(result: InferenceSession.OnnxValueMapType, name: string): number {
  return floats(result, name)[0] ?? Number.NaN;
}

export function lengthOf(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}
