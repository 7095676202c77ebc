/**
 * The training desk: finds runs, then starts, watches, pauses and ends them, one at a time, and adds
 * their models to the app's. All facts about a run are in its folder, so the desk finds everything
 * again after the app or its training process has ended.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Plan, Run, RunStory } from '../../preload/contract/training.ts';
import type { EventHub } from '../base/events.ts';
import type { Models } from '../network/models.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { cameraName } from '../raw/camera-name.ts';
import { readModel, type Model } from '../network/manifest.ts';
import { readCameraProfile } from '../darkness/camera-file.ts';
import { idOfName } from '../training/run/model-title.ts';
import { modelWeights } from '../network/model-weights.ts';
import type { RunEvent } from '../training/run/events.ts';
import {
  createRun,
  readRun,
  runFiles,
  type Dataset as RunDataset,
  type RunFolder,
} from '../training/run/folder.ts';
import type { Connect } from '../process/port.ts';
import { Training } from '../training/run/process.ts';
import { runPlanOf } from './plan.ts';
import { storyOf } from './story.ts';
import { folderBytes, summaryOf, underWayFile, type Watched } from './summary.ts';

export interface DeskParts {
  /** The folder of all runs, in the app's data. */
  readonly folder: string;
  readonly models: Models;
  readonly events: EventHub;
  readonly spawn: Connect;
  /** The name of the camera that took a RAW photo. @throws Refusal as `decodeRaw` */
  readonly cameraOf: (photo: string) => Promise<string | undefined>;
  /** Receives errors that no user can mend. */
  readonly onBug: (error: unknown) => void;
}

/** A run under way. */
interface Work extends Watched {
  readonly id: string;
  readonly training: Training;
  /** Settles when the process has released the run and the app has its model. */
  ended: Promise<void>;
}

/** Time between two reports of a run in training. */
const tellMs = 300;
/** Time for a process that is ending to finish its step and checkpoint. */
const partingMs = 20_000;

