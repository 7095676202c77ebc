/** Measures a camera's noise from dark and flat frames, in a thread of its own. */

import { Worker } from 'node:worker_threads';
import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import { Peer } from '../process/peer.ts';
import { joinThread } from '../process/thread.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { measureCameraCall } from './calibrate-call.ts';
import type { CalibrationFrames, CalibrationProgress } from './measure.ts';

export interface CalibrationOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CalibrationProgress) => void;
}

/**
 * Measures black level, read noise and its tails, row and column noise, dark shading, hot pixels,
 * and with flat frames the gain. Holds one dark frame or three flat ones in memory at a time.
 * Unusable frames are left out and named in the profile's remarks.
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
  const worker = new Worker(new URL('./worker.ts', import.meta.url));
  const { dark, flat, name } = frames;
  const asked = { dark: [...dark], flat: [...flat], name };
  try {
    const thread = new Peer('the calibration thread', joinThread(worker));
    return await thread.ask(measureCameraCall, asked, { signal, onProgress });
  } finally {
    await worker.terminate();
  }
}
