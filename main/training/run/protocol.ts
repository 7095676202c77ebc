/** What the app and its training process say to each other. */

import { z } from 'zod';
import { failureSchema } from '../../engine/protocol.ts';
import { runEventSchema } from './events.ts';

/** App → training process. */
export const trainingRequestSchema = z.discriminatedUnion('kind', [
  /** The first and only once: train the run in this folder. */
  z.object({
    kind: z.literal('start'),
    folder: z.string(),
    acceptsOtherData: z.boolean(),
    /** On the processor, whatever the run's settings say. */
    withoutCard: z.boolean(),
  }),
  /** Rest after the step at work, with a checkpoint; the process stays. */
  z.object({ kind: z.literal('pause') }),
  z.object({ kind: z.literal('resume') }),
  /** End after the step at work, with a checkpoint, and with a model of the best so far if asked. */
  z.object({ kind: z.literal('stop'), keep: z.enum(['nothing', 'best']) }),
]);
export type TrainingRequest = z.infer<typeof trainingRequestSchema>;

/** Training process → app. */
export const trainingReplySchema = z.discriminatedUnion('kind', [
  /** Photos are read for the first time. */
  z.object({ kind: z.literal('loading'), loaded: z.number().int(), total: z.number().int() }),
  /** As in the run's log, and of the steps in between at most a few a second. */
  z.object({ kind: z.literal('event'), event: runEventSchema }),
  /** It lives, though it may have nothing to tell: it rests, or waits for a disk. */
  z.object({ kind: z.literal('alive') }),
  /** The last: it has let go of the run and will end. */
  z.object({ kind: z.literal('ended'), failure: failureSchema.optional() }),
]);
export type TrainingReply = z.infer<typeof trainingReplySchema>;
