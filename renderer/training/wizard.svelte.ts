/** The four steps to a run: what there is, what is wrong with it, how long, and off it goes. */

import { createContext } from 'svelte';
import type { Check, Course, Dataset, Lesson, Plan } from '../../preload/contract/training.ts';
import { CallFailure } from '../../preload/contract/wire.ts';
import type { App } from '../state/app.svelte.ts';
import { Noise } from './noise.svelte.ts';
import { words } from './words.ts';

export const steps = ['have', 'check', 'long', 'start'] as const;
export type Step = (typeof steps)[number];
/** The paper's layout is one of pairs. */
export type Kind = 'pairs' | 'photos' | 'sid';
export type PairsCheck = Extract<Check, { kind: 'pairs' }>;
export type CheckedPair = PairsCheck['pairs'][number];

/** What of a lesson is typed. */
export type NumberField = Exclude<keyof Lesson, 'recipe' | 'device'>;

interface Measured {
  readonly device: 'cpu' | 'webgpu';
  readonly stepMs: number;
  /** What the processor took, where a graphics card was found to be faster. */
  readonly processorMs?: number | undefined;
  readonly rssBytes: number;
}

/** Fewer pairs cannot be learned from. */
const pairsMin = 2;

export class Wizard {
  readonly #app: App;
  readonly noise: Noise;
  step = $state<Step>('have');
  kind = $state<Kind>('pairs');
  /** Of all there is, or of the short exposures. */
  folder = $state<string>();
  /** Of what the short exposures should look like, where that is another one. */
  second = $state<string>();
  /** Names of photos, or ids of pairs, left out by hand. */
  leftOut = $state.raw<ReadonlySet<string>>(new Set());
  /** Ids of pairs taken in by hand in spite of their faults. */
  takenIn = $state.raw<ReadonlySet<string>>(new Set());
  /** The camera whose pairs are taken, where there are several. */
  only = $state<string>();
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
  wrong = $state.raw<ReadonlySet<NumberField>>(new Set());
  /** By what a step's time depends on. */
  measured = $state.raw<ReadonlyMap<string, Measured>>(new Map());
  isMeasuring = $state(false);
  name = $state('');

  readonly dataset: Dataset | undefined = $derived.by(() => {
    const { folder, second, only } = this;
    if (folder === undefined) return undefined;
    const leftOut = [...this.leftOut];
    if (this.kind === 'photos') {
      const { camera } = this.noise;
      const folders = [folder];
      return { kind: 'photos', folders, leftOut, ...(camera === undefined ? {} : { camera }) };
    }
    const hasTwo = this.kind === 'pairs' && second !== undefined;
    return {
      kind: 'pairs',
      folders: hasTwo ? [folder, second] : [folder],
      leftOut,
      takenIn: [...this.takenIn],
      ...(only === undefined ? {} : { only }),
    };
  });
  readonly course: Course | undefined = $derived(
    this.courses.find(({ id }) => id === this.courseId) ?? this.courses[0],
  );
  /** Photos or pairs that are learned from, as things stand. */
  readonly usable: number = $derived.by(() => {
    if (this.check === undefined) return 0;
    if (this.check.kind === 'pairs')
      return this.check.pairs.filter((pair) => this.isUsed(pair)).length;
    const { photos } = this.check;
    return photos.filter(({ name, fault }) => fault === undefined && !this.leftOut.has(name))
      .length;
  });
  /** Cameras among the pairs that are taken; a model is one camera's. */
  readonly pairCameras: readonly string[] = $derived.by(() => {
    if (this.check?.kind !== 'pairs') return [];
    const taken = this.check.pairs.filter((pair) => this.isTaken(pair));
    return [...new Set(taken.flatMap(({ camera }) => camera ?? []))].sort();
  });
  readonly isEnough: boolean = $derived(this.usable >= (this.kind === 'photos' ? 1 : pairsMin));
  /** How far one may go from here. */
  readonly reach: number = $derived.by(() => {
    if (this.folder === undefined || (this.kind === 'photos' && this.noise.isMissing)) return 0;
    const isMixed = this.pairCameras.length > 1 && this.only === undefined;
    if (this.check === undefined || !this.isEnough || isMixed) return 1;
    return this.lesson === undefined || this.wrong.size > 0 ? 2 : 3;
  });

  /** Chosen for each kind: another kind's folder is not this one's. */
  readonly #folders = new Map<Kind, string>();
  #checking: AbortController | undefined;
  #measuring: AbortController | undefined;