export class TrainingDesk {
  readonly #parts: DeskParts;
  #work: Work | undefined;
  /** Set while a run is being started, so that two calls at once cannot start two. */
  #isBeginning = false;
  #isClosed = false;
  /** Cached by run: reading takes a while, and the contents don't change. */
  readonly #cameras = new Map<string, Promise<string | undefined>>();
  #telling: NodeJS.Timeout | undefined;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Youngest first. Folders without a run are skipped. */
  async runs(): Promise<Run[]> {
    const names = await readdir(this.#parts.folder).catch(() => []);
    const runs = await Promise.all(names.map((name) => this.#summary(name)));
    return runs
      .filter((run) => run !== undefined)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  }

  /** @throws Refusal `dataset` */
  async read(id: string): Promise<RunStory> {
    const run = await this.#read(id);
    return storyOf(await this.#summaryOf(id, run), run.folder);
  }

  /** A picture of a run. @returns its path, whether or not it exists */
  pictureOf(id: string, file: string): string {
    return path.join(runFiles(this.#folderOf(id)).examples, file);
  }

  /**
   * Makes a run and starts it.
   * @throws Refusal `bad-argument` while another is under way; `dataset`, `model`, `disk`
   */
  async start(plan: Plan, dataset: RunDataset): Promise<Run> {
    return this.#alone(async () => {
      const { models, folder } = this.#parts;
      const taken = new Set((await models.list()).map(({ id }) => id));
      for (const run of await this.runs()) taken.add(run.id);
      const id = freeId(idOfName(plan.name), taken);
      const base = await this.startOf(plan.startsFrom);
      const weights = base === undefined ? undefined : modelWeights(base);
      await mkdir(folder, { recursive: true });
      await createRun(this.#folderOf(id), runPlanOf(plan, dataset, id, base?.manifest), weights);
      return this.#begin(id);
    });
  }

  /** The model that a plan starts from. @throws Refusal `model` */
  async startOf(id: string | undefined): Promise<Model | undefined> {
    return id === undefined ? undefined : readModel(await this.#parts.models.pathOf(id));
  }

  pause(id: string): void {
    const work = this.#at(id);
    work.isPausing = true;
    work.training.pause();
    this.#tell();
  }

  /**
   * Continues a run from its pause or its checkpoint.
   * @throws Refusal `bad-argument` while another is under way; `dataset` if there is no such run
   */
  async resume(id: string): Promise<void> {
    if (this.#work?.id === id) {
      this.#work.isPausing = false;
      this.#work.training.resume();
      this.#tell();
      return;
    }
    await this.#alone(async () => {
      const { description, isAlive } = await this.#read(id);
      if (isAlive) {
        throw new Refusal(
          'bad-argument',
          `expected ${description.title.name} to be at rest but another program trains it`,
        );
      }
      return this.#begin(id);
    });
  }

  /** Resolves when the run has ended. */
  async stop(id: string, makesModel: boolean): Promise<void> {
    const work = this.#at(id);
    work.isStopping = true;
    work.training.stop(makesModel ? 'best' : 'nothing');
    this.#tell();
    await work.ended;
  }

  /** @throws Refusal `bad-argument` for a run in training; `dataset` */
  async remove(id: string): Promise<void> {
    const { folder, description, isAlive } = await this.#read(id);
    if (isAlive || this.#work?.id === id) {
      throw new Refusal(
        'bad-argument',
        `expected ${description.title.name} to be at rest but it trains: stop it first`,
      );
    }
    await rm(folder, { recursive: true, force: true });
    // Its id may be reused for a run of another camera.
    this.#cameras.delete(id);
    this.#parts.events.emit('training.removed', { run: id });
  }

  /** Whether ending the app now would interrupt a run. */
  get isTraining(): boolean {
    return this.#work !== undefined;
  }

  /** Lets the current run save its progress, so that it can continue next time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#telling);
    const work = this.#work;
    if (work === undefined) return;
    work.training.stop('nothing');
    const time = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => {
      time.resolve(undefined);
    }, partingMs);
    await Promise.race([work.ended, time.promise]);
    clearTimeout(timer);
    work.training.kill();
  }

  #folderOf(id: string): string {
    return path.join(this.#parts.folder, id);
  }

  #read(id: string): Promise<RunFolder> {
    return readRun(this.#folderOf(id));
  }

  #at(id: string): Work {
    if (this.#work?.id !== id) {
      throw new Refusal('bad-argument', 'expected a run that trains but this one is at rest');
    }
    return this.#work;
  }

  /** @throws Refusal `bad-argument` if a run is under way or being begun */
  expectIdle(): void {
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    if (this.#work !== undefined || this.#isBeginning) {
      throw new Refusal(
        'bad-argument',
        'one run trains at a time: wait until the other has ended, or stop it; it can go on later',
      );
    }
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.expectIdle();
    this.#isBeginning = true;
    try {
      return await work();
    } finally {
      this.#isBeginning = false;
    }
  }

  async #begin(id: string): Promise<Run> {
    const { events, onBug } = this.#parts;
    await writeFile(underWayFile(this.#folderOf(id)), '');
    const training = new Training(this.#folderOf(id), {
      spawn: this.#parts.spawn,
      onEvent: (event) => {
        this.#heard(work, event);
      },
      onLoading: (done, total) => {
        work.loading = { done, total };
        this.#tell();
      },
      onTrouble: (account) => {
        events.emit('app.trouble', { account });
      },
    });
    const work: Work = {
      id,
      training,
      isPausing: false,
      isStopping: false,
      ended: Promise.resolve(),
    };
    this.#work = work;
    work.ended = training.ended
      .then((failure) => this.#ended(work, failure?.message))
      .catch((error: unknown) => {
        onBug(error);
      });
    return this.#summaryOf(id, await this.#read(id));
  }

  #heard(work: Work, event: RunEvent): void {
    switch (event.event) {
      case 'start':
        delete work.loading;
        work.stepsPerEpoch = event.stepsPerEpoch;
        break;
      case 'progress':
        work.progress = event;
        delete work.loading;
        break;
      case 'paused':
        delete work.progress;
        break;
      default:
        break;
    }
    this.#tell();
  }

  async #ended(work: Work, failure: string | undefined): Promise<void> {
    if (this.#work === work) this.#work = undefined;
    const { events, models } = this.#parts;
    const { folder, description } = await this.#read(work.id);
    // Only a run that the app's own end cut off continues by itself next time.
    if (!this.#isClosed) await rm(underWayFile(folder), { force: true });
    const manifest = description.models.at(-1);
    if (failure !== undefined) events.emit('app.trouble', { account: failure });
    if (manifest !== undefined) {
      await models.import(path.join(folder, manifest)).catch((error: unknown) => {
        events.emit('app.trouble', { account: describeError(error) });
      });
    }
    if (this.#isClosed) return;
    const run = await this.#summary(work.id);
    if (run !== undefined) events.emit('training.run', run);
  }

  async #summary(id: string): Promise<Run | undefined> {
    const run = await this.#read(id).catch(() => undefined);
    return run === undefined ? undefined : this.#summaryOf(id, run);
  }

  async #summaryOf(id: string, run: RunFolder): Promise<Run> {
    const work = this.#work?.id === id ? this.#work : undefined;
    const manifest = run.description.models.at(-1);
    const modelId = manifest?.replace(/\.json$/, '');
    const isThere =
      modelId !== undefined &&
      (await this.#parts.models.pathOf(modelId).then(
        () => true,
        () => false,
      ));
    return summaryOf(id, run, {
      camera: await this.#cameraOf(id, run.description.dataset),
      work,
      bytes: await folderBytes(run.folder),
      model: isThere ? modelId : undefined,
    });
  }

  #cameraOf(id: string, dataset: RunDataset): Promise<string | undefined> {
    const known = this.#cameras.get(id) ?? this.#findCamera(dataset).catch(() => undefined);
    this.#cameras.set(id, known);
    return known;
  }

  async #findCamera(dataset: RunDataset): Promise<string | undefined> {
    if (dataset.kind === 'pairs') {
      const [pair] = dataset.splits.train;
      return pair === undefined ? undefined : this.#parts.cameraOf(pair.short);
    }
    const { cameraProfile } = dataset;
    return cameraProfile === undefined
      ? undefined
      : cameraName(await readCameraProfile(cameraProfile));
  }

  #tell(): void {
    if (this.#isClosed) return;
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const id = this.#work?.id;
      if (id === undefined) return;
      void this.#summary(id).then((run) => {
        if (run !== undefined && !this.#isClosed) this.#parts.events.emit('training.run', run);
      });
    }, tellMs);
  }
}

/** Ids are names of folders, models and files. */
function freeId(wished: string, taken: ReadonlySet<string>): string {
  const stem = wished === '' ? 'run' : wished.slice(0, 50);
  if (!taken.has(stem)) return stem;
  for (let number = 2; number < 1000; number++) {
    const id = `${stem}-${number}`;
    if (!taken.has(id)) return id;
  }
  return `${stem}-${randomBytes(4).toString('hex')}`;
}
