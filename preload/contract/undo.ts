/** Calls and events about undoing edits and ratings. */

import { z } from 'zod';
import { call, none, nothing, photoIdSchema } from './call.ts';
import { editsSchema } from './edits.ts';

/** Whether there is a change to undo, and one to do again. */
const stepsSchema = z.object({ canUndo: z.boolean(), canRedo: z.boolean() });

/** What was undone or done again; no step where there was none. */
const travelledSchema = z.object({
  step: z
    .object({
      kind: z.enum(['rating', 'edits', 'snapshots']),
      /** Ids of photos that are still there; their folder may be closed by now. */
      photos: z.array(z.string()),
      /** Of the first of them. */
      name: z.string().optional(),
    })
    .optional(),
});

export const snapshotsMax = 30;
export const snapshotNameMax = 60;

/** A state of a photo that was given a name. */
export const snapshotSchema = z.strictObject({
  name: z.string().trim().min(1).max(snapshotNameMax),
  /** When it was taken: ISO 8601, UTC. */
  at: z.string().max(40),
  edits: editsSchema,
});
export const snapshotsSchema = z.array(snapshotSchema).max(snapshotsMax);

const stateSchema = z.object({
  /** When it came about; absent for the oldest. */
  at: z.string().optional(),
  /** Names of the edits that differ from the state before. */
  changed: z.array(z.string()),
  edits: editsSchema,
});

export type Snapshot = z.infer<typeof snapshotSchema>;
export type HistoryState = z.infer<typeof stateSchema>;

export const undoCalls = {
  /** What a photo went through, from its sidecar: oldest first, the last state is the present one. */
  'library.history': call(
    z.strictObject({ photo: photoIdSchema }),
    z.object({ states: z.array(stateSchema).min(1), snapshots: snapshotsSchema }),
    none,
  ),
  /** Replaces a photo's list of snapshots: to take, rename or remove one. Can be undone. */
  'library.writeSnapshots': call(
    z.strictObject({ photo: photoIdSchema, snapshots: snapshotsSchema }),
    nothing,
    none,
  ),
  'library.steps': call(nothing, stepsSchema, none),
  /** The last change of edits or ratings since the program started, in any folder. */
  'library.undo': call(nothing, travelledSchema, none),
  'library.redo': call(nothing, travelledSchema, none),
} as const;

export const undoEvents = { 'library.steps': stepsSchema } as const;
