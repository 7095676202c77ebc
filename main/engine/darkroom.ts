/** The engine's threads for photos, and the network that they share. */

import { Worker } from 'node:worker_threads';
import type { NetworkTerms } from '../develop/dialect.ts';
import type { Network } from '../network/session.ts';
import type { AnswerContext } from '../process/answering.ts';
import { Peer } from '../process/peer.ts';
import { joinThread } from '../process/thread.ts';
import { Refusal } from '../base/refusal.ts';
import type { PhotoJob, PhotoProgress, PhotoResult } from './protocol.ts';
import { enhanceCall, runCall, type Window } from './window-request.ts';

/** A window that waits for the network. */
interface Request {
  readonly thread: Thread;
  readonly window: Window;
  /** Resolves with the milliseconds that the network took. */
  readonly settle: PromiseWithResolvers<number>;
}

/** A window of the app's view. */
interface Urgent {
  readonly window: Window;
  readonly settle: PromiseWithResolvers<undefined>;
}

interface Thread {
  readonly worker: Worker;
  readonly peer: Peer;
  /** The number of the photo in progress, in order of arrival; undefined while idle. */
  turn: number | undefined;
  /** Whether its photo still has tiles to develop, so that the network is reserved for it. */
  isDeveloping: boolean;
}

/**
 * Enhances photos side by side: while the network works on one, the next is decoded and the
 * previous one encoded. The photo that arrived first gets the network first.
 */
export class Darkroom {
  readonly #network: Network;
  readonly #onePass: Network;
  readonly #threads: Thread[] = [];
  readonly #requests: Request[] = [];
  readonly #urgent: Urgent[] = [];
  #nextTurn = 1;
  #isRunning = false;

  /**
   * @param onePass for windows of the app's view: the same network, or a faster one-pass version of
   *   it
   */
  constructor(network: Network, onePass = network) {
    this.#network = network;
    this.#onePass = onePass;
  }

  get terms(): NetworkTerms {
    return this.#network.terms;
  }

  /**
   * Starts at once, in a thread of its own; the caller limits how many are under way. A cancelled
   * photo settles only once its thread has ended all work on it.
   */
  async enhance(
    job: PhotoJob,
    { signal, onProgress }: Pick<AnswerContext<PhotoProgress>, 'signal' | 'onProgress'>,
  ): Promise<PhotoResult | 'taken'> {
    const thread = this.#threads.find(({ turn }) => turn === undefined) ?? this.#spawn();
    thread.turn = this.#nextTurn++;
    try {
      const result = await thread.peer.ask(enhanceCall, job, {
        signal,
        waitsForEnd: true,
        onProgress: (progress) => {
          const { stage, tilesDone, tilesTotal } = progress;
          thread.isDeveloping = stage === 'network' && tilesDone < tilesTotal;
          onProgress(progress);
          void this.#serve();
        },
      });
      return result === 'taken' ? result : { ...result, device: this.#network.device };
    } finally {
      this.#finish(thread);
    }
  }

  /** Runs one window before the windows of any photo. */
  runFirst(window: Window): Promise<void> {
    const settle = Promise.withResolvers<undefined>();
    this.#urgent.push({ window, settle });
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
    const peer = new Peer('the thread of a photo', joinThread(worker), {
      onExit: () => {
        // Only the photo in this thread is lost.
        this.#threads.splice(this.#threads.indexOf(thread), 1);
      },
    });
    const thread: Thread = { worker, peer, turn: undefined, isDeveloping: false };
    this.#threads.push(thread);
    peer.answer(runCall, async (window, { signal }) => ({
      ms: await this.#run(thread, window, signal),
    }));
    return thread;
  }

  /** @returns the milliseconds that the network took */
  #run(thread: Thread, window: Window, signal: AbortSignal): Promise<number> {
    const settle = Promise.withResolvers<number>();
    const request = { thread, window, settle };
    this.#requests.push(request);
    signal.addEventListener('abort', () => {
      // It may be queued behind another photo's windows, and nobody waits for it any more.
      const at = this.#requests.indexOf(request);
      if (at >= 0) this.#requests.splice(at, 1);
      settle.reject(new Refusal('cancelled', 'cancelled'));
    });
    void this.#serve();
    return settle.promise;
  }

  #finish(thread: Thread): void {
    thread.turn = undefined;
    thread.isDeveloping = false;
    for (let i = this.#requests.length - 1; i >= 0; i--) {
      if (this.#requests[i]?.thread === thread) this.#requests.splice(i, 1);
    }
    void this.#serve();
  }

  async #serve(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.#serveUrgent();
    for (let request = this.#next(); request !== undefined; request = this.#next()) {
      const { window, settle } = request;
      const beginMs = performance.now();
      try {
        await this.#network.run(window.packed, window.width, window.height, window.output);
        settle.resolve(performance.now() - beginMs);
      } catch (error) {
        settle.reject(error instanceof Error ? error : new Refusal('device', String(error)));
      }
      await this.#serveUrgent();
    }
    this.#isRunning = false;
  }

  async #serveUrgent(): Promise<void> {
    for (let urgent = this.#urgent.shift(); urgent !== undefined; urgent = this.#urgent.shift()) {
      const { window, settle } = urgent;
      const { packed, width, height, output } = window;
      await this.#onePass.run(packed, width, height, output).then(() => {
        settle.resolve(undefined);
      }, settle.reject);
    }
  }

  /**
   * The oldest photo's next window; none while that photo is about to ask for one. If two photos
   * took turns, both would be late, and each needs memory for a whole picture.
   */
  #next(): Request | undefined {
    const [first] = this.#threads
      .filter((thread) => thread.isDeveloping)
      .sort((a, b) => age(a) - age(b));
    const at = this.#requests.findIndex(({ thread }) => thread === (first ?? thread));
    return at < 0 ? undefined : this.#requests.splice(at, 1)[0];
  }
}

function age({ turn }: Thread): number {
  return turn ?? Number.POSITIVE_INFINITY;
}
