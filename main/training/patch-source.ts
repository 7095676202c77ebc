/** Batches in the order of their numbers, made ahead in a thread of their own. */

import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { Refusal, throwIfCancelled, type RefusalCode } from '../refusal.ts';
import type { Batch } from './patches.ts';

export interface PatchSourceOptions {
  /** Paths of clean photos; what can't be read is left out and named in `skipped`. */
  readonly files: readonly string[];
  readonly seed: number;
  /** Patches in a batch. */
  readonly batch: number;
  /** Side of a patch in packed pixels. */
  readonly patchPacked: number;
  /** Number of the first batch: where a resumed run goes on. Default 0. */
  readonly firstStep?: number;
  /** Batches kept ready. Default 4. */
  readonly ahead?: number;
  readonly signal?: AbortSignal;
  /** Called while the photos are read. */
  readonly onLoading?: (loaded: number, total: number) => void;
}

const REFUSAL_CODES = [
  'bad-argument', 'cancelled', 'damaged-file', 'disk', 'model', 'out-of-memory', 'device',
  'dataset', 'unsupported-file',
] as const satisfies readonly RefusalCode[]; // prettier-ignore

/** Samples in memory of their own, as transferred buffers are. */
const plainFloats = z.custom<Float32Array<ArrayBuffer>>(
  (value) => value instanceof Float32Array && value.buffer instanceof ArrayBuffer,
);

const reports = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loading'), loaded: z.number(), total: z.number() }),
  z.object({ kind: z.literal('ready'), photos: z.number(), skipped: z.array(z.string()) }),
  z.object({
    kind: z.literal('batch'),
    step: z.number(),
    input: plainFloats,
    target: plainFloats,
  }),
  z.object({ kind: z.literal('refused'), code: z.enum(REFUSAL_CODES), message: z.string() }),
]);

/**
 * One worker thread that reads the photos and makes batch after batch. Batch k depends on the
 * photos, the seed and k alone.
 */
export class PatchSource {
  /** Photos in the pool. */
  readonly photos: number;
  /** One line for each file that could not be read. */
  readonly skipped: readonly string[];
  private readonly worker: Worker;
  private nextStep: number;
  private readonly coming: Promise<Batch>[] = [];
  private readonly ahead: number;
  private readonly awaited = new Map<number, PromiseWithResolvers<Batch>>();
  private failure: Error | undefined;
  private closed = false;

  private constructor(
    worker: Worker,
    ready: { photos: number; skipped: readonly string[] },
    failed: Promise<never>,
    options: PatchSourceOptions,
  ) {
    this.worker = worker;
    this.photos = ready.photos;
    this.skipped = ready.skipped;
    this.nextStep = options.firstStep ?? 0;
    this.ahead = Math.max(1, options.ahead ?? 4);
    worker.on('message', (message: unknown) => {
      const report = reports.parse(message);
      if (report.kind !== 'batch') return;
      const { step, input, target } = report;
      this.awaited.get(step)?.resolve({ step, input, target });
      this.awaited.delete(step);
    });
    // Not by racing each batch against the failure: a promise that lives as long as the run keeps
    // every race it was ever in, and with it every batch.
    failed.catch((error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
      for (const batch of this.awaited.values()) batch.reject(this.failure);
    });
    while (this.coming.length < this.ahead) this.order();
  }

  /**
   * Starts the thread and waits until the photos are read.
   * @throws Refusal `dataset` if none can be read, `cancelled`
   */
  static async open(options: PatchSourceOptions): Promise<PatchSource> {
    throwIfCancelled(options.signal);
    const { files, seed, batch, patchPacked } = options;
    const worker = new Worker(new URL('./patch-worker.ts', import.meta.url), {
      workerData: { files: [...files], seed, batch, patchPacked },
    });
    const failed = new Promise<never>((_, reject) => {
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(new Error('the patch thread ended before its batches were made'));
      });
      options.signal?.addEventListener('abort', () => {
        reject(new Refusal('cancelled', 'cancelled'));
      });
    });
    // A failure that nobody is waiting for is met by the next call of next().
    failed.catch(() => undefined);
    const ready = new Promise<{ photos: number; skipped: string[] }>((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        const report = reports.parse(message);
        if (report.kind === 'loading') options.onLoading?.(report.loaded, report.total);
        if (report.kind === 'ready') resolve(report);
        if (report.kind === 'refused') reject(new Refusal(report.code, report.message));
      });
    });
    try {
      return new PatchSource(worker, await Promise.race([ready, failed]), failed, options);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  private order(): void {
    const step = this.nextStep++;
    const batch = Promise.withResolvers<Batch>();
    // Whoever awaits it meets the failure; until then it is nobody's unhandled rejection.
    batch.promise.catch(() => undefined);
    this.coming.push(batch.promise);
    this.awaited.set(step, batch);
    this.worker.postMessage(step);
  }

  /**
   * The next batch, in the order of their numbers; its arrays are the caller's to keep.
   * @throws what ended the thread, or Refusal `cancelled`
   */
  async next(): Promise<Batch> {
    if (this.closed) throw new Error('the patch source is closed');
    if (this.failure !== undefined) throw this.failure;
    const first = this.coming.shift();
    this.order();
    if (first === undefined) throw new Error('no batch was ordered');
    return first;
  }

  /** Goes on with the batch of this number. */
  rewind(step: number): void {
    this.coming.length = 0;
    this.awaited.clear();
    this.nextStep = step;
    while (this.coming.length < this.ahead) this.order();
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.closed = true;
    await this.worker.terminate();
  }
}
