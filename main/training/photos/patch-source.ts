/**
 * Batches in the order of their numbers, made ahead: one thread reads photos, others cut patches, and
 * the photos in memory, which they share, stay below a limit however many there are.
 */

import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { CameraProfile } from '../../../preload/contract/camera-profile.ts';
import { errorOf, failureSchema } from '../../engine/protocol.ts';
import { Refusal, throwIfCancelled } from '../../base/refusal.ts';
import type { Batch } from './patches.ts';
import type { Shelf } from './shelf.ts';

export interface PatchSourceOptions {
  /** Paths of clean photos; what can't be read is left out and named in `skipped`. */
  readonly files: readonly string[];
  readonly seed: number;
  /** Patches in a batch. */
  readonly batch: number;
  /** Side of a patch in packed pixels. */
  readonly patchPacked: number;
  /** Share of the patches drawn from the deep dark besides, 0–1, as in `drawSlope`. Default 0. */
  readonly deepDark?: number;
  /** The measured camera in whose noise photos are darkened; all cameras' if not given. */
  readonly camera?: CameraProfile | undefined;
  /** Number of the first batch: where a resumed run goes on. Default 0. */
  readonly firstStep?: number;
  /** Batches kept ready. Default 6. */
  readonly ahead?: number;
  /** Threads that cut patches. Default: one for every four processors, at most four. */
  readonly cutters?: number;
  /**
   * Memory for decoded photos. Where they don't all fit, a shelf of some of them rolls through the
   * dataset; which patches come depends on this number then. Default 1.5 GiB.
   */
  readonly photoBytesMax?: number;
  readonly signal?: AbortSignal;
  /** Called while the photos are read for the first time. */
  readonly onLoading?: (loaded: number, total: number) => void;
  /** Told of a photo that cannot be read any more. */
  readonly onSkipped?: (account: string) => void;
  /** Told when a batch has to wait for a folder that is away, and (undefined) when it came. */
  readonly onAway?: (account: string | undefined) => void;
}

/** Samples in memory of their own, as transferred buffers are. */
const plainFloats = z.custom<Float32Array<ArrayBuffer>>(
  (value) => value instanceof Float32Array && value.buffer instanceof ArrayBuffer,
);

const loaderReports = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loading'), loaded: z.number(), total: z.number() }),
  z.object({
    kind: z.literal('ready'),
    photos: z.number(),
    shelf: z.custom<Shelf>((value) => value instanceof Object),
  }),
  z.object({ kind: z.literal('skipped'), account: z.string() }),
  z.object({ kind: z.literal('away'), account: z.string().optional() }),
  z.object({ kind: z.literal('failed'), failure: failureSchema }),
]);

const cutterReports = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('batch'),
    step: z.number(),
    input: plainFloats,
    target: plainFloats,
  }),
  z.object({ kind: z.literal('failed'), failure: failureSchema }),
]);

/** A wait shorter than this is for a batch that is being cut, and no news. */
const patienceMs = 500;

/** Batch k depends on the photos, the seed, the memory for photos and k alone. */
export class PatchSource {
  /** Photos that are drawn from. */
  readonly photos: number;
  /** One line for each file that could not be read at first. */
  readonly skipped: readonly string[];
  /** Whether all photos are in memory for good. */
  readonly holdsAll: boolean;
  readonly #options: PatchSourceOptions;
  readonly #workers: readonly Worker[];
  readonly #cutters: readonly Worker[];
  readonly #ahead: number;
  readonly #coming: Promise<Batch>[] = [];
  readonly #awaited = new Map<number, PromiseWithResolvers<Batch>>();
  #nextStep: number;
  #failure: Error | undefined;
  #isClosed = false;
  /** What is away, while something is. */
  #away: string | undefined;
  #isWaiting = false;
  #hasToldAway = false;

