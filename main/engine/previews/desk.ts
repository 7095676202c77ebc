/**
 * The engine's side of the app's view: a thread that prepares windows, and the network for them.
 */

import { Worker } from 'node:worker_threads';
import { Peer } from '../../process/peer.ts';
import { joinThread } from '../../process/thread.ts';
import type { Darkroom } from '../darkroom.ts';
import type { Picture, PreviewJob } from '../protocol.ts';
import { previewCall, runCall } from '../window-request.ts';

interface Thread {
  readonly worker: Worker;
  readonly peer: Peer;
}

export class PreviewDesk {
  readonly #darkroom: Darkroom;
  #thread: Thread | undefined;

  constructor(darkroom: Darkroom) {
    this.#darkroom = darkroom;
  }

  /** @throws Refusal as `Previewer.make`; `cancelled` at once when aborted */
  show(job: PreviewJob, signal: AbortSignal): Promise<Picture> {
    this.#thread ??= this.#spawn();
    return this.#thread.peer.ask(previewCall, job, { signal });
  }

  /** Loads what the first picture will need. */
  warm(): void {
    this.#thread ??= this.#spawn();
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.worker.terminate();
  }

  #spawn(): Thread {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: this.#darkroom.terms,
    });
    const peer = new Peer('the thread of the view', joinThread(worker), {
      onExit: () => {
        if (this.#thread === thread) this.#thread = undefined;
      },
    });
    const thread = { worker, peer };
    peer.answer(runCall, async (window) => {
      const beginMs = performance.now();
      await this.#darkroom.runFirst(window);
      return { ms: performance.now() - beginMs };
    });
    return thread;
  }
}
