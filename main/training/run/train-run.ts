/**
 * From a run folder to a trained model: the only way, for the command line and for the app's training
 * process.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import { availableParallelism } from 'node:os';
import { failureOf } from '../../process/failure.ts';
import { sweepTemporaries, writeAtomically } from '../../base/atomic.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { encodeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { freshTrend } from './loss-trend.ts';
import { openDataset, type OpenDataset } from './open-dataset.ts';
import type { RunControl } from './control.ts';
import {
  readBestCheckpoint,
  readRun,
  readRunCheckpoint,
  runFiles,
  type PauseReason,
  type RunDescription,
} from './folder.ts';
import { RunJournal, type OnRunEvent } from './journal.ts';
import { takeRun } from './lock.ts';
import { forgetScores, prefersBest, RunValidation } from './validation.ts';
import { freshState, train } from './run.ts';
import type { Recipe } from '../recipe.ts';
import { openStep, type TrainingDevice } from '../step/step-session.ts';
import { openTaughtStep } from '../step/taught-step.ts';
import { lostBits, type Sitting } from './provenance.ts';
import { runtimeVersion } from '../../network/device.ts';
import { readTeacher } from './teacher.ts';
import { writeRunModel, type DataFacts } from './model.ts';
import type { ModelFiles } from './trained-model.ts';

export interface TrainRunOptions {
  readonly control: RunControl;
  readonly onEvent: OnRunEvent;
  /** Called while photos are read for the first time. */
  readonly onLoading?: (loaded: number, total: number) => void;
  /** Continues although the photos or pairs have changed since it began. */
  readonly acceptsOtherData?: boolean;
  /** Trains on the processor, whatever the run's settings say. */
  readonly withoutCard?: boolean;
  /** Arguments of the command line, for the record. */
  readonly command?: readonly string[];
}

export interface RunOutcome {
  readonly kind: 'done' | 'stopped';
  /** Steps in the checkpoint. */
  readonly step: number;
  /** Paths of the model's files, if one was made. */
  readonly model?: ModelFiles;
}

/** Wait between attempts to write to a full disk. */
const retryMs = 5000;

/**
 * Trains the run in a folder from its checkpoint until its steps are done or it is asked to stop, and
 * records in the folder how it ended. Waits while a disk is full or a folder of photos is away.
 * @throws Refusal for what a user can mend, also recorded as the run's state: `dataset`, `disk`, `model`
 */
export async function trainRun(folder: string, options: TrainRunOptions): Promise<RunOutcome> {
  const letGo = takeRun(folder);
  try {
    const { description } = await readRun(folder);
    await sweepTemporaries(folder);
    const journal = new RunJournal(folder, description, options.onEvent);
    try {
      return await new Runner(folder, journal, options).run();
    } catch (error) {
      const failure = failureOf(error);
      journal.tell({ event: 'failed', step: journal.step, failure });
      await journal.tryNote({ state: { kind: 'failed', failure } });
      throw error;
    } finally {
      await journal.end();
    }
  } finally {
    letGo();
  }
}

/** The run's checkpoint, or the initial one of a run from random weights. */
async function startOf(
  folder: string,
  { recipe, startedFrom, step }: RunDescription,
): Promise<Required<Checkpoint>> {
  const isFresh = step === 0 && startedFrom.kind === 'random';
  if (isFresh && !existsSync(runFiles(folder).checkpoint)) {
    return { recipe, dataset: '', state: freshState(recipe), trend: freshTrend };
  }
  const checkpoint = await readRunCheckpoint(folder);
  if (JSON.stringify(checkpoint.recipe.unet) !== JSON.stringify(recipe.unet)) {
    throw new Refusal(
      'dataset',
      `expected the network of ${folder} in its checkpoint but found another: one of its files is another run's`,
    );
  }
  return { ...checkpoint, recipe };
}

class Runner {
  readonly #folder: string;
  readonly #journal: RunJournal;
  readonly #options: TrainRunOptions;

  constructor(folder: string, journal: RunJournal, options: TrainRunOptions) {
    this.#folder = folder;
    this.#journal = journal;
    this.#options = options;
  }

