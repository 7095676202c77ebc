/** Reports a training run in progress: to the terminal, or as JSON lines to programs. */

import path from 'node:path';
import type { RunEvent } from '../../training/run/events.ts';
import type { ModelFiles } from '../../training/run/trained-model.ts';
import { formatDuration, type ProgressLine } from '../progress-line.ts';

export class TrainingReport {
  readonly #isJson: boolean;
  readonly #line: ProgressLine;
  #steps: number | undefined;
  /**
   * What validations use, for people. Older runs did not record whether their patches were held
   * out.
   */
  #validatedOn = 'held-out patches';

  constructor({ isJson, line }: { readonly isJson: boolean; readonly line: ProgressLine }) {
    this.#isJson = isJson;
    this.#line = line;
  }

  /** @param isLogged false for steps that only update the terminal's line */
  tell(event: RunEvent, isLogged: boolean): void {
    if (event.event === 'start') {
      this.#steps = event.steps;
      if (event.validation?.isHeldOut === false) this.#validatedOn = 'patches it is trained on';
    }
    if (this.#isJson) {
      // The end is reported by `wrote`, and failures by the program.
      if (isLogged && event.event !== 'done' && event.event !== 'failed') this.#print(event);
      return;
    }
    const text = spoken(event, this.#validatedOn);
    if (event.event === 'progress') {
      const { step, steps, loss, leftSeconds } = event;
      const left = leftSeconds === undefined ? '' : `, ${formatDuration(leftSeconds * 1000)} left`;
      this.#line.update(`step ${step}/${steps}, loss ${loss.toFixed(4)}${left}`);
    } else if (event.event === 'stopped') {
      this.#line.done();
      process.stdout.write(`${text}\n`);
    } else if (text !== '') {
      this.#line.log(text);
    }
  }

  /**
   * Reports the model that was made.
   * @param step the run's progress
   */
  wrote(model: ModelFiles, step: number): void {
    const { manifest, modelStep } = model;
    if (this.#isJson) {
      this.#print({ event: 'result', step, steps: this.#steps ?? step, ...model });
      return;
    }
    const onnx = path.basename(model.onnx);
    const which =
      modelStep === step ? `at step ${step}` : `of step ${modelStep}, the best of ${step}`;
    process.stdout.write(`Wrote ${manifest} and ${onnx} ${which}.\n`);
  }

  #print(event: object): void {
    process.stdout.write(`${JSON.stringify(event)}\n`);
  }
}

/** One line for people; empty for events they need not know about. */
function spoken(event: RunEvent, validatedOn: string): string {
  switch (event.event) {
    case 'start': {
      const { photos, dataset, excluded, step, steps } = event;
      const { unet, batch, patchPacked } = event.recipe;
      const what = / pairs,/.test(dataset) ? 'pair' : 'photo';
      const besides = excluded.length === 0 ? '' : ` (${excluded.length} left out)`;
      return (
        `${photos} ${what}${photos === 1 ? '' : 's'}${besides}, base ${unet.baseChannels}, ${batch} patches of ${patchPacked}² a step, ` +
        `${step === 0 ? '' : `from step ${step} `}to step ${steps}. Ctrl-C saves and stops.`
      );
    }
    case 'validated': {
      const { step, psnrDb, ssim, loss, isBest } = event;
      return (
        `step ${step}: ${psnrDb.toFixed(2)} dB, SSIM ${ssim.toFixed(4)}, loss ${loss.toFixed(4)} on ` +
        `${validatedOn}${isBest ? ', the best so far' : ''}`
      );
    }
    case 'skipped':
      return `left out: ${event.account}`;
    case 'trouble':
      return event.account;
    case 'diverged':
      return (
        `step ${event.step}: ${event.account}; going on from step ${event.backToStep} with ` +
        `${event.rateScale.toPrecision(2)} of the learning rate`
      );
    case 'paused':
      return `waiting at step ${event.step}: ${event.account}`;
    case 'resumed':
      return `going on after step ${event.step}`;
    case 'stopped':
      return `Stopped and saved at step ${event.step} of ${event.steps}. The same command with --resume goes on.`;
    case 'progress':
    case 'checkpoint':
    case 'done':
    case 'failed':
      return '';
  }
}
