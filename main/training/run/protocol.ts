/** What the app and its training process say to each other. */

import { z } from 'zod';
import { defineCall, defineNote, nothing } from '../../process/call.ts';
import { runEventSchema } from './events.ts';

const progressSchema = z.discriminatedUnion('kind', [
  /** Photos are read for the first time. */
  z.object({ kind: z.literal('loading'), loaded: z.number().int(), total: z.number().int() }),
  /** As in the run's log, and of the steps in between at most a few a second. */
  z.object({ kind: z.literal('event'), event: runEventSchema }),
  /** It lives, though it may have nothing to tell: it rests, or waits for a disk. */
  z.object({ kind: z.literal('alive') }),
]);
export type TrainingProgress = z.infer<typeof progressSchema>;

/** The only call: trains the run in this folder. Answered when the process has let go of the run. */
export const trainCall = defineCall({
  name: 'train',
  input: z.object({
    folder: z.string(),
    acceptsOtherData: z.boolean(),
    /** On the processor, whatever the run's settings say. */
    withoutCard: z.boolean(),
  }),
  output: nothing,
  progress: progressSchema,
});

/** App → training process, while it trains. */
export const trainingNotes = {
  /** Rest after the step at work, with a checkpoint; the process stays. */
  pause: defineNote({ name: 'pause', value: nothing }),
  resume: defineNote({ name: 'resume', value: nothing }),
  /** End after the step at work, with a checkpoint, and with a model of the best so far if asked. */
  stop: defineNote({ name: 'stop', value: z.enum(['nothing', 'best']) }),
};
