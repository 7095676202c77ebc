/** The four steps to a run: what there is, what is wrong with it, how long, and off it goes. */

import { createContext } from 'svelte';
import type { Check, Course, Dataset, Lesson, Plan } from '../../preload/training.ts';
import { CallFailure } from '../../preload/wire.ts';
import type { App } from '../app.svelte.ts';
import { words } from './words.ts';

export const steps = ['have', 'check', 'long', 'start'] as const;
export type Step = (typeof steps)[number];
export type Kind = Dataset['kind'];

interface Measured {
  readonly stepMs: number;
  readonly rssBytes: number;
}

export class Wizard {
  readonly #app: App;
  step = $state<Step>('have');
  kind = $state<Kind>('photos');
  folder = $state<string>();
  /** Names left out by hand. */
  leftOut = $state.raw<ReadonlySet<string>>(new Set());
  check = $state.raw<Check>();
  /** While files are looked at. */
  checking = $state.raw<{ readonly done: number; readonly total: number }>();
  /** Why the check failed. */
  failure = $state<string>();
  courses = $state.raw<readonly Course[]>([]);
  courseId = $state<Course['id']>('adapt');
  /** As it is set, from the course's. */
  lesson = $state.raw<Lesson>();
  /** Numbers of the lesson that were typed and cannot be. */
  wrong = $state.raw<ReadonlySet<keyof Lesson>>(new Set());
  /** By what a step's time depends on. */
  measured = $state.raw<ReadonlyMap<string, Measured>>(new Map());
  isMeasuring = $state(false);
  name = $state('');

  readonly dataset: Dataset | undefined = $derived(
    this.folder === undefined
      ? undefined
      : { kind: this.kind, folders: [this.folder], leftOut: [...this.leftOut] },
  );
  readonly course: Course | undefined = $derived(
    this.courses.find(({ id }) => id === this.courseId) ?? this.courses[0],
  );
  /** Of the check, without those left out by hand. */
  readonly usable: number = $derived(
    this.check?.photos.filter(({ name, fault }) => fault === undefined && !this.leftOut.has(name))
      .length ?? 0,
  );
  /** How far one may go from here. */
  readonly reach: number = $derived.by(() => {
    if (this.folder === undefined) return 0;
    if (this.check === undefined || this.usable === 0) return 1;
    return this.lesson === undefined || this.wrong.size > 0 ? 2 : 3;
  });

  #checking: AbortController | undefined;
  #measuring: AbortController | undefined;

  constructor(app: App) {
    this.#app = app;
  }

  get index(): number {
    return steps.indexOf(this.step);
  }

  go(step: Step): void {
    if (steps.indexOf(step) > this.reach) return;
    this.step = step;
    if (step === 'check' && this.check === undefined) void this.checkNow();
    if (step === 'long') void this.#offer();
    if (step === 'start' && this.name === '') this.name = this.#suggestedName();
  }

  next(): void {
    const next = steps[this.index + 1];
    if (next !== undefined) this.go(next);
  }

  back(): void {
    const before = steps[this.index - 1];
    if (before !== undefined) this.go(before);
  }

  setFolder(folder: string): void {
    if (folder === this.folder) return;
    this.#checking?.abort();
    this.folder = folder;
    this.check = undefined;
    this.failure = undefined;
    this.leftOut = new Set();
  }

  toggle(name: string): void {
    const leftOut = new Set(this.leftOut);
    if (!leftOut.delete(name)) leftOut.add(name);
    this.leftOut = leftOut;
  }

  async checkNow(): Promise<void> {
    const { dataset } = this;
    if (dataset === undefined) return;
    this.#checking?.abort();
    const checking = new AbortController();
    this.#checking = checking;
    this.check = undefined;
    this.failure = undefined;
    this.checking = { done: 0, total: 0 };
    try {
      const check = await this.#app.client.call(
        'training.check',
        { dataset: { ...dataset, leftOut: [] } },
        {
          signal: checking.signal,
          onProgress: (progress) => {
            if (!checking.signal.aborted) this.checking = progress;
          },
        },
      );
      if (!checking.signal.aborted) this.check = check;
    } catch (error) {
      if (checking.signal.aborted) return;
      if (error instanceof CallFailure && error.code === 'closed') this.#app.report(error);
      this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      if (this.#checking === checking) this.checking = undefined;
    }
  }

  stopChecking(): void {
    this.#checking?.abort();
    this.checking = undefined;
  }

  chooseCourse(id: Course['id']): void {
    this.courseId = id;
    this.lesson = this.course?.lesson;
    this.wrong = new Set();
    void this.measure();
  }

  /** @param value undefined: what was typed is no such number */
  change(field: keyof Lesson, value: number | undefined): void {
    const wrong = new Set(this.wrong);
    if (value === undefined) wrong.add(field);
    else wrong.delete(field);
    this.wrong = wrong;
    if (this.lesson !== undefined && value !== undefined)
      this.lesson = { ...this.lesson, [field]: value };
  }

  measuredFor(lesson: Lesson | undefined): Measured | undefined {
    return lesson === undefined ? undefined : this.measured.get(keyOf(lesson));
  }

  /** Where the lesson's shape was measured before, that holds; the other ways come after it. */
  async measure(): Promise<void> {
    const lessons = [this.lesson, ...this.courses.map((course) => course.lesson)];
    for (const lesson of lessons) if (!(await this.#measureOne(lesson))) return;
  }

  /** @returns false if another measurement took over */
  async #measureOne(lesson: Lesson | undefined): Promise<boolean> {
    if (lesson === undefined || this.measured.has(keyOf(lesson))) return true;
    this.#measuring?.abort();
    const measuring = new AbortController();
    this.#measuring = measuring;
    this.isMeasuring = true;
    const found = await this.#app.attempt(
      this.#app.client.call('training.measure', { lesson }, { signal: measuring.signal }),
    );
    if (this.#measuring !== measuring) return false;
    this.isMeasuring = false;
    if (found !== undefined) this.measured = new Map(this.measured).set(keyOf(lesson), found);
    return found !== undefined;
  }

  get plan(): Plan | undefined {
    const { dataset, lesson, course } = this;
    const name = this.name.trim();
    if (dataset === undefined || lesson === undefined || name === '') return undefined;
    const { startsFrom } = course ?? {};
    return { name, dataset, lesson, ...(startsFrom === undefined ? {} : { startsFrom }) };
  }

  /** Ready for the next run, which may well learn from the same. */
  begun(): void {
    this.step = 'have';
    this.name = '';
  }

  async #offer(): Promise<void> {
    const { dataset } = this;
    if (dataset === undefined) return;
    const answer = await this.#app.attempt(
      this.#app.client.call('training.courses', { dataset: { ...dataset, leftOut: [] } }),
    );
    if (answer === undefined) return;
    this.courses = answer.courses;
    this.lesson ??= this.course?.lesson;
    await this.measure();
  }

  #suggestedName(): string {
    const folder = this.folder?.split(/[/\\]/).findLast((part) => part !== '') ?? '';
    return folder.slice(0, 60) || words.train;
  }
}

/** What the time of a step depends on. */
function keyOf({ baseChannels, batch, patchPacked, threads }: Lesson): string {
  return [baseChannels, batch, patchPacked, threads].join(' ');
}

export const [wizardOf, provideWizard] = createContext<Wizard>();
