/** What the app's view has asked of an engine and not got yet; asked again of the next if one dies. */

import path from 'node:path';
import { Refusal } from '../../base/refusal.ts';
import { errorOf, type Failure, type Picture, type PreviewJob, type Request } from '../protocol.ts';

interface Flight {
  readonly job: PreviewJob;
  readonly resolve: (picture: Picture) => void;
  readonly reject: (error: unknown) => void;
  isSent: boolean;
  crashes: number;
}

/** A view is asked for again by whoever looks at it, so it is given up sooner than an export. */
const crashesMax = 2;

export class PreviewFlights {
  readonly #flights = new Map<number, Flight>();

  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  get isWaiting(): boolean {
    return [...this.#flights.values()].some(({ isSent }) => !isSent);
  }

  add(id: number, job: PreviewJob): Promise<Picture> {
    return new Promise((resolve, reject) => {
      this.#flights.set(id, { job, resolve, reject, isSent: false, crashes: 0 });
    });
  }

  dispatch(send: (request: Request) => void): void {
    for (const [id, flight] of this.#flights) {
      if (flight.isSent) continue;
      flight.isSent = true;
      send({ kind: 'preview', id, job: flight.job });
    }
  }

  /** Nobody waits for it any longer; what the engine still answers meets nobody. */
  cancel(id: number, send: (request: Request) => void): void {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    if (flight?.isSent === true) send({ kind: 'cancel-preview', id });
    flight?.reject(new Refusal('cancelled', 'cancelled'));
  }

  land(id: number, picture: Picture): void {
    this.#flights.get(id)?.resolve(picture);
    this.#flights.delete(id);
  }

  fail(id: number, failure: Failure): void {
    this.#flights.get(id)?.reject(errorOf(failure));
    this.#flights.delete(id);
  }

  takeBack(): void {
    for (const flight of this.#flights.values()) flight.isSent = false;
  }

  /** The engine died under all that were sent. */
  crash(reason: string): void {
    for (const [id, flight] of this.#flights) {
      if (!flight.isSent) continue;
      flight.crashes += 1;
      if (flight.crashes < crashesMax) continue;
      this.#flights.delete(id);
      const name = path.basename(flight.job.photo);
      flight.reject(
        new Refusal('out-of-memory', `${name} cannot be shown: the engine ended ${reason}`),
      );
    }
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#flights.values()) reject(error);
    this.#flights.clear();
  }
}
