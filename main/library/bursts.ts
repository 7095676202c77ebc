/**
 * The bursts of the open folder, found from the heads of its files while the library lists them, and
 * the user's choices about them.
 */

import path from 'node:path';
import { burstFramesMax, type Burst, type Motion } from '../../preload/contract/bursts.ts';
import { Refusal } from '../base/refusal.ts';
import { findBursts, type SeenPhoto } from '../burst/find.ts';
import { readHeader } from '../raw/header.ts';
import type { FoundPhoto } from './folder.ts';
import { photoIdOf } from './photo-id.ts';

/** How a burst is merged. */
export interface BurstChoice {
  readonly reference?: string | undefined;
  readonly leftOut: readonly string[];
  readonly motion: Motion;
}

const plainChoice: BurstChoice = { leftOut: [], motion: 'freeze' };

/** Files that are read at once. */
const readsMax = 8;
/** New bursts are told after this many files, because disks of memory cards are slow. */
const toldEvery = 400;
const headsMax = 50_000;

export class Bursts {
  readonly #tell: (bursts: Burst[]) => void;
  /** By path and version; undefined for files that say nothing. */
  readonly #heads = new Map<string, SeenPhoto['summary'] | undefined>();
  /** By the id of the burst. */
  readonly #choices = new Map<string, BurstChoice>();
  #photos: readonly FoundPhoto[] = [];
  #looking: Promise<void> | undefined;
  #current: readonly Burst[] = [];

  /** @param tell called with all bursts whenever they changed */
  constructor(tell: (bursts: Burst[]) => void) {
    this.#tell = tell;
  }

  get current(): readonly Burst[] {
    return this.#current;
  }

  /** Looks through these photos instead of those before. Returns at once, and never throws. */
  look(photos: readonly FoundPhoto[]): void {
    if (this.#heads.size > headsMax + photos.length) this.#heads.clear();
    this.#photos = photos;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Resolves when all photos have been looked through. */
  async settled(): Promise<void> {
    await this.#looking;
  }

  /**
   * @param id of a burst
   * @throws Refusal `bad-argument`
   */
  choose(id: string, choice: BurstChoice): void {
    const { frames } = this.burst(id);
    const { reference, leftOut } = choice;
    const isKnown = [...leftOut, ...(reference === undefined ? [] : [reference])].every((frame) =>
      frames.includes(frame),
    );
    if (!isKnown) {
      throw new Refusal('bad-argument', 'expected frames of the burst but received another photo');
    }
    if (reference !== undefined && leftOut.includes(reference)) {
      throw new Refusal('bad-argument', 'expected a reference that is not left out');
    }
    if (frames.length - leftOut.length < 2) {
      throw new Refusal('bad-argument', 'expected at least two frames that are not left out');
    }
    this.#choices.set(id, choice);
    this.#update();
  }

  /** @throws Refusal `bad-argument` */
  burst(id: string): Burst {
    const found = this.#current.find((burst) => burst.id === id);
    if (found === undefined) {
      throw new Refusal('bad-argument', 'this burst is not in the open folder any more');
    }
    return found;
  }

  async #look(): Promise<void> {
    this.#update();
    for (;;) {
      const unread = this.#photos.filter((photo) => !this.#heads.has(keyOf(photo)));
      if (unread.length === 0) return;
      const batch = unread.slice(0, toldEvery);
      const readers = Array.from({ length: readsMax }, async () => {
        for (let photo = batch.shift(); photo !== undefined; photo = batch.shift()) {
          this.#heads.set(keyOf(photo), await readHeader(photo.path));
        }
      });
      await Promise.all(readers);
      this.#update();
    }
  }

  #update(): void {
    const bursts = this.#find();
    if (JSON.stringify(bursts) === JSON.stringify(this.#current)) return;
    this.#current = bursts;
    this.#tell([...bursts]);
  }

  /** Frames of one burst are in one folder: copies in another are no frames. */
  #find(): Burst[] {
    const folders = new Map<string, SeenPhoto[]>();
    for (const photo of this.#photos) {
      const summary = this.#heads.get(keyOf(photo));
      if (summary === undefined) continue;
      const folder = path.dirname(photo.path);
      const seen = folders.get(folder) ?? [];
      seen.push({ path: photo.path, summary });
      folders.set(folder, seen);
    }
    return [...folders.values()].flatMap((seen) => {
      const merged = seen.filter(({ summary }) => summary.merged !== undefined);
      return findBursts(seen)
        .filter((frames) => frames.length <= burstFramesMax)
        .map((frames) => this.#burstOf(frames, merged));
    });
  }

  #burstOf(seen: readonly SeenPhoto[], merged: readonly SeenPhoto[]): Burst {
    const frames = seen.map(({ path: file }) => photoIdOf(file));
    const [id = ''] = frames;
    const names = new Set(seen.map(({ path: file }) => path.basename(file)));
    const into = merged.findLast(
      ({ summary }) => summary.merged?.frames.every((name) => names.has(name)) === true,
    );
    const { reference, leftOut, motion } = this.#choices.get(id) ?? plainChoice;
    // Frames may have been deleted since the choice was made.
    const isThere = (frame: string): boolean => frames.includes(frame);
    return {
      id,
      frames,
      ...(reference === undefined || !isThere(reference) ? {} : { reference }),
      leftOut: leftOut.filter(isThere),
      motion,
      ...(into === undefined ? {} : { merged: photoIdOf(into.path) }),
    };
  }
}

function keyOf({ path: file, modifiedMs, bytes }: FoundPhoto): string {
  return `${file}\n${modifiedMs} ${bytes}`;
}
