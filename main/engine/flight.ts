/** One photo on its way through engines that may die under it. */

import path from 'node:path';
import { Refusal } from '../base/refusal.ts';
import type { Enhanced, PhotoJob, PhotoProgress } from './protocol.ts';

export interface Flight {
  job: PhotoJob;
  crashes: number;
  stage: PhotoProgress['stage'];
  /** Whether the engine that runs now was given it. */
  isSent: boolean;
  isCancelled: boolean;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (outcome: Enhanced | 'taken') => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((progress: PhotoProgress) => void) | undefined;
}

/** How often an engine may die under a photo before the photo is given up. */
const crashesMax = 3;

/** What follows from an engine's end for a photo that was in it. */
export type Consequence =
  | { readonly kind: 'try-again' }
  /** The device has had its chances. */
  | { readonly kind: 'try-on-processor' }
  | { readonly kind: 'give-up'; readonly refusal: Refusal };

/**
 * Notes an engine's end; a photo that was in the network is given smaller tiles.
 * @param reason how it ended
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
