/**
 * Opens ONNX Runtime's session for a gradient's graph with training's options, and creates its
 * tensors.
 */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { sizeOf } from '../../network/onnx.ts';
import { gradientModel, parameterTensors, type StepShape } from './step.ts';

/** @param threads all processor threads of the machine if not given */
export async function openGradient(
  shape: StepShape,
  threads: number | undefined,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(gradientModel(shape), {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    // How long an idle thread looks for work before it sleeps, µs. Most operators of a step take
    // about as long as waking a thread. A longer wait takes time from the thread that cuts patches
    // and from the rest of the app.
    extra: { session: { intra_op: { spin_duration_us: '20' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
}

/** Tensors that the runtime reads or writes in place, by their names in the graph. */
export function tensorsOf(
  shape: StepShape,
  kind: 'weights' | 'gradient',
  vector: Float32Array,
): InferenceSession.FeedsType {
  return Object.fromEntries(
    parameterTensors(shape).map((tensor) => {
      const dimensions = kind === 'weights' ? tensor.shape : tensor.gradientShape;
      const { offset } = tensor;
      const numbers = vector.subarray(offset, offset + sizeOf(dimensions));
      return [kind + tensor.suffix, new ort.Tensor('float32', numbers, dimensions)];
    }),
  );
}
