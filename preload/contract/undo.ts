/** Calls and events about undoing edits and ratings. */

import { z } from 'zod';
import { call, none, nothing } from './call.ts';

/** Whether there is a change to undo, and one to do again. */
const stepsSchema = z.object({ canUndo: z.boolean(), canRedo: z.boolean() });

/** What was undone or done again; no step where there was none. */
const travelledSchema = z.object({
  step: z
    .object({
      /** `mark`: a flag or a colour label. */
      kind: z.enum(['rating', 'mark', 'edits']),
      /** Ids of photos that are still there; their folder may be closed by now. */
      photos: z.array(z.string()),
      /** Of the first of them. */
      name: z.string().optional(),
    })
    .optional(),
});

export const undoCalls = {
  'library.steps': call(nothing, stepsSchema, none),
  /** The last change of edits or ratings since the program started, in any folder. */
  'library.undo': call(nothing, travelledSchema, none),
  'library.redo': call(nothing, travelledSchema, none),
} as const;

export const undoEvents = { 'library.steps': stepsSchema } as const;
