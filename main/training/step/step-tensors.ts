/** Inputs and results of a training step, and their conversion to ONNX Runtime's tensors. */

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
  /**
   * Whether each patch has effects that a teacher trained without nights gets wrong. Default: none
   * has.
   */
  readonly isNight?: readonly boolean[];
}

export interface StepResult {
  /** Loss of the weights before the step. */
  readonly loss: number;
  /** Length of the gradient before clipping. */
  readonly norm: number;
}

/**
 * A network in training. Its internal order of weights may differ, but `state` returns the
 * checkpoint's order.
 */
export interface StepSession {
  /**
   * Makes one step. The result is the same bit for bit, given the same state, device and number of
   * threads.
   */
  step(batch: Batch, learningRate: number): Promise<StepResult>;
  /** The state for a checkpoint; later steps do not change its arrays. */
  state(): Promise<TrainingState>;
  /** Returns to a state of the same recipe. */
  restore(state: TrainingState): Promise<void>;
  release(): Promise<void>;
}

/** The batch as inputs of the graph. */
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
