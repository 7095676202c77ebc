/** The export queue: waiting, running and ended exports, kept over restarts of the app. */

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import type { Queue as QueueState } from '../../preload/contract/contract.ts';
import type { EventHub } from '../base/events.ts';
import type { BurstResult } from '../engine/protocol.ts';
import type { PhotoFailure } from '../library/listed.ts';
import type { JsonFile } from '../base/json-file.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { Clock } from './clock.ts';
import {
  hasEnded,
  identityOf,
  newItem,
  savedOf,
  toldOf,
  workingShare,
  type Asked,
  type Item,
  withoutGone,
} from './queue-item.ts';
import { ItemNames, type PictureNames } from './item-names.ts';
import {
  leftOver,
  queueFile,
  type QueuedChoice,
  type SavedBurst,
  type SavedQueue,
} from './saved-queue.ts';

/** One photo of the queue, as passed to whoever enhances it. */
export interface ExportOrder {
  readonly photo: string;
  /** Merged in the photo's place. */
  readonly burst?: SavedBurst | undefined;
  readonly number: number;
  readonly choice: QueuedChoice;
  /** Names for its picture. After a retry, it keeps the name it had before. */
  readonly names: PictureNames;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: {
    readonly stage: 'decode' | 'merge' | 'network' | 'encode';
    readonly tilesDone: number;
    readonly tilesTotal: number;
  }) => void;
}

export interface ExportOutcome {
  readonly kind: 'done' | 'skipped';
  readonly path: string;
  /** Id of the photo's model, if that is not here and another one developed it. */
  readonly missingModel?: string | undefined;
  /** What became of a burst's frames. */
  readonly burst?: BurstResult | undefined;
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
  readonly #names = new ItemNames();
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

  /** @param asked paths, or bursts; what already waits with the same choice is not queued twice */
  add(asked: readonly (string | Asked)[], choice: QueuedChoice): number {
    if (this.#items.every(hasEnded)) this.#clock.reset();
    const batch = randomBytes(8).toString('hex');
    this.#batches.set(batch, choice);
    const key = JSON.stringify(choice);
    const waiting = new Set(
      this.#items
        .filter((item) => !hasEnded(item) && JSON.stringify(this.#batches.get(item.batch)) === key)
        .map(identityOf),
    );
    const fresh = asked
      .map((one): Asked => (typeof one === 'string' ? { photo: one } : one))
      .filter((one) => !waiting.has(identityOf(one)));
    fresh.forEach((one, index) => this.#items.push(newItem(one, batch, index + 1)));
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
      delete item.gathered;
      delete item.stage;
      item.tilesDone = 0;
      item.tilesTotal = 0;
    }
    this.#changed();
  }

  clear(): void {
    for (const item of this.#items) if (hasEnded(item)) this.#names.forgetItem(item.id);
    this.#items = this.#items.filter((item) => !hasEnded(item));
    const used = new Set(this.#items.map(({ batch }) => batch));
    for (const batch of this.#batches.keys()) {
      if (used.has(batch)) continue;
      this.#batches.delete(batch);
      this.#names.forgetBatch(batch);
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
      const item = this.#nextItem();
      if (item === undefined) break;
      const work = this.#work(item).finally(() => this.#works.delete(work));
      this.#works.add(work);
    }
    this.#clock.run(this.#underWay.size > 0);
  }

  /** Two bursts at once would need the memory of both. */
  #nextItem(): Item | undefined {
    const isMerging = this.#items.some(
      ({ state, burst }) => state === 'working' && burst !== undefined,
    );
    return this.#items.find(
      ({ state, burst }) => state === 'waiting' && !(isMerging && burst !== undefined),
    );
  }

  async #work(item: Item): Promise<void> {
    const controller = new AbortController();
    this.#underWay.set(item.id, controller);
    item.state = 'working';
    const { signal } = controller;
    try {
      const choice = this.#batches.get(item.batch);
      if (choice === undefined) throw new Error(`expected the choice of batch ${item.batch}`);
      const { there, gone } = withoutGone(item);
      const names = await this.#names.of(there, choice, () => this.#originals(item.batch));
      const { photo, burst, number } = there;
      const outcome = await this.#parts.enhance({
        photo,
        burst,
        number,
        choice,
        names,
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
      if (outcome.burst !== undefined) this.#gathered(item, outcome.burst, gone);
      if (outcome.missingModel !== undefined) item.missingModel = outcome.missingModel;
      this.#parts.onEnd(photo, undefined);
    } catch (error) {
      this.#fail(item, error, signal);
    }
    this.#changed();
  }

  /** Frames that were left out of a finished picture are exported alone, so that none is missing. */
  #gathered(item: Item, { merged, leftOut }: BurstResult, gone: readonly string[]): void {
    const missing = gone.map((photo) => ({ photo, reason: 'is not there any more' }));
    item.gathered = {
      merged: merged.length,
      leftOut: [...leftOut, ...missing].map(({ photo, reason }) => ({
        name: path.basename(photo),
        reason,
      })),
    };
    for (const photo of merged) this.#parts.onEnd(photo, undefined);
    if (item.burst?.isKept === true) return;
    this.#addApart(
      item,
      leftOut.filter(({ isCopy }) => !isCopy).map(({ photo }) => photo),
    );
  }

  #addApart({ batch, id }: Item, photos: readonly string[]): void {
    const numbers = this.#items.filter((item) => item.batch === batch).map(({ number }) => number);
    const last = Math.max(0, ...numbers);
    const at = this.#items.findIndex((item) => item.id === id);
    const items = photos.map((photo, index) => newItem({ photo }, batch, last + index + 1));
    this.#items.splice(at + 1, 0, ...items);
  }

  #originals(batch: string): string[] {
    return this.#items
      .filter((item) => item.batch === batch)
      .flatMap(({ photo, burst }) => [photo, ...(burst?.frames ?? [])]);
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
    if (code === 'burst' && item.burst?.isKept === false) {
      this.#comeApart(item, item.burst.frames, describeError(error));
      return;
    }
    item.failure = { code, message: describeError(error) };
    this.#clock.worked(1);
    this.#land(item, 'failed');
    // Frames that do not go together are good photos.
    if (code !== 'burst') this.#parts.onEnd(item.photo, item.failure);
    // Without a network, every photo would fail for the same reason.
    if (code === 'model') this.#isPaused = true;
  }

  /** The frames of a burst that cannot be merged are exported one by one. */
  #comeApart(item: Item, frames: readonly string[], reason: string): void {
    this.#land(item, 'waiting');
    this.#addApart(item, frames);
    this.#items = this.#items.filter((one) => one !== item);
    this.#names.forgetItem(item.id);
    const account = `${reason}. The ${frames.length} frames are exported one by one.`;
    this.#parts.events.emit('app.trouble', { account });
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
