/** Measures a camera's noise from dark and flat frames, in a thread of its own. */

import { Worker } from 'node:worker_threads';
import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import type { CalibrationFrames, CalibrationProgress } from './measure.ts';
import type { CalibrationReply } from './worker.ts';

export interface CalibrationOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CalibrationProgress) => void;
}

/**
 * Measures black level, read noise and its tails, row and column noise, dark shading, hot pixels, and
 * with flat frames the gain. Holds one dark frame or three flat ones in memory at a time. Names
 * unusable frames in the profile's remarks and leaves them out.
 *
 * @throws Refusal `dataset` where no dark frame is usable, or frames are of different cameras or
 *   sizes; `cancelled`
 */
export async function calibrate(
  frames: CalibrationFrames,
  { signal, onProgress }: CalibrationOptions = {},
): Promise<CameraProfile> {
  throwIfCancelled(signal);
  if (frames.dark.length === 0)
    throw new Refusal('dataset', 'expected dark frames but received none');
  const { dark, flat, name } = frames;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { dark: [...dark], flat: [...flat], name },
  });
  const { promise, resolve, reject } = Promise.withResolvers<CameraProfile>();
  const onAbort = (): void => {
    reject(new Refusal('cancelled', 'cancelled'));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (reply: CalibrationReply) => {
    if (reply.kind === 'progress') onProgress?.(reply.progress);
    else if (reply.kind === 'measured') resolve(reply.profile);
    else reject(new Refusal(reply.code, reply.message));
  });
  worker.on('error', reject);
  worker.on('exit', () => {
    reject(new Error('the calibration thread ended before it was done'));
  });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
