/** ONNX Runtime's session of a gradient's graph, as training likes it. */

import type { InferenceSession } from 'onnxruntime-node';
import * as ort from 'onnxruntime-node';
import { gradientModel, type StepShape } from './step.ts';

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
