/** Messages between the app and its training process. */

import { z } from 'zod';
import { defineCall, defineNote, nothing } from '../../process/call.ts';
import { runEventSchema } from './events.ts';

const progressSchema = z.discriminatedUnion('kind', [
  /** Sent while photos are read for the first time. */
  z.object({ kind: z.literal('loading'), loaded: z.number().int(), total: z.number().int() }),
  /** The events of the run's log, plus at most a few of the steps in between per second. */
  z.object({ kind: z.literal('event'), event: runEventSchema }),
  /** A sign of life for times without news, such as pauses and waits for a disk. */
  z.object({ kind: z.literal('alive') }),
]);
export type TrainingProgress = z.infer<typeof progressSchema>;

/** The only call: trains the run in this folder. Answered when the process has released the run. */
export const trainCall = defineCall({
  name: 'train',
  input: z.object({
    folder: z.string(),
    acceptsOtherData: z.boolean(),
    /** Trains on the processor, whatever the run's settings say. */
    withoutCard: z.boolean(),
  }),
  output: nothing,
  progress: progressSchema,
});

/** App → training process, while it trains. */
export const trainingNotes = {
  /** Pause after the current step, with a checkpoint; the process stays. */
  pause: defineNote({ name: 'pause', value: nothing }),
  resume: defineNote({ name: 'resume', value: nothing }),
  /**
   * End after the current step with a checkpoint and, if requested, a model of the best weights so
   * far.
   */
  stop: defineNote({ name: 'stop', value: z.enum(['nothing', 'best']) }),
};
