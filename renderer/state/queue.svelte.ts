/** The export queue as reported by the main process, and commands for it. */

import { createContext } from 'svelte';
import type { Photo, Queue as QueueState, QueueItem } from '../../preload/contract/contract.ts';
import { oneClickPresets, type ExportOrder } from '../../preload/contract/settings.ts';
import type { App } from './app.svelte.ts';
import type { Library } from './library.svelte.ts';
import { gatherBursts } from '../../preload/contract/bursts.ts';
import { batchWords, type EnhanceCounts, type Question } from '../batch-words.ts';
import { burstWords } from '../burst-words.ts';
import { strings } from '../strings.ts';

export class Queue {
  readonly #app: App;
  readonly #library: Library;
  state = $state.raw<QueueState>();
  /** The photos that the export dialog is about. */
  asked = $state.raw<readonly Photo[]>([]);

  readonly working: readonly QueueItem[] = $derived(
    this.state?.items.filter(({ state }) => state === 'working') ?? [],
  );
  readonly failedCount: number = $derived(
    this.state?.items.filter(({ state }) => state === 'failed').length ?? 0,
  );
  readonly canRetry: boolean = $derived(
    this.state?.items.some(({ state }) => state === 'failed' || state === 'cancelled') ?? false,
  );
  readonly isActive: boolean = $derived(
    this.state !== undefined && this.state.ended < this.state.total,
  );
  /** Share of finished work, 0–1, including tiles of photos in progress. */
  readonly share: number = $derived.by(() => {
    if (this.state === undefined || this.state.total === 0) return 0;
    const partly = this.working.reduce(
      (sum, { tilesDone, tilesTotal }) => sum + (tilesTotal === 0 ? 0 : tilesDone / tilesTotal),
      0,
    );
    return Math.min(1, (this.state.ended + 0.98 * partly) / this.state.total);
  });

  constructor(app: App, library: Library) {
    this.#app = app;
    this.#library = library;
    app.client.on('queue.changed', (state) => {
      const wasActive = this.isActive;
      this.state = state;
      if (wasActive && state.ended >= state.total) this.#sayEnd(state);
    });
  }

  async begin(): Promise<void> {
    this.state = await this.#app.attempt(this.#app.client.call('queue.read', {}));
  }

  /** Opens the dialog for the targets. */
  ask(): void {
    const targets = this.#library.targets;
    if (targets.length === 0) return;
    this.asked = targets;
    this.#app.dialog = 'export';
  }

  /** One click: the targets, with the presets that the button names. */
  async exportNow(): Promise<void> {
    const presets = oneClickPresets(this.#app.settings);
    await this.start(
      this.#library.targets,
      presets.map(({ name, choice }) => ({ preset: name, choice })),
    );
  }

  /** @returns whether they are on the queue */
  async start(photos: readonly Photo[], exports: readonly ExportOrder[]): Promise<boolean> {
    if (photos.length === 0) return false;
    const ids = photos.map(({ id }) => id);
    const app = this.#app;
    await app.flush();
    const answer = await app.attempt(
      app.client.call('export.start', { photos: ids, exports: [...exports] }),
    );
    if (answer === undefined) return false;
    app.toasts.say(strings.queued(answer.queued));
    return true;
  }

  /** Exports those of the targets that are not exported yet, once the user has agreed. */
  async enhance(): Promise<void> {
    const app = this.#app;
    await app.flush();
    let mergesBursts = app.settings.mergesBursts;
    const ask = (isMerging: boolean): Question => {
      mergesBursts = isMerging;
      const { counts, bursts } = this.#plan(isMerging);
      const question = batchWords.enhanceQuestion(counts);
      if (bursts === 0) return question;
      const words = burstWords.mergeBursts(bursts);
      return { ...question, option: { words, isChosen: isMerging, choose: ask } };
    };
    if (this.#plan(false).counts.waiting === 0) {
      app.toasts.say(strings.nothingToEnhance);
      return;
    }
    const photos = this.#library.targets.map(({ id }) => id);
    if (!(await app.confirm(ask(mergesBursts)))) return;
    if (mergesBursts !== app.settings.mergesBursts) await app.set({ mergesBursts });
    const answer = await app.attempt(app.client.call('export.enhance', { photos, mergesBursts }));
    if (answer === undefined) return;
    app.toasts.say(answer.queued === 0 ? strings.nothingToEnhance : strings.queued(answer.queued));
    if (answer.queued > 0) app.isQueueShown = true;
  }

  /** What Enhance all would do: as the main process will. */
  #plan(mergesBursts: boolean): { counts: EnhanceCounts; bursts: number } {
    const { targets, photos, bursts, byId } = this.#library;
    const ids = targets.map(({ id }) => id);
    const { merges, singles, merged } = gatherBursts(ids, mergesBursts ? bursts.list : []);
    const pictures = oneClickPresets(this.#app.settings).map((preset) => {
      const isWaiting = (id: string): boolean =>
        byId.get(id)?.exported.includes(preset.name) === false;
      const due = merges.filter(({ frames }) => frames.some(isWaiting));
      const count = singles.filter(isWaiting).length + due.length;
      return { preset, count, merges: due.map(({ frames }) => frames.length) };
    });
    const isWaiting = (id: string): boolean => byId.get(id)?.state !== 'exported';
    const due = merges.filter(({ frames }) => frames.some(isWaiting)).length;
    const waiting = singles.filter(isWaiting).length + due;
    return {
      counts: {
        waiting,
        pictures: pictures.filter(({ count }) => count > 0),
        merged: merged.length,
        exported: singles.length + merges.length - waiting,
        others: photos.length - targets.length,
      },
      bursts: gatherBursts(ids, bursts.list).merges.filter(({ frames }) => frames.some(isWaiting))
        .length,
    };
  }

  async pause(): Promise<void> {
    await this.#app.attempt(this.#app.client.call('queue.pause', {}));
  }

  async resume(): Promise<void> {
    await this.#app.attempt(this.#app.client.call('queue.resume', {}));
  }

  /** @param item if absent, all that have not ended */
  async cancel(item?: string): Promise<void> {
    const input = item === undefined ? {} : { items: [item] };
    await this.#app.attempt(this.#app.client.call('queue.cancel', input));
  }

  /** @param item if absent, all that failed or were cancelled */
  async retry(item?: string): Promise<void> {
    const input = item === undefined ? {} : { items: [item] };
    await this.#app.attempt(this.#app.client.call('queue.retry', input));
  }

  async reveal(item: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('queue.reveal', { item }));
  }

  async clear(): Promise<void> {
    await this.#app.attempt(this.#app.client.call('queue.clear', {}));
  }

  #sayEnd({ items }: QueueState): void {
    const done = items.filter(({ state }) => state === 'done').length;
    const failed = items.filter(({ state }) => state === 'failed').length;
    if (failed > 0) this.#app.toasts.fail(strings.queueEndedBadly(done, failed));
    else if (done > 0) this.#app.toasts.say(strings.queueEnded(done));
  }
}

export const [queueOf, provideQueue] = createContext<Queue>();
