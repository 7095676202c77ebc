/** The engine's threads for photos, and the one lane they share: the network. */

import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { NetworkTerms } from '../develop/dialect.ts';
import type { Network } from '../network/session.ts';
import { Refusal } from '../base/refusal.ts';
import {
  failureOf,
  failureSchema,
  photoProgressSchema,
  photoResultSchema,
  type Failure,
  type PhotoJob,
  type PhotoProgress,
  type PhotoResult,
} from './protocol.ts';
import { windowRequestSchema } from './window-request.ts';

const messageSchema = z.discriminatedUnion('kind', [
  windowRequestSchema,
  z.object({ kind: z.literal('progress'), progress: photoProgressSchema }),
  z.object({ kind: z.literal('done'), result: photoResultSchema.omit({ device: true }) }),
  z.object({ kind: z.literal('taken') }),
  z.object({ kind: z.literal('failed'), failure: failureSchema }),
]);

/** Thread → engine. */
export type DarkroomMessage = z.infer<typeof messageSchema>;

export interface DarkroomEvents {
  progress(id: number, progress: PhotoProgress): void;
  done(id: number, result: PhotoResult): void;
  taken(id: number): void;
  failed(id: number, failure: Failure): void;
}

interface Request {
  readonly thread: Thread;
  readonly run: number;
  readonly packed: Float32Array;
  readonly output: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A window of the app's view. */
interface Urgent {
  readonly packed: Float32Array;
  readonly output: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly settle: PromiseWithResolvers<undefined>;
}

interface Thread {
  readonly worker: Worker;
  /** The photo at work; undefined while idle. */
  job: PhotoJob | undefined;
  /** Whether its photo has tiles before it, and the network is its own. */
  isDeveloping: boolean;
}

/**
 * Enhances photos side by side: while the network works on one, the next is decoded and the last
 * encoded. The photo that came first has the network first.
 */
export class Darkroom {
  readonly #network: Network;
  readonly #onePass: Network;
  readonly #events: DarkroomEvents;
  readonly #threads: Thread[] = [];
  readonly #requests: Request[] = [];
  readonly #urgent: Urgent[] = [];
  #isRunning = false;

  /** @param onePass for windows of the app's view: the same network, or a quicker one of its kind */
  constructor(network: Network, events: DarkroomEvents, onePass = network) {
    this.#network = network;
    this.#onePass = onePass;
    this.#events = events;
  }

  get terms(): NetworkTerms {
    return this.#network.terms;
  }

  /** Starts at once, in a thread of its own: the sender decides how many are under way. */
  start(job: PhotoJob): void {
    const thread = this.#threads.find((candidate) => candidate.job === undefined) ?? this.#spawn();
    thread.job = job;
    thread.worker.postMessage({ kind: 'start', job });
  }

  cancel(id: number): void {
    this.#threads.find(({ job }) => job?.id === id)?.worker.postMessage({ kind: 'cancel' });
  }

  /** Runs one window before those of any photo that is being enhanced. */
  runFirst(
    packed: Float32Array,
    output: Float32Array,
    width: number,
    height: number,
  ): Promise<void> {
    const settle = Promise.withResolvers<undefined>();
    this.#urgent.push({ packed, output, width, height, settle });
    void this.#serve();
    return settle.promise;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await this.#network.release();
    if (this.#onePass !== this.#network) await this.#onePass.release();
  }

  #spawn(): Thread {
    const worker = new Worker(new URL('./darkroom-worker.ts', import.meta.url), {
      workerData: this.terms,
    });
    const thread: Thread = { worker, job: undefined, isDeveloping: false };
    this.#threads.push(thread);
    worker.on('message', (unknown: unknown) => {
      this.#receive(thread, messageSchema.parse(unknown));
    });
    worker.on('error', (error: unknown) => {
      this.#lose(thread, failureOf(error));
    });
    worker.on('exit', () => {
      this.#lose(thread, { message: 'the thread of this photo ended' });
    });
    return thread;
  }

  /** A thread that died takes its photo with it, and nothing else. */
  #lose(thread: Thread, failure: Failure): void {
    const at = this.#threads.indexOf(thread);
    if (at < 0) return;
    this.#threads.splice(at, 1);
    const id = this.#finish(thread);
    if (id !== undefined) this.#events.failed(id, failure);
  }

  #receive(thread: Thread, message: DarkroomMessage): void {
    switch (message.kind) {
      case 'run':
        this.#requests.push({ thread, ...message });
        void this.#serve();
        break;
      case 'progress':
        this.#note(thread, message.progress);
        break;
      case 'done': {
        const id = this.#finish(thread);
        const { device } = this.#network;
        if (id !== undefined) this.#events.done(id, { ...message.result, device });
        break;
      }
      case 'taken': {
        const id = this.#finish(thread);
        if (id !== undefined) this.#events.taken(id);
        break;
      }
      case 'failed': {
        const id = this.#finish(thread);
        if (id !== undefined) this.#events.failed(id, message.failure);
        break;
      }
    }
  }

  #finish(thread: Thread): number | undefined {
    const id = thread.job?.id;
    thread.job = undefined;
    thread.isDeveloping = false;
    for (let i = this.#requests.length - 1; i >= 0; i--) {
      if (this.#requests[i]?.thread === thread) this.#requests.splice(i, 1);
    }
    void this.#serve();
    return id;
  }

  #note(thread: Thread, progress: PhotoProgress): void {
    if (thread.job === undefined) return;
    thread.isDeveloping = progress.stage === 'network' && progress.tilesDone < progress.tilesTotal;
    this.#events.progress(thread.job.id, progress);
    void this.#serve();
  }

  async #serve(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.#serveUrgent();
    for (let request = this.#next(); request !== undefined; request = this.#next()) {
      const { thread, run, packed, output, width, height } = request;
      const beginMs = performance.now();
      try {
        await this.#network.run(packed, width, height, output);
        thread.worker.postMessage({ kind: 'ran', run, ms: performance.now() - beginMs });
      } catch (error) {
        const failure = failureOf(
          error instanceof Error ? error : new Refusal('device', String(error)),
        );
        thread.worker.postMessage({ kind: 'not-ran', run, failure });
      }
      await this.#serveUrgent();
    }
    this.#isRunning = false;
  }

  async #serveUrgent(): Promise<void> {
    for (let urgent = this.#urgent.shift(); urgent !== undefined; urgent = this.#urgent.shift()) {
      const { packed, output, width, height, settle } = urgent;
      await this.#onePass.run(packed, width, height, output).then(() => {
        settle.resolve(undefined);
      }, settle.reject);
    }
  }

  /**
   * The oldest photo's next window; none while that photo is about to ask for one. Two photos
   * taking turns would both be late, and both need memory for a whole picture.
   */
  #next(): Request | undefined {
    const [first] = this.#threads
      .filter((thread) => thread.isDeveloping)
      .sort((a, b) => age(a) - age(b));
    const at = this.#requests.findIndex(({ thread }) => thread === (first ?? thread));
    return at < 0 ? undefined : this.#requests.splice(at, 1)[0];
  }
}

function age({ job }: Thread): number {
  return job?.id ?? Number.POSITIVE_INFINITY;
}
