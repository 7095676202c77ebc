/** The engine's side of the app's view: one thread that prepares windows, and the network for them. */

import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { Darkroom } from '../darkroom.ts';
import {
  failureOf,
  failureSchema,
  pictureSchema,
  type Failure,
  type Picture,
  type PreviewJob,
} from '../protocol.ts';
import { windowRequestSchema } from '../window-request.ts';

const messageSchema = z.discriminatedUnion('kind', [
  windowRequestSchema,
  z.object({ kind: z.literal('done'), id: z.number(), picture: pictureSchema }),
  z.object({ kind: z.literal('failed'), id: z.number(), failure: failureSchema }),
]);

/** Thread → engine. */
export type PreviewMessage = z.infer<typeof messageSchema>;

export interface PreviewEvents {
  done(id: number, picture: Picture): void;
  failed(id: number, failure: Failure): void;
}

export class PreviewDesk {
  readonly #darkroom: Darkroom;
  readonly #events: PreviewEvents;
  readonly #ids = new Set<number>();
  #worker: Worker | undefined;

  constructor(darkroom: Darkroom, events: PreviewEvents) {
    this.#darkroom = darkroom;
    this.#events = events;
  }

  start(id: number, job: PreviewJob): void {
    this.#ids.add(id);
    this.#worker ??= this.#spawn();
    this.#worker.postMessage({ kind: 'start', id, job });
  }

  /** Loads what the first picture needs. */
  warm(): void {
    this.#worker ??= this.#spawn();
  }

  /** Its failure, `cancelled`, is told like any other. */
  cancel(id: number): void {
    this.#worker?.postMessage({ kind: 'cancel', id });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#darkroom.terms,
    });
    worker.on('message', (unknown: unknown) => {
      void this.#receive(worker, messageSchema.parse(unknown));
    });
    worker.on('error', (error: unknown) => {
      this.#lose(worker, failureOf(error));
    });
    worker.on('exit', () => {
      this.#lose(worker, { message: 'the thread of the view ended' });
    });
    return worker;
  }

  #lose(worker: Worker, failure: Failure): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const id of this.#ids) this.#events.failed(id, failure);
    this.#ids.clear();
  }

  async #receive(worker: Worker, message: PreviewMessage): Promise<void> {
    switch (message.kind) {
      case 'run': {
        const { run, packed, output, width, height } = message;
        try {
          await this.#darkroom.runFirst(packed, output, width, height);
          worker.postMessage({ kind: 'ran', run });
        } catch (error) {
          worker.postMessage({ kind: 'not-ran', run, failure: failureOf(error) });
        }
        break;
      }
      case 'done':
        if (this.#ids.delete(message.id)) this.#events.done(message.id, message.picture);
        break;
      case 'failed':
        if (this.#ids.delete(message.id)) this.#events.failed(message.id, message.failure);
        break;
    }
  }
}
