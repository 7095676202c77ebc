/** The training runs as reported by the main process, and the run on display. */

import { createContext } from 'svelte';
import type { Plan, Run, RunStory } from '../../preload/contract/training.ts';
import type { App } from '../state/app.svelte.ts';
import type { Point } from './curve.ts';

/** Minimum time between two readings of a story. */
const readAgainMs = 1500;
/** Maximum number of live points; a curve has fewer columns. */
const liveMax = 4000;

const underWay: readonly Run['state'][] = ['starting', 'running', 'pausing', 'paused', 'stopping'];

export function isUnderWay({ state }: Run): boolean {
  return underWay.includes(state);
}

export class Training {
  readonly #app: App;
  runs = $state.raw<readonly Run[]>([]);
  /** Id of the run whose page is open; undefined for the steps to a new run. */
  shownId = $state<string>();
  story = $state.raw<RunStory>();
  /** Losses reported since the page was opened, closer together than those in the log. */
  live = $state.raw<readonly Point[]>([]);

  readonly shown: Run | undefined = $derived(this.runs.find(({ id }) => id === this.shownId));
  readonly atWork: Run | undefined = $derived(this.runs.find(isUnderWay));
  /** A run that the end of the program interrupted, and that can continue. */
  readonly interrupted: Run | undefined = $derived(
    this.runs.find(({ state }) => state === 'interrupted'),
  );
  /** Steps and losses, from the log and from later reports. */
  readonly losses: readonly Point[] = $derived.by(() => {
    const logged = (this.story?.losses ?? []).map(({ step, loss }) => ({ x: step, y: loss }));
    const [firstLive] = this.live;
    const before = firstLive === undefined ? logged : logged.filter(({ x }) => x < firstLive.x);
    return [...before, ...this.live];
  });

  #reading: ReturnType<typeof setTimeout> | undefined;
  #readMs = -Infinity;

  constructor(app: App) {
    this.#app = app;
    app.client.on('training.run', (run) => {
      this.#take(run);
    });
    app.client.on('training.removed', ({ run }) => {
      this.runs = this.runs.filter(({ id }) => id !== run);
      if (this.shownId === run) this.show(undefined);
    });
  }

  async begin(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('training.runs', {}));
    if (answer === undefined) return;
    this.runs = answer.runs;
    const first = this.atWork ?? this.interrupted;
    if (first !== undefined) this.show(first.id);
  }

  /** @param id undefined for the steps to a new run */
  show(id: string | undefined): void {
    if (this.shownId === id) return;
    this.shownId = id;
    this.story = undefined;
    this.live = [];
    clearTimeout(this.#reading);
    this.#reading = undefined;
    if (id !== undefined) void this.#read(id);
  }

  /** @returns whether it started */
  async start(plan: Plan): Promise<boolean> {
    const run = await this.#app.attempt(this.#app.client.call('training.start', plan));
    if (run === undefined) return false;
    this.#take(run);
    this.show(run.id);
    return true;
  }

  async pause(run: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('training.pause', { run }));
  }

  async resume(run: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('training.resume', { run }));
  }

  async stop(run: string, makesModel: boolean): Promise<void> {
    await this.#app.attempt(this.#app.client.call('training.stop', { run, makesModel }));
  }

  async remove(run: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('training.remove', { run }));
  }

  #take(run: Run): void {
    const before = this.runs.find(({ id }) => id === run.id);
    this.runs =
      before === undefined
        ? [run, ...this.runs]
        : this.runs.map((one) => (one.id === run.id ? run : one));
    if (run.id !== this.shownId) return;
    if (run.live !== undefined) this.#addPoint({ x: run.step, y: run.live.loss });
    if (this.story !== undefined) this.#readAgain(run.id);
  }

  /** After a run returned to a checkpoint, its new points replace the ones it lost. */
  #addPoint(point: Point): void {
    const last = this.live.at(-1);
    if (last !== undefined && last.x === point.x) return;
    const kept = last !== undefined && last.x > point.x ? [] : this.live;
    this.live = [...kept, point].slice(-liveMax);
  }

  #readAgain(id: string): void {
    const waitMs = Math.max(0, this.#readMs + readAgainMs - performance.now());
    this.#reading ??= setTimeout(() => {
      this.#reading = undefined;
      if (this.shownId === id) void this.#read(id);
    }, waitMs);
  }

  async #read(id: string): Promise<void> {
    const story = await this.#app.attempt(this.#app.client.call('training.read', { run: id }));
    this.#readMs = performance.now();
    if (story !== undefined && this.shownId === id) this.story = story;
  }
}

export const [trainingOf, provideTraining] = createContext<Training>();
