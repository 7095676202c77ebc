/** Validates a run: scores it, writes example pictures, reports, and keeps the best weights. */

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

type Scores = NonNullable<RunDescription['best']>;

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
   * Validates the current weights. A failed write costs pictures, never training. Repeated after a
   * crash it gives the same result, because `best.ngck` is written before it is reported.
   * @returns why the run has diverged, in plain words; undefined if it has not
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
      // A validation repeated after a crash equals the first; one repeated after a setback may be worse.
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
    const warning = isBest && before !== undefined ? smoother(before, scores) : undefined;
    if (warning !== undefined) this.#journal.tell({ event: 'trouble', step, account: warning });
    const last = { step, ...scores };
    await this.#journal.tryNote({ last, ...(isBest ? { best: last } : {}) });
    this.#journal.tell({ event: 'validated', step, ...scores, isBest, examples });
    return undefined;
  }
}

/** SSIM varies by less from one validation to the next without anything to see in the pictures. */
const ssimFallMin = 0.003;

/** A warning, in words, if PSNR was gained by smoothing; undefined if it was not. */
function smoother(
  before: Pick<Scores, 'ssim'>,
  { psnrDb, ssim }: Pick<Scores, 'psnrDb' | 'ssim'>,
): string | undefined {
  if (ssim > before.ssim - ssimFallMin) return undefined;
  return (
    `PSNR rose to ${psnrDb.toFixed(2)} dB, but SSIM fell from ${before.ssim.toFixed(4)} to ` +
    `${ssim.toFixed(4)}: details are being smoothed away; look at the examples`
  );
}

/** Other data has other patches, so old scores are not comparable. */
export async function forgetScores(folder: string, journal: RunJournal): Promise<void> {
  // The file goes first. A record without its file is ignored, so an interruption here does no harm.
  await rm(runFiles(folder).best, { force: true });
  await journal.tryNote({ best: undefined, last: undefined });
}

/** Whether the model is made from `best.ngck` rather than from the last checkpoint. */
export function prefersBest(folder: string, { best }: RunDescription): boolean {
  return best !== undefined && existsSync(runFiles(folder).best);
}

/** Smaller differences are within the noise of these few patches. */
function rounded(value: number): number {
  return Number(value.toFixed(5));
}
