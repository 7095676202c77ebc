/** ONNX Runtime's session of a gradient's graph, as training likes it, and what it works on. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { sizeOf } from '../../network/onnx.ts';
import { gradientModel, parameterTensors, type StepShape } from './step.ts';

/** @param threads all of the machine's if not given */
export async function openGradient(
  shape: StepShape,
  threads: number | undefined,
): Promise<InferenceSession> {
  return ort.InferenceSession.create(gradientModel(shape), {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    // How long a thread without work looks for some before it sleeps, µs. Most operators of a step take
    // as long as waking one; but whatever is waited longer is taken from the thread that cuts patches,
    // and from the rest of the app.
    extra: { session: { intra_op: { spin_duration_us: '20' } } },
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
  });
}

/** What the runtime reads or writes in place, by the names that the graph has for it. */
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
