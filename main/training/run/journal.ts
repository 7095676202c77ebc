/** Reports a run's progress to its watcher, its log and its `run.json`. */

import { describeError } from '../../base/refusal.ts';
import type { RunEvent } from './events.ts';
import { runFiles, writeRun, type RunDescription, type RunState } from './folder.ts';
import { RunLog } from './log.ts';
import type { TrainingProgress } from './run.ts';

/** Steps between log lines, fewer in short runs. The first and last steps are always logged. */
const logEveryMax = 100;
const linesWished = 200;
/** Decay of the estimate of the time left. */
const paceMemorySteps = 50;

/** Receives every event; `isLogged` is false for steps that the log leaves out. */
export type OnRunEvent = (event: RunEvent, isLogged: boolean) => void;

export class RunJournal {
  readonly #folder: string;
  readonly #onEvent: OnRunEvent;
  readonly #log: RunLog;
  readonly #beginMs = performance.now();
  readonly #trainedBefore: number;
  #description: RunDescription;
  #step: number;
  #noted: Promise<void> = Promise.resolve();
  #sinceLog = { stepMs: 0, waitMs: 0, steps: 0 };
  #restedMs = 0;
  /** Set while the run is paused or waits for a disk or a folder. */
  #restBeganMs: number | undefined;
  #paceMs: number | undefined;
  #lastStepMs: number | undefined;

  constructor(folder: string, description: RunDescription, onEvent: OnRunEvent) {
    this.#folder = folder;
    this.#description = description;
    this.#trainedBefore = description.trainedSeconds;
    this.#step = description.step;
    this.#onEvent = onEvent;
    this.#log = new RunLog(runFiles(folder).log);
  }

  get description(): RunDescription {
    return this.#description;
  }

  /** Steps done, as last reported. */
  get step(): number {
    return this.#step;
  }

  tell(event: RunEvent): void {
    this.#step = event.event === 'diverged' ? event.backToStep : event.step;
    if (event.event === 'paused') this.#restBeganMs ??= performance.now();
    if (event.event === 'resumed') this.#endRest();
    this.#log.write(event);
    this.#onEvent(event, true);
  }

  progress(progress: TrainingProgress, firstStep: number): void {
    const { step, steps, loss, norm, learningRate, stepMs, waitMs } = progress;
    this.#step = step;
    this.#sinceLog.stepMs += stepMs;
    this.#sinceLog.waitMs += waitMs;
    this.#sinceLog.steps += 1;
    const leftMs = this.#remainingMs(steps - step);
    const event: RunEvent = {
      event: 'progress',
      step,
      steps,
      loss: Number(loss.toPrecision(5)),
      norm: Number(norm.toPrecision(4)),
      learningRate: Number(learningRate.toPrecision(4)),
      stepMs: Number((this.#sinceLog.stepMs / this.#sinceLog.steps).toFixed(1)),
      waitMs: Number((this.#sinceLog.waitMs / this.#sinceLog.steps).toFixed(1)),
      elapsedSeconds: Math.round(this.#workedMs() / 1000),
      ...(leftMs === undefined ? {} : { leftSeconds: Math.round(leftMs / 1000) }),
      rssBytes: process.memoryUsage.rss(),
    };
    const logEvery = Math.min(logEveryMax, Math.max(1, Math.floor(steps / linesWished)));
    if (step === firstStep || step % logEvery === 0 || step === steps) {
      this.tell(event);
      this.#sinceLog = { stepMs: 0, waitMs: 0, steps: 0 };
    } else {
      this.#onEvent(event, false);
    }
  }

  /**
   * Writes the run's state to `run.json`.
   * @throws Refusal `disk`
   */
  async note(
    change: Partial<Pick<RunDescription, 'step' | 'best' | 'last' | 'models' | 'sittings'>> & {
      readonly state?: RunState;
    },
  ): Promise<void> {
    this.#description = {
      ...this.#description,
      ...change,
      updatedAt: new Date().toISOString(),
      trainedSeconds: this.#trainedBefore + this.#workedMs() / 1000,
    };
    const description = this.#description;
    // One write at a time, so that the last one wins.
    const noted = this.#noted.then(() => writeRun(this.#folder, description));
    this.#noted = noted.catch(() => undefined);
    await noted;
  }

  /** As `note`, but a full disk does not throw. */
  async tryNote(change: Parameters<RunJournal['note']>[0]): Promise<void> {
    try {
      await this.note(change);
    } catch (error) {
      this.tell({ event: 'trouble', step: this.#step, account: describeError(error) });
    }
  }

  /** Waits until the log is written. */
  async end(): Promise<void> {
    await this.#log.end();
  }

  #endRest(): void {
    if (this.#restBeganMs === undefined) return;
    this.#restedMs += performance.now() - this.#restBeganMs;
    this.#restBeganMs = undefined;
  }

  /** Training time so far; pauses and waits don't count. */
  #workedMs(): number {
    return (this.#restBeganMs ?? performance.now()) - this.#beginMs - this.#restedMs;
  }

  #remainingMs(stepsLeft: number): number | undefined {
    const nowMs = this.#workedMs();
    const before = this.#lastStepMs;
    this.#lastStepMs = nowMs;
    if (before === undefined) return undefined;
    const tookMs = nowMs - before;
    this.#paceMs =
      this.#paceMs === undefined
        ? tookMs
        : this.#paceMs + (tookMs - this.#paceMs) / paceMemorySteps;
    return this.#paceMs * stepsLeft;
  }
}
