/**
 * Prepares batches ahead, in numerical order. One thread reads photos and others cut patches. They
 * share the photos in memory, which stay below a limit whatever the size of the dataset.
 */

import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { CameraProfile } from '../../../preload/contract/camera-profile.ts';
import { Peer } from '../../process/peer.ts';
import { joinThread } from '../../process/thread.ts';
import { throwIfCancelled } from '../../base/refusal.ts';
import { awayNote, batchCall, clientNote, loadPhotosCall, skippedNote } from './batch-calls.ts';
import { noNight, type NightShares } from './night.ts';
import type { Batch } from './patches.ts';
import type { Shelf } from './shelf.ts';

export interface PatchSourceOptions {
  /** Paths of clean photos. Those that can't be read are left out and listed in `skipped`. */
  readonly files: readonly string[];
  readonly seed: number;
  /** Patches in a batch. */
  readonly batch: number;
  /** Side of a patch in packed pixels. */
  readonly patchPacked: number;
  /** Share of patches, 0–1, drawn only from the deep dark, as in `drawSlope`. Default 0. */
  readonly deepDark?: number;
  /** Shares of the patches with stars, lamps and sensor faults. Default none. */
  readonly night?: NightShares;
  /**
   * The measured camera whose noise darkens the photos; if absent, noise is drawn as for all
   * cameras.
   */
  readonly camera?: CameraProfile | undefined;
  /** Number of the first batch; a resumed run starts later. Default 0. */
  readonly firstStep?: number;
  /** Batches kept ready. Default 6. */
  readonly ahead?: number;
  /** Threads that cut patches. Default: one for every four processors, at most four. */
  readonly cutters?: number;
  /**
   * Memory for decoded photos. If they don't all fit, a changing subset of them (the shelf) is
   * kept, and the choice of patches depends on this number. Default 1.5 GiB.
   */
  readonly photoBytesMax?: number;
  readonly signal?: AbortSignal;
  /** Called while the photos are read for the first time. */
  readonly onLoading?: (loaded: number, total: number) => void;
  /** Called when a photo can no longer be read. */
  readonly onSkipped?: (account: string) => void;
  /**
   * Called with an account when a batch has to wait for a missing folder, and with undefined once
   * the batch has arrived.
   */
  readonly onAway?: (account: string | undefined) => void;
}

/** Shorter waits are normal, because the batch is still being cut, and are not reported. */
const patienceMs = 500;

/** Batch k depends only on the photos, the seed, the memory for photos and k. */
export class PatchSource {
  /** Number of photos that patches are drawn from. */
  readonly photos: number;
  /** One line for each file that could not be read in the first pass. */
  readonly skipped: readonly string[];
  /** Whether all photos stay in memory. */
  readonly holdsAll: boolean;
  readonly #options: PatchSourceOptions;
  readonly #workers: Worker[];
  readonly #cutters: readonly Peer[];
  readonly #ahead: number;
  readonly #coming: Promise<Batch>[] = [];
  #nextStep: number;
  #failure: Error | undefined;
  #isClosed = false;
  /** What is missing at the moment. */
  #away: string | undefined;
  #isWaiting = false;
  #hasToldAway = false;

  private constructor(loader: Loader, options: PatchSourceOptions) {
    const { shelf, photos } = loader.found;
    this.photos = photos;
    this.skipped = [...loader.skipped];
    this.holdsAll = shelf.kind === 'all';
    this.#options = options;
    this.#nextStep = options.firstStep ?? 0;
    this.#ahead = Math.max(1, options.ahead ?? 6);
    const usual = Math.min(4, Math.max(1, Math.floor(availableParallelism() / 4)));
    this.#workers = [loader.worker];
    this.#cutters = Array.from({ length: options.cutters ?? usual }, () =>
      this.#openCutter(loader.thread, shelf),
    );
    loader.onSkipped = (account) => options.onSkipped?.(account);
    loader.onAway = (account) => {
      this.#away = account;
      this.#tellAway();
    };
    loader.onExit = (reason) => {
      this.#fail(new Error(`the thread that reads photos ended ${reason}`));
    };
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
   * The next batch, in numerical order; its arrays are the caller's to keep. Waits while the folder
   * of one of its photos is missing.
   * @throws what ended a thread; Refusal `dataset` if photos can no longer be read
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

  /** Continues with the batch of this number. */
  rewind(step: number): void {
    this.#coming.length = 0;
    this.#nextStep = step;
    while (this.#coming.length < this.#ahead) this.#order();
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #openCutter(loader: Peer, shelf: Shelf): Peer {
    const { seed, batch, patchPacked, deepDark = 0, night = noNight, camera } = this.#options;
    const { port1, port2 } = new MessageChannel();
    loader.tell(clientNote, port1, [port1]);
    const worker = new Worker(new URL('./patch-worker.ts', import.meta.url), {
      workerData: { seed, batch, patchPacked, deepDark, night, camera, shelf, loader: port2 },
      transferList: [port2],
    });
    this.#workers.push(worker);
    return new Peer('a thread that cuts patches', joinThread(worker));
  }

  /** No more batches can come, from any thread. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const cutter of this.#cutters) cutter.close(this.#failure);
  }

  #tellAway(): void {
    // While batches are available, a missing folder of later photos is not reported.
    if (!this.#isWaiting || this.#hasToldAway || this.#away === undefined) return;
    this.#hasToldAway = true;
    this.#options.onAway?.(this.#away);
  }

  #order(): void {
    const step = this.#nextStep++;
    const cutter = this.#cutters[step % this.#cutters.length];
    if (cutter === undefined) throw new Error('expected a thread that cuts patches');
    const batch = cutter.ask(batchCall, step);
    // A caller that awaits the batch gets the failure too.
    batch.catch((error: unknown) => {
      this.#fail(error);
    });
    this.#coming.push(batch);
  }
}

/** The thread that reads photos, after it has read as many as fit. */
class Loader {
  readonly worker = new Worker(new URL('./loader.ts', import.meta.url));
  readonly thread: Peer;
  readonly skipped: string[] = [];
  onSkipped: (account: string) => void = (account) => this.skipped.push(account);
  onAway: (account: string | undefined) => void;
  onExit: (reason: string) => void = () => undefined;
  #found: { readonly photos: number; readonly shelf: Shelf } | undefined;

  private constructor(onAway: PatchSourceOptions['onAway']) {
    this.onAway = (account) => onAway?.(account);
    this.thread = new Peer('the thread that reads photos', joinThread(this.worker), {
      onExit: (reason) => {
        this.onExit(reason);
      },
    });
    this.thread.listen(skippedNote, (account) => {
      this.onSkipped(account);
    });
    this.thread.listen(awayNote, (account) => {
      this.onAway(account);
    });
  }

  static async open(options: PatchSourceOptions): Promise<Loader> {
    const { files, photoBytesMax = 1.5 * 2 ** 30, signal, onLoading, onAway } = options;
    const loader = new Loader(onAway);
    const asked = { files: [...files], bytesMax: photoBytesMax };
    try {
      loader.#found = await loader.thread.ask(loadPhotosCall, asked, {
        signal,
        onProgress: ({ loaded, total }) => onLoading?.(loaded, total),
      });
      return loader;
    } catch (error) {
      await loader.worker.terminate();
      throw error;
    }
  }

  get found(): { readonly photos: number; readonly shelf: Shelf } {
    if (this.#found === undefined) throw new Error('expected the photos to be read');
    return this.#found;
  }
}
