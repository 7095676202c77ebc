/**
 * Keeps decoded photos in shared memory up to a limit. The photo unused for longest is dropped
 * first.
 */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ByteCache } from '../../base/byte-cache.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { loadLinearPhoto } from './photos.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';

export interface PhotoCacheOptions {
  /** Absolute paths of photos. Requests use the index in this list. */
  readonly files: readonly string[];
  readonly bytesMax: number;
  /** Called once for each photo that cannot be read, or no longer. */
  readonly onSkipped: (account: string) => void;
  /**
   * Called with an account when a folder of photos is missing, and with undefined when it is back.
   */
  readonly onAway: (account: string | undefined) => void;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly photo: LinearPhoto;
}

interface Load {
  readonly index: number;
  readonly photo: PromiseWithResolvers<LinearPhoto | undefined>;
}

/** Decoding takes far more memory than the decoded photo. */
const loadsAtOnce = 2;
/** Interval between checks whether a folder is back. */
const awayMs = 1000;
/** Number of other files that are looked for to decide whether their folder is there. */
const siblingsAsked = 8;

export class PhotoCache {
  readonly #options: PhotoCacheOptions;
  readonly #cache: ByteCache<Entry>;
  readonly #loading = new Map<number, Load>();
  readonly #bad = new Set<number>();
  readonly #wanted: Load[] = [];
  readonly #hinted: Load[] = [];
  #active = 0;
  #mayLose = Number.POSITIVE_INFINITY;

  constructor(options: PhotoCacheOptions) {
    this.#options = options;
    this.#cache = new ByteCache(() => options.bytesMax);
  }

  /**
   * From now on unreadable photos count as a failure: if they are more than half of all, the run
   * ends.
   */
  begin(): void {
    this.#mayLose = this.#options.files.length / 2;
  }

  /**
   * The photo, or undefined if it cannot be read; waits while its folder is away.
   * @throws Refusal `dataset` once most photos cannot be read
   */
  async get(index: number): Promise<LinearPhoto | undefined> {
    return this.#ask(index, this.#wanted);
  }

  /** Loads a photo that will soon be requested, once nothing else is waiting to be loaded. */
  hint(index: number): void {
    // The request that needs the photo will get the failure.
    this.#ask(index, this.#hinted).catch(() => undefined);
  }

  async #ask(index: number, queue: Load[]): Promise<LinearPhoto | undefined> {
    if (this.#bad.size > this.#mayLose) {
      throw new Refusal(
        'dataset',
        `expected photos to train on but ${this.#bad.size} of ${this.#options.files.length} cannot be read (any more)`,
      );
    }
    if (this.#bad.has(index)) return undefined;
    const kept = this.#cache.get(String(index));
    if (kept !== undefined) return kept.photo;
    let load = this.#loading.get(index);
    if (load === undefined) {
      load = { index, photo: Promise.withResolvers() };
      this.#loading.set(index, load);
      queue.push(load);
    } else if (queue === this.#wanted && this.#hinted.includes(load)) {
      // It was only hinted at so far, and now somebody waits for it.
      this.#hinted.splice(this.#hinted.indexOf(load), 1);
      queue.push(load);
    }
    this.#startNext();
    return load.photo.promise;
  }

  #startNext(): void {
    while (this.#active < loadsAtOnce) {
      const next = this.#wanted.shift() ?? this.#hinted.shift();
      if (next === undefined) return;
      this.#active += 1;
      void this.#load(next);
    }
  }

  async #load({ index, photo }: Load): Promise<void> {
    try {
      const loaded = await this.#read(index);
      this.#loading.delete(index);
      if (loaded === undefined) this.#bad.add(index);
      else this.#cache.set(String(index), loaded);
      photo.resolve(loaded?.photo);
    } catch (error) {
      photo.reject(error);
    } finally {
      this.#active -= 1;
      this.#startNext();
    }
  }

  async #read(index: number): Promise<Entry | undefined> {
    const file = this.#options.files[index];
    if (file === undefined) throw new Error(`expected a photo of number ${String(index)}`);
    let failures = 0;
    for (;;) {
      try {
        return shared(await loadLinearPhoto(file));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        if (await this.#isAway(file)) {
          this.#options.onAway(`${path.dirname(file)} is away: ${describeError(error)}`);
          while (await this.#isAway(file)) await sleep(awayMs);
          this.#options.onAway(undefined);
        } else {
          // One retry: the file may have come back between reading and checking.
          failures += 1;
          if (failures < 2) continue;
          this.#options.onSkipped(error.message);
          return undefined;
        }
      }
    }
  }

  /**
   * If only this photo is missing, it was deleted. If the other photos of its folder are missing
   * too, the disk was unplugged.
   */
  async #isAway(file: string): Promise<boolean> {
    if (await isThere(file)) return false;
    const folder = path.dirname(file);
    const siblings = this.#options.files.filter(
      (other) => other !== file && path.dirname(other) === folder,
    );
    if (siblings.length === 0) return !(await isThere(folder));
    const found = await Promise.all(siblings.slice(0, siblingsAsked).map(isThere));
    return !found.includes(true);
  }
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Copies the photo into shared memory. */
function shared(photo: LinearPhoto): Entry {
  const bytes = new Uint8Array(new SharedArrayBuffer(photo.codes.byteLength));
  const codes = new Uint16Array(bytes.buffer);
  codes.set(photo.codes);
  return { bytes, photo: { ...photo, codes } };
}
