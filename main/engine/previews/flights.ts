/** What the app's view has asked of an engine and not got yet; asked again of the next if one dies. */

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

/** A view is asked for again by whoever looks at it, so it is given up sooner than an export. */
const crashesMax = 2;

export class PreviewFlights {
  readonly #flights = new Set<PreviewFlight>();

  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  get isWaiting(): boolean {
    return [...this.#flights].some(({ isSent }) => !isSent);
  }

  /** @throws Refusal `cancelled` at once when the signal is aborted; what it is rejected with */
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

  /** Those that no engine has. The caller gives them to one. */
  take(): readonly PreviewFlight[] {
    const waiting = [...this.#flights].filter(({ isSent }) => !isSent);
    for (const flight of waiting) flight.isSent = true;
    return waiting;
  }

  /** The engine they were given to is gone. */
  takeBack(): void {
    for (const flight of this.#flights) flight.isSent = false;
  }

  /** The engine died under all that were sent. */
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
