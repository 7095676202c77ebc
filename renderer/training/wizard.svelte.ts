/** State of the four steps to a run: the data, its faults, the duration, and the start. */

import { createContext } from 'svelte';
import type { Check, Course, Dataset, Lesson, Plan } from '../../preload/contract/training.ts';
import { CallFailure } from '../../preload/contract/wire.ts';
import type { App } from '../state/app.svelte.ts';
import { Noise } from './noise.svelte.ts';
import { words } from './words.ts';

export const steps = ['have', 'check', 'long', 'start'] as const;
export type Step = (typeof steps)[number];
/** `sid` is the paper's layout of pairs. */
export type Kind = 'pairs' | 'photos' | 'sid';
export type PairsCheck = Extract<Check, { kind: 'pairs' }>;
export type CheckedPair = PairsCheck['pairs'][number];

/** The fields of a lesson that are typed as numbers. */
export type NumberField = Exclude<keyof Lesson, 'recipe' | 'device' | 'firstLevel' | 'optimizer'>;

interface Measured {
  readonly device: 'cpu' | 'webgpu';
  readonly stepMs: number;
  /** The processor's time, if a graphics card was faster. */
  readonly processorMs?: number | undefined;
  readonly rssBytes: number;
}

/** Minimum number of pairs to learn from. */
const pairsMin = 2;

export class Wizard {
  readonly #app: App;
  readonly noise: Noise;
  step = $state<Step>('have');
  kind = $state<Kind>('pairs');
  /** Folder of all data, or of the short exposures. */
  folder = $state<string>();
  /** Folder of the targets, if it is a different one. */
  second = $state<string>();
  /** Names of photos, or ids of pairs, that the user left out. */
  leftOut = $state.raw<ReadonlySet<string>>(new Set());
  /** Ids of pairs that the user included in spite of their faults. */
  takenIn = $state.raw<ReadonlySet<string>>(new Set());
  /** The camera whose pairs are used, if there are several cameras. */
  only = $state<string>();
  check = $state.raw<Check>();
  /** Set while files are checked. */
  checking = $state.raw<{ readonly done: number; readonly total: number }>();
  /** Why the check failed. */
  failure = $state<string>();
  courses = $state.raw<readonly Course[]>([]);
  courseId = $state<Course['id']>('adapt');
  /** The lesson as set by the user, starting from the course's. */
  lesson = $state.raw<Lesson>();
  /** Fields of the lesson with an invalid typed value. */
  wrong = $state.raw<ReadonlySet<NumberField>>(new Set());
  /** Measurements by everything that a step's time depends on. */
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
  /** Number of photos or pairs currently used for training. */
  readonly usable: number = $derived.by(() => {
    if (this.check === undefined) return 0;
    if (this.check.kind === 'pairs')
      return this.check.pairs.filter((pair) => this.isUsed(pair)).length;
    const { photos } = this.check;
    return photos.filter(({ name, fault }) => fault === undefined && !this.leftOut.has(name))
      .length;
  });
  /** Cameras among the used pairs; a model is for one camera. */
  readonly pairCameras: readonly string[] = $derived.by(() => {
    if (this.check?.kind !== 'pairs') return [];
    const taken = this.check.pairs.filter((pair) => this.isTaken(pair));
    return [...new Set(taken.flatMap(({ camera }) => camera ?? []))].sort();
  });
  readonly isEnough: boolean = $derived(this.usable >= (this.kind === 'photos' ? 1 : pairsMin));
  /** The furthest step that can be reached now. */
  readonly reach: number = $derived.by(() => {
    if (this.folder === undefined || (this.kind === 'photos' && this.noise.isMissing)) return 0;
    const isMixed = this.pairCameras.length > 1 && this.only === undefined;
    if (this.check === undefined || !this.isEnough || isMixed) return 1;
    return this.lesson === undefined || this.wrong.size > 0 ? 2 : 3;
  });

  /** Chosen folders by kind, because different kinds have different folders. */
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

  /** @param folder undefined if everything is in the first folder */
  setSecond(folder: string | undefined): void {
    this.second = folder;
    this.#unchecked();
  }

  /** Whether the pair has no fault or was included by the user, and was not left out. */
  isTaken({ id, fault }: CheckedPair): boolean {
    return fault === undefined ? !this.leftOut.has(id) : this.takenIn.has(id);
  }

  /** Whether the pair is used for training. */
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

  /** Changes what is chosen by name. */
  choose(choice: Partial<Pick<Lesson, 'device' | 'firstLevel' | 'optimizer'>>): void {
    if (this.lesson !== undefined) this.lesson = { ...this.lesson, ...choice };
    void this.measure();
  }

  /** @param value undefined if what was typed is not a valid number */
  change(field: NumberField, value: number | undefined): void {
    const wrong = new Set(this.wrong);
    if (value === undefined) wrong.add(field);
    else wrong.delete(field);
    this.wrong = wrong;
    if (this.lesson !== undefined && value !== undefined)
      this.lesson = { ...this.lesson, [field]: value };
  }

  /** @param course that the lesson belongs to */
  measuredFor(lesson: Lesson | undefined, course = this.course): Measured | undefined {
    return lesson === undefined ? undefined : this.measured.get(keyOf(lesson, course));
  }

  /**
   * Uses an earlier measurement for the lesson's shape if there is one. The other courses are
   * measured afterwards.
   */
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

  /** Prepares for the next run, which may well use the same data. */
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

  /** Discards the courses, which depend on the data. */
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

/** The dataset without the user's own choices, because a check covers everything. */
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

/** The model that a course starts from, if any. */
function startOf(course: Course | undefined): Pick<Plan, 'startsFrom'> {
  return course?.startsFrom === undefined ? {} : { startsFrom: course.startsFrom };
}

/** Everything a step's time depends on; for a starting model, its network and its loss. */
function keyOf(
  { recipe, baseChannels, firstLevel, optimizer, batch, patchPacked, device, threads }: Lesson,
  course: Course | undefined,
): string {
  const start = course?.startsFrom;
  const network = [baseChannels, firstLevel, start];
  return [recipe, ...network, optimizer, batch, patchPacked, device, threads].join(' ');
}

export const [wizardOf, provideWizard] = createContext<Wizard>();
