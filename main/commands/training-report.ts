/** What a training run tells while it goes: to the terminal, to programs, and to its log. */

import { appendFile } from 'node:fs/promises';
import type { Checkpoint } from '../training/checkpoint.ts';
import type { TrainingProgress } from '../training/run.ts';
import { Eta, formatDuration, type ProgressLine } from './progress-line.ts';

/** Steps between lines of the log; the first and the last step have one too. */
const LOG_EVERY = 100;

/** Tells how the run goes: on the terminal, as JSON lines, and in the run's own log. */
export class TrainingReport {
  readonly #isJson: boolean;
  readonly #run: Checkpoint;
  readonly #line: ProgressLine;
  readonly #logFile: string;
  readonly #eta = new Eta();
  readonly #beginMs = performance.now();
  #stepMs = 0;
  #waitMs = 0;
  #steps = 0;
  /** Lines of the log on their way to the disk, one after the other. */
  #logged: Promise<void> = Promise.resolve();

  constructor(
    run: Checkpoint,
    to: { readonly isJson: boolean; readonly line: ProgressLine; readonly logFile: string },
  ) {
    this.#run = run;
    this.#isJson = to.isJson;
    this.#line = to.line;
    this.#logFile = to.logFile;
  }

  async begin(photos: number, excluded: readonly string[]): Promise<void> {
    const { recipe, dataset, state } = this.#run;
    const { step } = state;
    this.#record({ event: 'start', step, photos, excluded, dataset, recipe });
    await this.#logged;
    if (this.#isJson) return;
    const { unet, batch, patchPacked, steps } = recipe;
    const besides = excluded.length === 0 ? '' : ` (${excluded.length} left out)`;
    this.#line.log(
      `${photos} photos${besides}, base ${unet.baseChannels}, ${batch} patches of ${patchPacked}² a step, ` +
        `${step === 0 ? '' : `from step ${step} `}to step ${steps}. Ctrl-C saves and stops.`,
    );
  }

  step(progress: TrainingProgress): void {
    const { step, steps, loss, norm, learningRate, stepMs, waitMs } = progress;
    this.#stepMs += stepMs;
    this.#waitMs += waitMs;
    this.#steps += 1;
    const leftMs = this.#eta.remainingMs(step, steps);
    const left = leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`;
    this.#line.update(`step ${step}/${steps}, loss ${loss.toFixed(4)}${left}`);
    const isFirst = step === this.#run.state.step + 1;
    if (!isFirst && step % LOG_EVERY !== 0 && step !== steps) return;
    this.#record({
      event: 'progress',
      step,
      steps,
      loss: Number(loss.toPrecision(5)),
      norm: Number(norm.toPrecision(4)),
      learningRate: Number(learningRate.toPrecision(4)),
      stepMs: Math.round(this.#stepMs / this.#steps),
      waitMs: Number((this.#waitMs / this.#steps).toFixed(1)),
      elapsedSeconds: Math.round((performance.now() - this.#beginMs) / 1000),
      ...(leftMs === undefined ? {} : { leftSeconds: Math.round(leftMs / 1000) }),
    });
    this.#stepMs = this.#waitMs = this.#steps = 0;
  }

  /** Waits for the log. */
  async end(): Promise<void> {
    this.#line.done();
    await this.#logged;
  }

  stopped(step: number, checkpoint: string): void {
    const { steps } = this.#run.recipe;
    if (this.#isJson) {
      process.stdout.write(`${JSON.stringify({ event: 'stopped', step, steps, checkpoint })}\n`);
      return;
    }
    process.stdout.write(
      `Stopped and saved at step ${step} of ${steps}. The same command with --resume goes on.\n`,
    );
  }

  #record(event: Record<string, unknown>): void {
    const text = JSON.stringify(event);
    if (this.#isJson) process.stdout.write(`${text}\n`);
    // A log that cannot be written (a full disk) is no reason to lose a run: the checkpoint will say.
    this.#logged = this.#logged
      .then(() => appendFile(this.#logFile, `${text}\n`))
      .catch(() => undefined);
  }
}
