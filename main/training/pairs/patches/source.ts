/** Batches cut from pairs, in numerical order, prepared ahead in a worker thread. */

import { Worker } from 'node:worker_threads';
import { Peer } from '../../../process/peer.ts';
import { joinThread } from '../../../process/thread.ts';
import { Refusal, throwIfCancelled } from '../../../base/refusal.ts';
import { awayNote, batchCall, loadPairsCall, skippedNote } from '../../photos/batch-calls.ts';
import type { UsablePair } from '../pairs.ts';
import type { Batch } from '../../photos/patches.ts';
import type { Recipe } from '../../recipe.ts';

export interface PairSourceOptions {
  readonly pairs: readonly UsablePair[];
  readonly recipe: Recipe;
  /** Number of the first batch, from 1; a resumed run starts later. */
  readonly firstStep: number;
  /** Batches kept ready. Default 4. */
  readonly ahead?: number;
  /** Cancels the opening. */
  readonly signal?: AbortSignal | undefined;
  /** Called while the first pairs are read. */
  readonly onLoading?: ((loaded: number, total: number) => void) | undefined;
  /** Called when a pair can no longer be read; training continues without it. */
  readonly onSkipped?: ((account: string) => void) | undefined;
  /** Called with a path while a batch waits for missing files, then with undefined. */
  readonly onAway?: ((account: string | undefined) => void) | undefined;
}

/**
 * Batch k depends only on the pairs (with their order and sizes), the recipe's seed and k. Memory holds
 * the pairs in use and the next ones, whatever the size of the dataset.
 */
export class PairSource {
  readonly #worker: Worker;
  readonly #thread: Peer;
  readonly #ahead: number;
  readonly #awaited = new Map<number, PromiseWithResolvers<Batch>>();
  /** Number of the batch that `next` will return. */
  #next: number;
  #failure: Error | undefined;
  #isClosed = false;

  private constructor(worker: Worker, { ahead = 4, firstStep }: PairSourceOptions) {
    this.#worker = worker;
    this.#thread = new Peer('the thread that cuts pairs', joinThread(worker), {
      onExit: (reason) => {
        this.#fail(new Error(`the thread that cuts pairs ended ${reason}`));
      },
    });
    this.#ahead = Math.max(1, ahead);
    this.#next = firstStep;
  }

  /**
   * Starts the thread and waits until the first pairs are read.
   * @throws Refusal `dataset` if none of them can be read, `cancelled`
   */
  static async open(options: PairSourceOptions): Promise<PairSource> {
    const { pairs, recipe, firstStep, signal, onLoading, onSkipped, onAway } = options;
    throwIfCancelled(signal);
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { pairs: [...pairs], recipe, firstStep },
    });
    const source = new PairSource(worker, options);
    const thread = source.#thread;
    thread.listen(skippedNote, (account) => onSkipped?.(account));
    thread.listen(awayNote, (account) => onAway?.(account));
    try {
      await thread.ask(loadPairsCall, undefined, {
        signal,
        onProgress: ({ loaded, total }) => onLoading?.(loaded, total),
      });
      source.#order();
      return source;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /**
   * The next batch; its arrays are the caller's to keep.
   * @throws Refusal `dataset` if files are broken; whatever ended the thread
   */
  async next(): Promise<Batch> {
    if (this.#isClosed) throw new Error('the source of pairs is closed');
    if (this.#failure !== undefined) throw this.#failure;
    this.#order();
    const batch = await this.#awaited.get(this.#next)?.promise;
    if (batch === undefined) throw new Error('no batch was ordered');
    this.#awaited.delete(this.#next);
    this.#next += 1;
    this.#order();
    return batch;
  }

  /** Continues with the batch of this number. */
  rewind(step: number): void {
    this.#next = step;
    // Batches already on their way equal those that would be made again.
    for (const number of [...this.#awaited.keys()]) {
      if (number < step || number >= step + this.#ahead) this.#awaited.delete(number);
    }
    this.#order();
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker.terminate();
  }

  #order(): void {
    for (let step = this.#next; step < this.#next + this.#ahead; step++) {
      if (this.#awaited.has(step)) continue;
      const batch = Promise.withResolvers<Batch>();
      // The next caller gets the failure; until then it must not be an unhandled rejection.
      batch.promise.catch(() => undefined);
      this.#awaited.set(step, batch);
      this.#thread.ask(batchCall, step).then(batch.resolve, (error: unknown) => {
        if (error instanceof Refusal) this.#reject(error);
        else this.#fail(error);
      });
    }
  }

  /** A bug or the thread's end: every request fails from now on. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#reject(this.#failure);
  }

  /** Rejects all waiting requests; a new request tries again. */
  #reject(error: Error): void {
    for (const batch of this.#awaited.values()) batch.reject(error);
    this.#awaited.clear();
  }
}
