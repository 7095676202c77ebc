/** The events of a training run: one schema for its log, `--json` and the app. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { failureSchema } from '../../process/failure.ts';
import { recipeSchema } from '../recipe.ts';
import { pauseReasonSchema } from './folder.ts';

const step = z.number().int().nonnegative();

/** File names below the run's `examples/` folder, PNG, the same crop each time. */
const exampleSchema = z.object({
  /** The photo it was cut from. */
  name: z.string(),
  /** The dark frame, amplified. */
  before: z.string(),
  /** The network's current output. */
  after: z.string(),
  /** The target. */
  truth: z.string(),
});

export const runEventSchema = z.discriminatedUnion('event', [
  /** Training begins or continues after `step` steps. */
  z.object({
    event: z.literal('start'),
    step,
    steps: step,
    /** Number of photos or pairs in training. */
    photos: z.number().int(),
    /** File names left out on request. */
    excluded: z.array(z.string()),
    /** Number and digest of the training data. */
    dataset: z.string(),
    recipe: recipeSchema,
    device: z.string().optional(),
    /** What validation uses, and whether training leaves it out. */
    validation: z.object({ about: z.string(), isHeldOut: z.boolean() }).optional(),
    /** One pass over the photos or pairs. */
    stepsPerEpoch: z.number().positive().optional(),
  }),
  /** One step. Every step is reported; every hundredth is logged, more often in short runs. */
  z.object({
    event: z.literal('progress'),
    step,
    steps: step,
    /** Smoothed over the last hundred steps or so. */
    loss: z.number(),
    /** Length of the gradient before clipping. */
    norm: z.number(),
    learningRate: z.number(),
    /** Means since the last logged step: time of the step alone, and time waiting for its batch. */
    stepMs: z.number(),
    waitMs: z.number(),
    /** Time in training since this start or resumption, without pauses. */
    elapsedSeconds: z.number(),
    leftSeconds: z.number().optional(),
    /** Memory of the training process. */
    rssBytes: z.number().optional(),
  }),
  /** A validation; the `start` event says whether its data is held out. */
  z.object({
    event: z.literal('validated'),
    step,
    psnrDb: z.number(),
    ssim: z.number(),
    loss: z.number(),
    /** Better than all before it; saved in `best.ngck`. */
    isBest: z.boolean(),
    examples: z.array(exampleSchema),
  }),
  /** A checkpoint has been flushed to disk. */
  z.object({ event: z.literal('checkpoint'), step }),
  /** A photo cannot be read, or no longer; training continues without it. */
  z.object({ event: z.literal('skipped'), step, account: z.string() }),
  /** A problem that costs no training, such as an example picture that did not fit on the disk. */
  z.object({ event: z.literal('trouble'), step, account: z.string() }),
  /** The loss diverged or is NaN: back to the last good checkpoint with a lower learning rate. */
  z.object({
    event: z.literal('diverged'),
    step,
    backToStep: step,
    /** The factor on learning rates from now on. */
    rateScale: z.number(),
    account: z.string(),
  }),
  z.object({ event: z.literal('paused'), step, reason: pauseReasonSchema, account: z.string() }),
  z.object({ event: z.literal('resumed'), step }),
  /** Ended on request before its last step. */
  z.object({
    event: z.literal('stopped'),
    step,
    steps: step,
    /** Path of the checkpoint to continue from. */
    checkpoint: z.string(),
    /** Path of the model's manifest, if one was requested. */
    model: z.string().optional(),
  }),
  z.object({
    event: z.literal('done'),
    step,
    /** Path of the model's manifest. */
    model: z.string(),
  }),
  z.object({ event: z.literal('failed'), step, failure: failureSchema }),
]);
export type RunEvent = z.infer<typeof runEventSchema>;

const loggedSchema = z.intersection(runEventSchema, z.object({ at: z.iso.datetime() }));
/** An event with the time it happened at, ISO 8601, UTC. */
export type LoggedEvent = z.infer<typeof loggedSchema>;

/** Events that belong to a step. A run that resumes from an earlier checkpoint repeats them. */
const ofSteps: readonly string[] = ['progress', 'validated', 'checkpoint'];

/**
 * The log of a run without repetitions: where a crash or a setback made the run repeat steps, only
 * the last repetition counts. Damaged lines (after a power cut) are skipped.
 * @param file `runFiles(folder).log`; none is an empty log
 */
export async function readRunLog(file: string): Promise<LoggedEvent[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  let events: LoggedEvent[] = [];
  for (const line of text.split('\n')) {
    const event = parseLine(line);
    if (event === undefined) continue;
    const back =
      event.event === 'start'
        ? event.step
        : event.event === 'diverged'
          ? event.backToStep
          : Infinity;
    if (back < Infinity) {
      events = events.filter((had) => !(ofSteps.includes(had.event) && had.step > back));
    }
    events.push(event);
  }
  return events;
}

function parseLine(line: string): LoggedEvent | undefined {
  if (line === '') return undefined;
  try {
    return loggedSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
