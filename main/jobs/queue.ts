/** The export queue: waiting, running and ended exports, kept over restarts of the app. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import type { Queue as QueueState } from '../../preload/contract/contract.ts';
import type { EventHub } from '../base/events.ts';
import { openOutputFolder } from '../base/atomic.ts';
import { OutputNames, type Reservation } from '../export/naming.ts';
import { outputFolderName } from '../library/folder.ts';
import type { PhotoFailure } from '../library/listed.ts';
import type { JsonFile } from '../base/json-file.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { Clock } from './clock.ts';
import { hasEnded, savedOf, toldOf, workingShare, type Item } from './queue-item.ts';
import { leftOver, queueFile, type QueuedChoice, type SavedQueue } from './saved-queue.ts';

/** One photo of the queue, as passed to whoever enhances it. */
export interface ExportOrder {
  readonly photo: string;
  readonly number: number;
  readonly choice: QueuedChoice;
  /** Names for its picture. After a retry, it keeps the name it had before. */
  readonly names: PictureNames;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: {
    readonly stage: 'decode' | 'network' | 'encode';
    readonly tilesDone: number;
    readonly tilesTotal: number;
  }) => void;
}

/** @throws Refusal `disk` */
export interface PictureNames {
  /** @param photoPath its stem becomes the picture's */
  reserve(photoPath: string): Promise<Reservation>;
  /** Used when the last name was taken in the meantime. */
  reserveNext(): Promise<Reservation>;
}

export interface ExportOutcome {
  readonly kind: 'done' | 'skipped';
  readonly path: string;
  /** Id of the photo's model, if that is not here and another one developed it. */
  readonly missingModel?: string | undefined;
}

export interface QueueParts {
  /** Folder of the app's data. */
  readonly folder: string;
  readonly events: EventHub;
  /** @throws any failure; `cancelled` once the signal is aborted */
  readonly enhance: (order: ExportOrder) => Promise<ExportOutcome>;
  readonly onEnd: (photo: string, failure: PhotoFailure | undefined) => void;
}

/** One photo in the network, and one being decoded or encoded. */
const underWayMax = 2;
const leaveMs = 2000; // for engines to take back what they were writing when the queue closes
/** Reason for cancelling running exports other than the user's wish. */
const diskFull = Symbol('disk full');
/** Minimum interval between reports of the queue; those of long lists take longer. */
const tellMs = 200;
const tellLongListMs = 1000;
const longList = 500;

export class Queue {
  readonly #parts: QueueParts;
  readonly #file: JsonFile<SavedQueue>;
  readonly #batches = new Map<string, QueuedChoice>();
  readonly #names = new Map<string, OutputNames>();
  /** By item: the name that a retry may use again. */
  readonly #targets = new Map<string, Reservation>();
  readonly #underWay = new Map<string, AbortController>();
  readonly #clock = new Clock();
  readonly #works = new Set<Promise<void>>();
  #items: Item[] = [];
  #isPaused = false;
  /** Why it paused by itself. */
  #stoppedBy: string | undefined;
  #isClosed = false;
  #telling: NodeJS.Timeout | undefined;