  private constructor(loader: Loader, options: PatchSourceOptions) {
    const { shelf, photos } = loader.ready;
    this.photos = photos;
    this.skipped = [...loader.skipped];
    this.holdsAll = shelf.kind === 'all';
    this.#options = options;
    this.#nextStep = options.firstStep ?? 0;
    this.#ahead = Math.max(1, options.ahead ?? 6);
    const usual = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)));
    this.#cutters = Array.from({ length: options.cutters ?? usual }, () =>
      this.#openCutter(loader.worker, shelf),
    );
    this.#workers = [loader.worker, ...this.#cutters];
    loader.onSkipped = (account) => options.onSkipped?.(account);
    loader.onAway = (account) => {
      this.#away = account;
      this.#tellAway();
    };
    for (const worker of this.#workers) this.#watch(worker);
    loader.failed.catch((error: unknown) => {
      this.#fail(error);
    });
    while (this.#coming.length < this.#ahead) this.#order();
  }

  /**
   * Starts the threads and waits until photos are read.
   * @throws Refusal `dataset` if none can be read, `cancelled`
   */
  static async open(options: PatchSourceOptions): Promise<PatchSource> {
    throwIfCancelled(options.signal);
    return new PatchSource(await Loader.open(options), options);
  }

  /**
   * The next batch, in the order of their numbers; its arrays are the caller's to keep. Waits while
   * the folder of a photo in it is away.
   * @throws what ended a thread; Refusal `dataset` if no photo can be read any more
   */
  async next(): Promise<Batch> {
    if (this.#isClosed) throw new Error('the patch source is closed');
    if (this.#failure !== undefined) throw this.#failure;
    const first = this.#coming.shift();
    this.#order();
    if (first === undefined) throw new Error('no batch was ordered');
    const waiting = setTimeout(() => {
      this.#isWaiting = true;
      this.#tellAway();
    }, patienceMs);
    try {
      return await first;
    } finally {
      clearTimeout(waiting);
      this.#isWaiting = false;
      if (this.#hasToldAway) this.#options.onAway?.(undefined);
      this.#hasToldAway = false;
    }
  }

  /** Goes on with the batch of this number. */
  rewind(step: number): void {
    this.#coming.length = 0;
    this.#awaited.clear();
    this.#nextStep = step;
    while (this.#coming.length < this.#ahead) this.#order();
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #openCutter(loader: Worker, shelf: Shelf): Worker {
    const { seed, batch, patchPacked, deepDark = 0, camera } = this.#options;
    const { port1, port2 } = new MessageChannel();
    loader.postMessage({ client: port1 }, [port1]);
    const cutter = new Worker(new URL('./patch-worker.ts', import.meta.url), {
      workerData: { seed, batch, patchPacked, deepDark, camera, shelf, loader: port2 },
      transferList: [port2],
    });
    cutter.on('message', (message: unknown) => {
      const report = cutterReports.parse(message);
      if (report.kind === 'failed') {
        this.#fail(errorOf(report.failure));
        return;
      }
      const { step, input, target } = report;
      this.#awaited.get(step)?.resolve({ step, input, target });
      this.#awaited.delete(step);
    });
    return cutter;
  }

  #watch(worker: Worker): void {
    worker.on('error', (error) => {
      this.#fail(error);
    });
    worker.on('exit', () => {
      this.#fail(new Error('a thread of the patches ended before its batches were made'));
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const batch of this.#awaited.values()) batch.reject(this.#failure);
  }

  #tellAway(): void {
    // Who has batches does not care whether a folder is away that the next photos are in.
    if (!this.#isWaiting || this.#hasToldAway || this.#away === undefined) return;
    this.#hasToldAway = true;
    this.#options.onAway?.(this.#away);
  }

  #order(): void {
    const step = this.#nextStep++;
    const batch = Promise.withResolvers<Batch>();
    // Whoever awaits it meets the failure; until then it is nobody's unhandled rejection.
    batch.promise.catch(() => undefined);
    this.#coming.push(batch.promise);
    this.#awaited.set(step, batch);
    this.#cutters[step % this.#cutters.length]?.postMessage(step);
  }
}

/** The loading thread, once it has read what there is room for. */
class Loader {
  readonly worker: Worker;
  readonly skipped: string[] = [];
  readonly failed: Promise<never>;
  onSkipped: (account: string) => void = (account) => this.skipped.push(account);
  onAway: (account: string | undefined) => void;
  readonly cancel: () => void;
  readonly #ready = Promise.withResolvers<{ photos: number; shelf: Shelf }>();
  #found: { photos: number; shelf: Shelf } | undefined;

  private constructor({ files, photoBytesMax, onLoading, onAway }: PatchSourceOptions) {
    this.onAway = (account) => onAway?.(account);
    this.worker = new Worker(new URL('./loader.ts', import.meta.url), {
      workerData: { files: [...files], bytesMax: photoBytesMax ?? 1.5 * 2 ** 30 },
    });
    const failure = Promise.withResolvers<never>();
    this.failed = failure.promise;
    // A failure that nobody is waiting for is met by the next call of next().
    this.failed.catch(() => undefined);
    this.worker.on('error', failure.reject);
    this.worker.on('exit', () => {
      failure.reject(new Error('the photos’ thread ended before its photos were read'));
    });
    this.cancel = () => {
      failure.reject(new Refusal('cancelled', 'cancelled'));
    };
    this.worker.on('message', (message: unknown) => {
      const report = loaderReports.parse(message);
      switch (report.kind) {
        case 'loading':
          onLoading?.(report.loaded, report.total);
          break;
        case 'ready':
          this.#found = report;
          this.#ready.resolve(report);
          break;
        case 'skipped':
          this.onSkipped(report.account);
          break;
        case 'away':
          this.onAway(report.account);
          break;
        case 'failed':
          failure.reject(errorOf(report.failure));
          break;
      }
    });
  }

  static async open(options: PatchSourceOptions): Promise<Loader> {
    const loader = new Loader(options);
    options.signal?.addEventListener('abort', loader.cancel, { once: true });
    try {
      await Promise.race([loader.#ready.promise, loader.failed]);
      return loader;
    } catch (error) {
      await loader.worker.terminate();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', loader.cancel);
    }
  }

  get ready(): { readonly photos: number; readonly shelf: Shelf } {
    if (this.#found === undefined) throw new Error('expected the photos to be read');
    return this.#found;
  }
}
