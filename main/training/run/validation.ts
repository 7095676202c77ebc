/** Validations of a run: measured, shown, told, and the best network so far kept. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { writeAtomically } from '../../base/atomic.ts';
import { describeError } from '../../base/refusal.ts';
import { encodeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { writeExamples } from './example-pictures.ts';
import type { ValidationSet } from './open-dataset.ts';
import { runFiles, type RunDescription } from './folder.ts';
import type { RunJournal } from './journal.ts';
import { Validator } from '../validation/validation.ts';

export class RunValidation {
  readonly #folder: string;
  readonly #journal: RunJournal;
  readonly #set: ValidationSet;
  readonly #validator: Validator;

  constructor(
    folder: string,
    journal: RunJournal,
    set: ValidationSet,
    { threads }: { readonly threads: number },
  ) {
    this.#folder = folder;
    this.#journal = journal;
    this.#set = set;
    this.#validator = new Validator(journal.description.recipe, set.patches, threads);
  }

  /**
   * Tries what has been reached. What cannot be written costs pictures, never training.
   * (Made again after a crash it gives the same: `best.ngck` is written before it is told of.)
   * @returns why the run has gone astray, in plain words; undefined if it has not
   */
  async validate(checkpoint: Checkpoint): Promise<string | undefined> {
    if (this.#set.patches.length === 0) return undefined;
    const { step, weights } = checkpoint.state;
    const { pictures, psnrDb, ssim, loss } = await this.#validator.validate(weights);
    if (![psnrDb, ssim, loss].every(Number.isFinite)) {
      return `validation came to ${String(psnrDb)} dB and a loss of ${String(loss)}`;
    }
    const scores = { psnrDb: rounded(psnrDb), ssim: rounded(ssim), loss: rounded(loss) };
    const files = runFiles(this.#folder);
    const before = existsSync(files.best) ? this.#journal.description.best : undefined;
    let isBest =
      before === undefined ||
      scores.psnrDb > before.psnrDb ||
      // Made again after a crash; after a setback it comes out otherwise, and may be worse.
      (scores.psnrDb === before.psnrDb && step === before.step);
    let examples: Awaited<ReturnType<typeof writeExamples>> = [];
    try {
      examples = await writeExamples(files.examples, step, this.#set.patches, pictures);
      if (isBest) {
        await writeAtomically(files.best, encodeCheckpoint(checkpoint), { overwrite: true });
      }
    } catch (error) {
      isBest = false;
      this.#journal.tell({ event: 'trouble', step, account: describeError(error) });
    }
    const last = { step, ...scores };
    await this.#journal.tryNote({ last, ...(isBest ? { best: last } : {}) });
    this.#journal.tell({ event: 'validated', step, ...scores, isBest, examples });
    return undefined;
  }
}

/** Other data has other patches: what was scored on the old ones is no measure for what comes. */
export async function forgetScores(folder: string, journal: RunJournal): Promise<void> {
  // A best without its file counts for nothing: this may be cut off in between.
  await rm(runFiles(folder).best, { force: true });
  await journal.tryNote({ best: undefined, last: undefined });
}

/** Whether the model is made of `best.ngck` rather than of the last checkpoint. */
export function prefersBest(folder: string, { best }: RunDescription): boolean {
  return best !== undefined && existsSync(runFiles(folder).best);
}

/** Nobody can tell less from these patches. */
function rounded(value: number): number {
  return Number(value.toFixed(5));
}
