/** Batches cut from pairs, in numerical order, prepared ahead in a worker thread. */

import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { failureSchema } from '../../../engine/protocol.ts';
import { Refusal, throwIfCancelled } from '../../../base/refusal.ts';
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

/** Samples that own their buffer, as transferred ones do. */
const plainFloats = z.custom<Float32Array<ArrayBuffer>>(
  (value) => value instanceof Float32Array && value.buffer instanceof ArrayBuffer,
);

const reportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loading'), loaded: z.number(), total: z.number() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('skipped'), account: z.string() }),
  z.object({ kind: z.literal('away'), account: z.string() }),
  z.object({ kind: z.literal('back') }),
  z.object({
    kind: z.literal('batch'),
    step: z.number(),
    input: plainFloats,
    target: plainFloats,
  }),
  z.object({
    kind: z.literal('refused'),
    code: failureSchema.shape.code.unwrap(),
    message: z.string(),
  }),
]);

/**
 * Batch k depends only on the pairs (with their order and sizes), the recipe's seed and k. Memory holds
 * the pairs in use and the next ones, whatever the size of the dataset.
 */
export class PairSource {
  readonly #worker: Worker;
  readonly #ahead: number;
  readonly #awaited = new Map<number, PromiseWithResolvers<Batch>>();
  /** Number of the batch that `next` will return. */
  #next: number;
  #failure: Error | undefined;
  #isClosed = false;

  private constructor(worker: Worker, { ahead = 4, firstStep }: PairSourceOptions) {
    this.#worker = worker;
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
    const ready = Promise.withResolvers<undefined>();
    const cancel = (): void => {
      ready.reject(new Refusal('cancelled', 'cancelled'));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    worker.on('message', (message: unknown) => {
      const report = reportSchema.parse(message);
      switch (report.kind) {
        case 'loading':
          onLoading?.(report.loaded, report.total);
          break;
        case 'ready':
          ready.resolve(undefined);
          break;
        case 'skipped':
          onSkipped?.(report.account);
          break;
        case 'away':
          onAway?.(report.account);
          break;
        case 'back':
          onAway?.(undefined);
          break;
        case 'batch':
          source.#awaited.get(report.step)?.resolve(report);
          break;
        case 'refused': {
          const refusal = new Refusal(report.code, report.message);
          ready.reject(refusal);
          source.#reject(refusal);
          break;
        }
      }
    });
    const fail = (error: unknown): void => {
      source.#failure = error instanceof Error ? error : new Error(String(error));
      ready.reject(source.#failure);
      source.#reject(source.#failure);
    };
    worker.on('error', fail);
    worker.on('exit', () => {
      fail(new Error('the thread that cuts pairs ended before its batches were made'));
    });
    try {
      await ready.promise;
      source.#order();
      return source;
    } catch (error) {
      await worker.terminate();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
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
      this.#worker.postMessage(step);
    }
  }

  /** Rejects all waiting requests; a new request tries again. */
  #reject(error: Error): void {
    for (const batch of this.#awaited.values()) batch.reject(error);
    this.#awaited.clear();
  }
}