  private constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#file = queueFile(parts.folder);
  }

  /** What is left of the queue since the app ended. */
  static async load(folder: string): Promise<SavedQueue> {
    return leftOver(await queueFile(folder).read());
  }

  /** Continues a saved queue; exports that were running start again. */
  static resume({ isPaused, batches, items }: SavedQueue, parts: QueueParts): Queue {
    const queue = new Queue(parts);
    queue.#isPaused = isPaused;
    for (const [id, choice] of Object.entries(batches)) queue.#batches.set(id, choice);
    queue.#items = items
      .filter(({ batch }) => queue.#batches.has(batch))
      .map((item) => ({
        ...item,
        state: item.state === 'working' ? 'waiting' : item.state,
        tilesDone: 0,
        tilesTotal: 0,
      }));
    queue.#startNext();
    return queue;
  }

  get state(): QueueState {
    const items = this.#items.map((item) => toldOf(item, this.#batches.get(item.batch)?.preset));
    const remainingMs = this.#remainingMs();
    return {
      isPaused: this.#isPaused,
      ...(this.#stoppedBy === undefined ? {} : { stoppedBy: this.#stoppedBy }),
      items,
      ended: this.#items.filter(hasEnded).length,
      total: items.length,
      elapsedMs: this.#clock.elapsedMs,
      ...(remainingMs === undefined ? {} : { remainingMs }),
    };
  }

  /** @param photos paths; a photo already waiting with the same choice is not queued twice */
  add(photos: readonly string[], choice: QueuedChoice): number {
    if (this.#items.every(hasEnded)) this.#clock.reset();
    const batch = randomBytes(8).toString('hex');
    this.#batches.set(batch, choice);
    const key = JSON.stringify(choice);
    const waiting = new Set(
      this.#items
        .filter((item) => !hasEnded(item) && JSON.stringify(this.#batches.get(item.batch)) === key)
        .map(({ photo }) => photo),
    );
    const fresh = photos.filter((photo) => !waiting.has(photo));
    fresh.forEach((photo, index) => {
      const id = randomBytes(8).toString('hex');
      const number = index + 1;
      this.#items.push({ id, batch, photo, number, state: 'waiting', tilesDone: 0, tilesTotal: 0 });
    });
    this.#changed();
    return fresh.length;
  }

  pause(): void {
    this.#isPaused = true;
    this.#changed();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stoppedBy = undefined;
    this.#changed();
  }

  /** @param ids if absent, all that have not ended */
  cancel(ids?: readonly string[]): void {
    for (const item of this.#chosen(ids)) {
      this.#underWay.get(item.id)?.abort();
      if (item.state === 'waiting') item.state = 'cancelled';
    }
    this.#changed();
  }

  /** @param ids if absent, all that failed or were cancelled */
  retry(ids?: readonly string[]): void {
    for (const item of this.#chosen(ids)) {
      if (item.state !== 'failed' && item.state !== 'cancelled') continue;
      item.state = 'waiting';
      delete item.failure;
      delete item.stage;
      item.tilesDone = 0;
      item.tilesTotal = 0;
    }
    this.#changed();
  }

  clear(): void {
    for (const item of this.#items) if (hasEnded(item)) this.#targets.delete(item.id);
    this.#items = this.#items.filter((item) => !hasEnded(item));
    const used = new Set(this.#items.map(({ batch }) => batch));
    for (const batch of this.#batches.keys()) {
      if (used.has(batch)) continue;
      this.#batches.delete(batch);
      for (const key of this.#names.keys()) if (key.startsWith(batch)) this.#names.delete(key);
    }
    if (this.#items.length === 0) this.#clock.reset();
    this.#changed();
  }

  /** Running exports are stopped, and start again when the queue is next opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#telling);
    for (const controller of this.#underWay.values()) controller.abort();
    await Promise.race([
      Promise.allSettled(this.#works),
      delay(leaveMs, undefined, { ref: false }),
    ]);
    await this.#save();
  }

  #chosen(ids: readonly string[] | undefined): readonly Item[] {
    if (ids === undefined) return this.#items;
    const wanted = new Set(ids);
    return this.#items.filter(({ id }) => wanted.has(id));
  }

  #startNext(): void {
    while (!this.#isPaused && !this.#isClosed && this.#underWay.size < underWayMax) {
      const item = this.#items.find(({ state }) => state === 'waiting');
      if (item === undefined) break;
      const work = this.#work(item).finally(() => this.#works.delete(work));
      this.#works.add(work);
    }
    this.#clock.run(this.#underWay.size > 0);
  }

  async #work(item: Item): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(item.id, controller);
    item.state = 'working';
    const { signal } = controller;
    try {
      const choice = this.#batches.get(item.batch);
      if (choice === undefined) throw new Error(`expected the choice of batch ${item.batch}`);
      const names = await this.#namesFor(item, choice);
      const { photo, number } = item;
      const outcome = await this.#parts.enhance({
        photo,
        number,
        choice,
        names: this.#namesOf(item, names, choice),
        signal,
        onProgress: ({ stage, tilesDone, tilesTotal }) => {
          item.stage = stage;
          item.tilesDone = tilesDone;
          item.tilesTotal = tilesTotal;
          this.#tell();
        },
      });
      this.#clock.worked(1);
      this.#land(item, outcome.kind);
      item.path = outcome.path;
      if (outcome.missingModel !== undefined) item.missingModel = outcome.missingModel;
      this.#parts.onEnd(photo, undefined);
    } catch (error) {
      this.#fail(item, error, signal);
    }
    this.#changed();
  }

  #land(item: Item, state: Item['state']): void {
    item.state = state;
    delete item.stage;
    this.#underWay.delete(item.id);
  }

  #fail(item: Item, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      // It was ended by the app's end or a full disk, not by the user, so it will start again.
      const isToBegin = this.#isClosed || signal.reason === diskFull;
      this.#land(item, isToBegin ? 'waiting' : 'cancelled');
      return;
    }
    if (error instanceof Refusal && error.isLasting) {
      this.#stop(item, error);
      return;
    }
    const code = error instanceof Refusal ? error.code : 'bug';
    item.failure = { code, message: describeError(error) };
    this.#clock.worked(1);
    this.#land(item, 'failed');
    this.#parts.onEnd(item.photo, item.failure);
    // Without a network, every photo would fail for the same reason.
    if (code === 'model') this.#isPaused = true;
  }

  /**
   * The following photos would be developed in vain, so they wait until there is room on the disk.
   */
  #stop(item: Item, { message }: Refusal): void {
    this.#land(item, 'waiting');
    this.#isPaused = true;
    this.#stoppedBy = message;
    for (const controller of this.#underWay.values()) controller.abort(diskFull);
    const done = this.#items.filter(hasEnded).length;
    const account = `${message}. The queue is paused with ${done} of ${this.#items.length} done.`;
    this.#parts.events.emit('app.trouble', { account });
  }

  #namesOf({ id }: Item, names: OutputNames, { output }: QueuedChoice): PictureNames {
    const keep = (target: Reservation): Reservation => {
      this.#targets.set(id, target);
      return target;
    };
    return {
      reserve: async (photoPath) => {
        const own = this.#targets.get(id);
        const isFree = own !== undefined && (own.overwrite || !existsSync(own.path));
        return isFree ? own : keep(await names.reserve(photoPath, output.format));
      },
      reserveNext: async () => {
        const own = this.#targets.get(id);
        if (own === undefined) throw new Error('expected a name before the next one');
        return keep(await names.reserveNext(own));
      },
    };
  }

  async #namesFor({ batch, photo }: Item, choice: QueuedChoice): Promise<OutputNames> {
    // If the photo's disk is missing, a folder created at its mount point would block its return.
    if (!existsSync(photo))
      throw new Refusal('disk', `${path.basename(photo)} cannot be read: there is no such file`);
    const folder = choice.folder ?? path.join(path.dirname(photo), outputFolderName);
    const key = `${batch}\n${folder}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const originals = this.#items.filter((item) => item.batch === batch).map((item) => item.photo);
    const names = new OutputNames(folder, choice.onConflict, originals);
    this.#names.set(key, names);
    try {
      await openOutputFolder(folder);
    } catch (error) {
      this.#names.delete(key);
      throw error;
    }
    return names;
  }

  #remainingMs(): number | undefined {
    let [left, underWay] = [0, 0];
    for (const item of this.#items) {
      const share = item.state === 'working' ? workingShare(item) : 0;
      underWay += share;
      if (!hasEnded(item)) left += 1 - share;
    }
    return left === 0 ? undefined : this.#clock.remainingMs(left, underWay);
  }

  #changed(): void {
    void this.#save();
    this.#startNext();
    this.#tell();
  }

  /** @throws nothing, because a full disk must not stop running exports */
  async #save(): Promise<void> {
    const items = this.#items.map(savedOf);
    const batches = Object.fromEntries(this.#batches);
    await this.#file
      .write({ version: 1, isPaused: this.#isPaused, batches, items })
      .catch((error: unknown) => {
        this.#parts.events.emit('app.trouble', { account: describeError(error) });
      });
  }

  #tell(): void {
    if (this.#isClosed) return;
    this.#telling ??= setTimeout(
      () => {
        this.#telling = undefined;
        this.#parts.events.emit('queue.changed', this.state);
      },
      this.#items.length > longList ? tellLongListMs : tellMs,
    );
  }
}
