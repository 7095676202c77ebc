/** The bursts of the open folder, which of them are unfolded, and commands for them. */

import { SvelteSet } from 'svelte/reactivity';
import type { Burst } from '../../preload/contract/bursts.ts';
import type { App } from './app.svelte.ts';
import { burstWords } from '../burst-words.ts';

export type BurstChoice = Pick<Burst, 'reference' | 'leftOut' | 'motion'>;

export class Bursts {
  readonly #app: App;
  list = $state.raw<readonly Burst[]>([]);
  /** Ids of the bursts whose frames are shown one by one. */
  readonly unfolded = new SvelteSet<string>();
  /** Ids of the bursts that the dialog is about. */
  asked = $state.raw<readonly string[]>([]);
  /** Whether the next photo that is developed is shown at 100 %. */
  isLookingClosely = $state(false);
  readonly #byFrame: ReadonlyMap<string, Burst> = $derived(
    new Map(this.list.flatMap((burst) => burst.frames.map((frame) => [frame, burst] as const))),
  );

  constructor(app: App) {
    this.#app = app;
  }

  async begin(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('bursts.read', {}));
    if (answer !== undefined) this.list = answer.bursts;
  }

  /** @param photo id of a frame */
  of(photo: string | undefined): Burst | undefined {
    return photo === undefined ? undefined : this.#byFrame.get(photo);
  }

  /** Whether both photos are frames of one burst. */
  areOfOne(photo: string, other: string | undefined): boolean {
    const burst = this.of(photo);
    return burst !== undefined && burst === this.of(other);
  }

  unfold(burst: Burst): void {
    this.unfolded.add(burst.id);
  }

  fold(burst: Burst): void {
    this.unfolded.delete(burst.id);
  }

  /** Unfolds all bursts; folds them if all are unfolded. */
  toggleAll(): void {
    if (this.list.every(({ id }) => this.unfolded.has(id))) this.unfolded.clear();
    else for (const { id } of this.list) this.unfolded.add(id);
  }

  /** Opens the dialog for these bursts. */
  ask(bursts: readonly Burst[]): void {
    if (bursts.length === 0) return;
    this.asked = bursts.map(({ id }) => id);
    this.#app.dialog = 'merge';
  }

  async choose({ id }: Burst, { reference, leftOut, motion }: BurstChoice): Promise<void> {
    const choice = { ...(reference === undefined ? {} : { reference }), leftOut, motion };
    await this.#app.attempt(this.#app.client.call('bursts.choose', { burst: id, ...choice }));
  }

  /** Adds the merging of bursts to the queue. */
  async merge(ids: readonly string[]): Promise<boolean> {
    const app = this.#app;
    const answer = await app.attempt(app.client.call('bursts.merge', { bursts: [...ids] }));
    if (answer === undefined) return false;
    app.toasts.say(burstWords.queued(answer.queued));
    app.isQueueShown = true;
    return true;
  }
}
