/**
 * Batches in the order of their numbers, made ahead: one thread reads photos, others cut patches, and
 * the photos in memory, which they share, stay below a limit however many there are.
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
  /** Paths of clean photos; what can't be read is left out and named in `skipped`. */
  readonly files: readonly string[];
  readonly seed: number;
  /** Patches in a batch. */
  readonly batch: number;
  /** Side of a patch in packed pixels. */
  readonly patchPacked: number;
  /** Share of the patches drawn from the deep dark besides, 0–1, as in `drawSlope`. Default 0. */
  readonly deepDark?: number;
  /** Shares of the patches with stars, lamps and a sensor's faults. Default none. */
  readonly night?: NightShares;
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
  readonly #workers: Worker[];
  readonly #cutters: readonly Peer[];
  readonly #ahead: number;
  readonly #coming: Promise<Batch>[] = [];
  #nextStep: number;
  #failure: Error | undefined;
  #isClosed = false;
  /** What is away, while something is. */
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

  /** Nothing comes any more, from the other threads neither. */
  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    for (const cutter of this.#cutters) cutter.close(this.#failure);
  }

  #tellAway(): void {
    // Who has batches does not care whether a folder is away that the next photos are in.
    if (!this.#isWaiting || this.#hasToldAway || this.#away === undefined) return;
    this.#hasToldAway = true;
    this.#options.onAway?.(this.#away);
  }

  #order(): void {
    const step = this.#nextStep++;
    const cutter = this.#cutters[step % this.#cutters.length];
    if (cutter === undefined) throw new Error('expected a thread that cuts patches');
    const batch = cutter.ask(batchCall, step);
    // Whoever awaits it meets the failure too.
    batch.catch((error: unknown) => {
      this.#fail(error);
    });
    this.#coming.push(batch);
  }
}

/** The thread that reads photos, once it has read what there is room for. */
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
