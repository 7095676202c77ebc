/** The worker thread that measures a camera, so that its owner stays responsive and can end it any time. */

import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { measureCamera, type CalibrationProgress } from './measure.ts';

export type CalibrationReply =
  | { readonly kind: 'progress'; readonly progress: CalibrationProgress }
  | { readonly kind: 'measured'; readonly profile: CameraProfile }
  | { readonly kind: 'refused'; readonly code: Refusal['code']; readonly message: string };

const orders = z.object({
  dark: z.array(z.string()),
  flat: z.array(z.string()),
  name: z.string().optional(),
});

async function answer(post: (reply: CalibrationReply) => void): Promise<void> {
  try {
    const profile = await measureCamera(orders.parse(workerData), (progress) => {
      post({ kind: 'progress', progress });
    });
    post({ kind: 'measured', profile });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    post({ kind: 'refused', code: error.code, message: describeError(error) });
  }
}

if (parentPort !== null) {
  const port = parentPort;
  await answer((reply) => {
    port.postMessage(reply);
  });
}
