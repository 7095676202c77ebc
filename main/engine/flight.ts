/** One photo on its way through engines, any of which may crash. */

import path from 'node:path';
import { Refusal } from '../base/refusal.ts';
import type { Enhanced, PhotoJob, PhotoProgress } from './protocol.ts';

export interface Flight {
  job: PhotoJob;
  crashes: number;
  stage: PhotoProgress['stage'];
  /** Whether the current engine has received it. */
  isSent: boolean;
  isCancelled: boolean;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Enhanced | 'taken') => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((progress: PhotoProgress) => void) | undefined;
}

/** A photo is given up after this many engine crashes. */
const crashesMax = 3;

/** What to do with a photo after its engine died. */
export type Consequence =
  | { readonly kind: 'try-again' }
  /** The device has failed often enough. */
  | { readonly kind: 'try-on-processor' }
  | { readonly kind: 'give-up'; readonly refusal: Refusal };

/**
 * Counts a crash. A photo that was in the network gets smaller tiles.
 * @param reason how the engine ended
 */
export function crash(flight: Flight, reason: string): Consequence {
  flight.crashes += 1;
  if (flight.crashes >= crashesMax) {
    const name = path.basename(flight.job.photo);
    const refusal = new Refusal(
      'out-of-memory',
      `${name}: the engine ended ${String(flight.crashes)} times while this photo was in it (${reason}): close other programs or choose a smaller --tile`,
    );
    return { kind: 'give-up', refusal };
  }
  if (flight.stage !== 'network') return { kind: 'try-again' };
  flight.job = { ...flight.job, windowAreaMax: Math.ceil(flight.job.windowAreaMax / 2) };
  return { kind: flight.crashes === crashesMax - 1 ? 'try-on-processor' : 'try-again' };
}