  constructor(app: App) {
    this.#app = app;
    this.noise = new Noise(app, () => {
      this.#unchecked();
    });
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

  setKind(kind: Kind): void {
    if (this.folder !== undefined) this.#folders.set(this.kind, this.folder);
    this.kind = kind;
    this.folder = this.#folders.get(kind);
    this.#unchecked();
  }

  setFolder(folder: string): void {
    this.folder = folder;
    this.#unchecked();
  }

  /** @param folder undefined: all is in the first one */
  setSecond(folder: string | undefined): void {
    this.second = folder;
    this.#unchecked();
  }

  /** Whether the pair is without fault, or taken in, and not left out. */
  isTaken({ id, fault }: CheckedPair): boolean {
    return fault === undefined ? !this.leftOut.has(id) : this.takenIn.has(id);
  }

  /** Whether it is learned from. */
  isUsed(pair: CheckedPair): boolean {
    return this.isTaken(pair) && (this.only === undefined || pair.camera === this.only);
  }

  togglePair({ id, fault }: CheckedPair): void {
    if (fault === undefined) this.leftOut = toggled(this.leftOut, id);
    else this.takenIn = toggled(this.takenIn, id);
    this.#unplanned();
  }

  togglePhoto(name: string): void {
    this.leftOut = toggled(this.leftOut, name);
  }

  setOnly(camera: string | undefined): void {
    this.only = camera;
    this.#unplanned();
  }

  async checkNow(): Promise<void> {
    const { dataset } = this;
    if (dataset === undefined) return;
    this.#checking?.abort();
    const checking = new AbortController();
    const { signal } = checking;
    this.#checking = checking;
    this.check = undefined;
    this.failure = undefined;
    this.checking = { done: 0, total: 0 };
    const onProgress = (progress: { readonly done: number; readonly total: number }): void => {
      if (!signal.aborted) this.checking = progress;
    };
    try {
      const asked = { dataset: untouched(dataset) };
      const check = await this.#app.client.call('training.check', asked, { signal, onProgress });
      if (!signal.aborted && this.kind === 'photos') await this.noise.learn(signal, onProgress);
      if (!signal.aborted) this.check = check;
    } catch (error) {
      if (signal.aborted) return;
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

  setDevice(device: Lesson['device']): void {
    if (this.lesson !== undefined) this.lesson = { ...this.lesson, device };
    void this.measure();
  }

  /** @param value undefined: what was typed is no such number */
  change(field: NumberField, value: number | undefined): void {
    const wrong = new Set(this.wrong);
    if (value === undefined) wrong.add(field);
    else wrong.delete(field);
    this.wrong = wrong;
    if (this.lesson !== undefined && value !== undefined)
      this.lesson = { ...this.lesson, [field]: value };
  }

  /** @param course whose the lesson is */
  measuredFor(lesson: Lesson | undefined, course = this.course): Measured | undefined {
    return lesson === undefined ? undefined : this.measured.get(keyOf(lesson, course));
  }

  /** Where the lesson's shape was measured before, that holds; the other ways come after it. */
  async measure(): Promise<void> {
    if (!(await this.#measureOne(this.lesson, this.course))) return;
    for (const course of this.courses) if (!(await this.#measureOne(course.lesson, course))) return;
  }

  /** @returns false if another measurement took over */
  async #measureOne(lesson: Lesson | undefined, course: Course | undefined): Promise<boolean> {
    if (lesson === undefined) return true;
    const key = keyOf(lesson, course);
    if (this.measured.has(key)) return true;
    this.#measuring?.abort();
    const measuring = new AbortController();
    this.#measuring = measuring;
    this.isMeasuring = true;
    const found = await this.#app.attempt(
      this.#app.client.call(
        'training.measure',
        { lesson, ...startOf(course) },
        { signal: measuring.signal },
      ),
    );
    if (this.#measuring !== measuring) return false;
    this.isMeasuring = false;
    if (found !== undefined) this.measured = new Map(this.measured).set(key, found);
    return found !== undefined;
  }

  get plan(): Plan | undefined {
    const { dataset, lesson, course } = this;
    const name = this.name.trim();
    if (dataset === undefined || lesson === undefined || name === '') return undefined;
    return { name, dataset, lesson, ...startOf(course) };
  }

  /** Ready for the next run, which may well learn from the same. */
  begun(): void {
    this.step = 'have';
    this.name = '';
  }

  async #offer(): Promise<void> {
    const { dataset } = this;
    if (dataset === undefined || this.lesson !== undefined) return;
    const answer = await this.#app.attempt(this.#app.client.call('training.courses', { dataset }));
    if (answer === undefined) return;
    this.courses = answer.courses;
    this.lesson = this.course?.lesson;
    await this.measure();
  }

  /** What was offered depends on what is learned from. */
  #unplanned(): void {
    this.courses = [];
    this.lesson = undefined;
    this.wrong = new Set();
  }

  #unchecked(): void {
    this.#checking?.abort();
    this.check = undefined;
    this.failure = undefined;
    this.leftOut = new Set();
    this.takenIn = new Set();
    this.only = undefined;
    this.#unplanned();
  }

  #suggestedName(): string {
    const [camera] = this.pairCameras;
    const known = this.noise.measured?.camera.camera ?? this.only ?? camera;
    const folder = this.folder?.split(/[/\\]/).findLast((part) => part !== '') ?? '';
    return (known ?? folder).slice(0, 60) || words.train;
  }
}

/** What a check looks at: everything, whatever was decided by hand. */
function untouched(dataset: Dataset): Dataset {
  const { kind, folders } = dataset;
  return kind === 'photos'
    ? { kind, folders, leftOut: [] }
    : { kind, folders, leftOut: [], takenIn: [] };
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names);
  if (!next.delete(name)) next.add(name);
  return next;
}

/** The model that a course starts from, where it does. */
function startOf(course: Course | undefined): Pick<Plan, 'startsFrom'> {
  return course?.startsFrom === undefined ? {} : { startsFrom: course.startsFrom };
}

/** What a step's time depends on: of the model started from, its network and its loss. */
function keyOf(
  { recipe, baseChannels, batch, patchPacked, device, threads }: Lesson,
  course: Course | undefined,
): string {
  const start = course?.startsFrom;
  return [recipe, baseChannels, batch, patchPacked, device, threads, start].join(' ');
}

export const [wizardOf, provideWizard] = createContext<Wizard>();
