/** The view's open requests to an engine, repeated to the next engine if one dies. */

import path from 'node:path';
import { Refusal } from '../../base/refusal.ts';
import type { Picture, PreviewJob } from '../protocol.ts';

export interface PreviewFlight {
  readonly job: PreviewJob;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (picture: Picture) => void;
  readonly reject: (error: unknown) => void;
  isSent: boolean;
  crashes: number;
}

/** Lower than for an export, because whoever looks at a photo asks for it again. */
const crashesMax = 2;

export class PreviewFlights {
  readonly #flights = new Set<PreviewFlight>();

  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  get isWaiting(): boolean {
    return [...this.#flights].some(({ isSent }) => !isSent);
  }

  /** @throws Refusal `cancelled` at once when the signal is aborted; the reason of a rejection */
  async add(job: PreviewJob, signal: AbortSignal | undefined, added: () => void): Promise<Picture> {
    const { promise, resolve, reject } = Promise.withResolvers<Picture>();
    const flight = { job, signal, resolve, reject, isSent: false, crashes: 0 };
    const cancel = (): void => {
      reject(new Refusal('cancelled', 'cancelled'));
    };
    this.#flights.add(flight);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      added();
      return await promise;
    } finally {
      this.#flights.delete(flight);
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Requests that no engine has yet, marked as sent; the caller passes them to an engine. */
  take(): readonly PreviewFlight[] {
    const waiting = [...this.#flights].filter(({ isSent }) => !isSent);
    for (const flight of waiting) flight.isSent = true;
    return waiting;
  }

  /** Marks all as waiting again, because their engine is gone. */
  takeBack(): void {
    for (const flight of this.#flights) flight.isSent = false;
  }

  /** Counts a crash for all requests that the dead engine had. */
  crash(reason: string): void {
    for (const flight of this.#flights) {
      if (!flight.isSent) continue;
      flight.crashes += 1;
      if (flight.crashes < crashesMax) continue;
      this.#flights.delete(flight);
      const name = path.basename(flight.job.photo);
      flight.reject(
        new Refusal('out-of-memory', `${name} cannot be shown: the engine ended ${reason}`),
      );
    }
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#flights) reject(error);
    this.#flights.clear();
  }
}
