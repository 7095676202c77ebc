/** What happens in a training run: one schema for its log, for `--json` and for the app. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { failureSchema } from '../../engine/protocol.ts';
import { recipeSchema } from '../recipe.ts';
import { pauseReasonSchema } from './folder.ts';

const step = z.number().int().nonnegative();

/** File names below the run's `examples/` folder, PNG, the same crop each time. */
const exampleSchema = z.object({
  /** The photo it was cut from. */
  name: z.string(),
  /** The dark frame, amplified. */
  before: z.string(),
  /** What the network makes of it now. */
  after: z.string(),
  /** What it should make of it. */
  truth: z.string(),
});

export const runEventSchema = z.discriminatedUnion('event', [
  /** Training begins or goes on, after `step` steps. */
  z.object({
    event: z.literal('start'),
    step,
    steps: step,
    /** Photos or pairs that are trained on. */
    photos: z.number().int(),
    /** File names of those left out as asked. */
    excluded: z.array(z.string()),
    /** Number and digest of what it learns from. */
    dataset: z.string(),
    recipe: recipeSchema,
    device: z.string().optional(),
    /** What validations try the network on, and whether that is not trained on. */
    validation: z.object({ about: z.string(), isHeldOut: z.boolean() }).optional(),
    /** One pass over the photos or pairs. */
    stepsPerEpoch: z.number().positive().optional(),
  }),
  /** Steps were made: each is told, every hundredth (in short runs, more) is logged. */
  z.object({
    event: z.literal('progress'),
    step,
    steps: step,
    /** Smoothed over the last hundred steps or so. */
    loss: z.number(),
    /** Length of the gradient before clipping. */
    norm: z.number(),
    learningRate: z.number(),
    /** Means since the last one in the log: of the step alone, and of waiting for its batch. */
    stepMs: z.number(),
    waitMs: z.number(),
    /** At work since the run was started or taken up again, without rests. */
    elapsedSeconds: z.number(),
    leftSeconds: z.number().optional(),
    /** Memory of the training process. */
    rssBytes: z.number().optional(),
  }),
  /** Patches were tried: `start` says whether of what is held out. */
  z.object({
    event: z.literal('validated'),
    step,
    psnrDb: z.number(),
    ssim: z.number(),
    loss: z.number(),
    /** Better than all before it: now in `best.ngck`. */
    isBest: z.boolean(),
    examples: z.array(exampleSchema),
  }),
  /** A checkpoint is safely on the disk. */
  z.object({ event: z.literal('checkpoint'), step }),
  /** A photo cannot be read (any more): training goes on without it. */
  z.object({ event: z.literal('skipped'), step, account: z.string() }),
  /** Something that costs no training went wrong, such as an example picture that did not fit. */
  z.object({ event: z.literal('trouble'), step, account: z.string() }),
  /** Loss without bound, or no number: back to the last good checkpoint, with smaller steps. */
  z.object({
    event: z.literal('diverged'),
    step,
    backToStep: step,
    /** What learning rates are multiplied with from now on. */
    rateScale: z.number(),
    account: z.string(),
  }),
  z.object({ event: z.literal('paused'), step, reason: pauseReasonSchema, account: z.string() }),
  z.object({ event: z.literal('resumed'), step }),
  /** Ended before its last step because it was asked to. */
  z.object({
    event: z.literal('stopped'),
    step,
    steps: step,
    /** Path of the checkpoint to go on from. */
    checkpoint: z.string(),
    /** Path of the model's manifest, if one was asked for. */
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

/** Events of steps, which a run that goes on from an earlier checkpoint makes once more. */
const ofSteps: readonly string[] = ['progress', 'validated', 'checkpoint'];

/**
 * The log of a run as one story: steps that were lost to a crash or a setback and made again count
 * once, as they were made last. Lines that are damaged (the power went) are passed over.
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