  get #device(): TrainingDevice {
    return this.#options.withoutCard === true ? 'cpu' : this.#journal.description.settings.device;
  }

  async run(): Promise<RunOutcome> {
    const { control } = this.#options;
    const start = await startOf(this.#folder, this.#journal.description);
    const { recipe } = start;
    if (start.state.step >= recipe.steps) return this.#finish(start, undefined);
    const open = await this.#opener(recipe);
    await this.#journal.note({ state: { kind: 'running' }, step: start.state.step });
    let data: OpenDataset;
    try {
      data = await this.#openData(start);
    } catch (error) {
      if (!(error instanceof Refusal && error.code === 'cancelled')) throw error;
      return this.#stop(start.state.step, undefined);
    }
    try {
      const dataset = this.#boundTo(start, data);
      if (start.dataset !== '' && start.dataset !== dataset) {
        await forgetScores(this.#folder, this.#journal);
      }
      const { settings } = this.#journal.description;
      // ONNX Runtime would count the machine's cores, even where this process may use only some.
      const threads = settings.threads ?? availableParallelism();
      await this.#sitDown(start.state.step, threads);
      const validation = new RunValidation(this.#folder, this.#journal, data.validation, {
        threads,
      });
      // The new model is compared with the score of the model it began from.
      const isFirst = start.state.step === 0 && !control.isStopped;
      if (isFirst && this.#journal.description.startedFrom.kind !== 'random') {
        const account = await validation.validate({ ...start, dataset });
        if (account !== undefined) this.#journal.tell({ event: 'trouble', step: 0, account });
      }
      const firstStep = start.state.step + 1;
      let keptStep = start.state.step;
      const reached = await train(recipe, start, data.batches, {
        control,
        device: this.#device,
        threads,
        open,
        checkpointEvery: settings.checkpointEvery,
        validateEvery: settings.validateEvery,
        onCheckpoint: async (now) => {
          if (await this.#keep({ recipe, dataset, ...now })) keptStep = now.state.step;
        },
        onValidate: (now) => validation.validate({ recipe, dataset, ...now }),
        readBack: () => startOf(this.#folder, this.#journal.description),
        onProgress: (progress) => {
          this.#journal.progress(progress, firstStep);
        },
        onSetback: (setback) => {
          this.#journal.tell({ event: 'diverged', ...setback });
        },
        onWithoutCard: (step, account) => {
          this.#journal.tell({
            event: 'trouble',
            step,
            account: `${account}; the processor goes on`,
          });
        },
        onRest: (step, isResting) => this.#rest(step, isResting),
      });
      const facts: DataFacts = {
        count: data.count,
        excluded: data.excluded,
        validation: data.validation,
      };
      // After a stop on a full disk, steps may be done whose checkpoint was never written.
      if (keptStep < recipe.steps) return await this.#stop(keptStep, facts);
      return await this.#finish({ recipe, dataset, ...reached }, facts);
    } finally {
      await data.close();
    }
  }

  /** Records who trains from here on, and says if the result's bits depend on it. */
  async #sitDown(step: number, threads: number): Promise<void> {
    const { sittings } = this.#journal.description;
    const { command } = this.#options;
    const now: Sitting = {
      at: new Date().toISOString(),
      step,
      program: packageJson.version,
      runtime: runtimeVersion(),
      device: this.#device,
      threads,
      ...(command === undefined ? {} : { command: [...command] }),
    };
    const account = lostBits(sittings.at(-1), now);
    if (account !== undefined) this.#journal.tell({ event: 'trouble', step, account });
    await this.#journal.tryNote({ sittings: [...sittings, now] });
  }

  /** Opens steps. */
  async #opener(recipe: Recipe): Promise<typeof openStep> {
    if (recipe.teacher === undefined) return openStep;
    const { id, share } = recipe.teacher;
    const { teacher = id } = this.#journal.description.settings;
    return openTaughtStep(await readTeacher(recipe, teacher), share);
  }

  async #openData({ recipe, state }: Checkpoint): Promise<OpenDataset> {
    return openDataset(this.#journal.description.dataset, {
      recipe,
      firstStep: state.step + 1,
      signal: this.#options.control.stopSignal,
      onLoading: (loaded, total) => this.#options.onLoading?.(loaded, total),
      onSkipped: (account) => {
        this.#journal.tell({ event: 'skipped', step: this.#journal.step, account });
      },
      onAway: (account) => {
        const at = this.#journal.step;
        if (account === undefined) void this.#tellResumed(at);
        else void this.#tellPaused(at, 'dataset', account);
      },
    });
  }

  /** The data's digest, if the run began with the same data. */
  #boundTo({ recipe, dataset: had, state }: Checkpoint, data: OpenDataset): string {
    const { digest } = data;
    if (had !== '' && had !== digest && this.#options.acceptsOtherData !== true) {
      throw new Refusal(
        'dataset',
        `expected the photos or pairs the run began with (${had}) but found ${digest}: it would not go on as it ` +
          'was; --other-photos goes on all the same',
      );
    }
    this.#journal.tell({
      event: 'start',
      step: state.step,
      steps: recipe.steps,
      photos: data.count,
      excluded: [...data.excluded],
      dataset: digest,
      recipe,
      device: this.#device,
      validation: { about: data.validation.about, isHeldOut: data.validation.isHeldOut },
      stepsPerEpoch: data.count / recipe.batch,
    });
    return digest;
  }

  /** @returns whether it is on disk; a run that is being stopped does not wait for a full disk */
  async #keep(checkpoint: Checkpoint): Promise<boolean> {
    const { step } = checkpoint.state;
    const isSafe = await this.#throughFullDisk(step, async () => {
      const file = runFiles(this.#folder).checkpoint;
      await writeAtomically(file, encodeCheckpoint(checkpoint), { overwrite: true });
      await this.#journal.note({ step, state: { kind: 'running' } });
    });
    if (isSafe) this.#journal.tell({ event: 'checkpoint', step });
    return isSafe;
  }

  async #rest(step: number, isResting: boolean): Promise<void> {
    if (isResting) await this.#tellPaused(step, 'asked', 'asked to rest');
    else await this.#tellResumed(step);
  }

  /**
   * Repeats a write until the disk has room for it.
   * @returns false if the run was stopped before there was
   */
  async #throughFullDisk(step: number, work: () => Promise<void>): Promise<boolean> {
    const { control } = this.#options;
    let isPaused = false;
    for (;;) {
      try {
        await work();
        if (isPaused) await this.#tellResumed(step);
        return true;
      } catch (error) {
        if (!(error instanceof Refusal && error.code === 'disk')) throw error;
        if (!isPaused) await this.#tellPaused(step, 'disk', describeError(error));
        isPaused = true;
        if (control.isStopped) return false;
        await control.change(retryMs);
      }
    }
  }

  async #tellPaused(step: number, reason: PauseReason, account: string): Promise<void> {
    this.#journal.tell({ event: 'paused', step, reason, account });
    await this.#journal.tryNote({ state: { kind: 'paused', reason, account } });
  }

  async #tellResumed(step: number): Promise<void> {
    this.#journal.tell({ event: 'resumed', step });
    await this.#journal.tryNote({ state: { kind: 'running' } });
  }

  async #stop(step: number, facts: DataFacts | undefined): Promise<RunOutcome> {
    const { checkpoint } = runFiles(this.#folder);
    const { control } = this.#options;
    let model: RunOutcome['model'];
    if (control.keep === 'best' && existsSync(checkpoint)) {
      const isBest = prefersBest(this.#folder, this.#journal.description);
      const read = isBest ? readBestCheckpoint : readRunCheckpoint;
      model = await this.#writeModel(await read(this.#folder), facts);
    }
    await this.#journal.tryNote({ state: { kind: 'stopped' } });
    this.#journal.tell({
      event: 'stopped',
      step,
      steps: this.#journal.description.recipe.steps,
      checkpoint,
      ...(model === undefined ? {} : { model: model.manifest }),
    });
    return { kind: 'stopped', step, ...(model === undefined ? {} : { model }) };
  }

  async #finish(last: Checkpoint, facts: DataFacts | undefined): Promise<RunOutcome> {
    const { step } = last.state;
    let model: RunOutcome['model'];
    const { settings } = this.#journal.description;
    const isBest = settings.keep === 'best' && prefersBest(this.#folder, this.#journal.description);
    const isWritten = await this.#throughFullDisk(step, async () => {
      const kept = isBest ? await readBestCheckpoint(this.#folder) : last;
      model = await this.#writeModel(kept, facts);
    });
    if (!isWritten || model === undefined) return this.#stop(step, facts);
    await this.#journal.tryNote({ state: { kind: 'done' }, step });
    this.#journal.tell({ event: 'done', step, model: model.manifest });
    return { kind: 'done', step, model };
  }

  /** @param known absent where all steps were done earlier */
  async #writeModel(checkpoint: Checkpoint, known: DataFacts | undefined): Promise<ModelFiles> {
    const { description } = this.#journal;
    const model = await writeRunModel(this.#folder, description, checkpoint, known);
    const name = path.basename(model.manifest);
    const others = description.models.filter((had) => had !== name);
    await this.#journal.tryNote({ models: [...others, name] });
    return model;
  }
}
