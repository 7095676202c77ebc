/** Calls about exporting photos, and the queue of exports. */

import { z } from 'zod';
import { leftOutSchema } from './bursts.ts';
import { call, failureSchema, none, nothing, photoIdSchema, photoIdsSchema } from './call.ts';
import { exportChoiceSchema, exportOrderSchema, ordersMax, templateSchema } from './settings.ts';

const queueItemSchema = z.object({
  id: z.string(),
  photo: photoIdSchema,
  name: z.string(),
  /** Of the way in which it is exported, if that has a name. */
  preset: z.string().optional(),
  state: z.enum(['waiting', 'working', 'done', 'skipped', 'failed', 'cancelled']),
  stage: z.enum(['decode', 'merge', 'network', 'encode']).optional(),
  /** Of frames' steps while they are merged. */
  tilesDone: z.number(),
  tilesTotal: z.number(),
  /** Id of the photo's model, if that was not here: the default developed the picture. */
  missingModel: z.string().optional(),
  /** Path of the finished picture. */
  path: z.string().optional(),
  failure: failureSchema.optional(),
  /** Set if it merges a burst, of which `photo` is one frame. */
  burst: z
    .object({
      frames: z.number().int(),
      /** Whether it becomes a DNG, or a finished picture. */
      becomes: z.enum(['dng', 'picture']),
      /** How many frames are in it; known once it is merged. */
      merged: z.number().int().optional(),
      leftOut: z.array(leftOutSchema),
    })
    .optional(),
});

export const queueSchema = z.object({
  isPaused: z.boolean(),
  /** Why the queue paused by itself, for example a full disk. */
  stoppedBy: z.string().optional(),
  items: z.array(queueItemSchema),
  /** Number of ended and of all listed exports: "19 / 50". */
  ended: z.number().int(),
  total: z.number().int(),
  elapsedMs: z.number(),
  /** Absent until an estimate is possible. */
  remainingMs: z.number().optional(),
});

export const queueCalls = {
  /**
   * Adds pictures to the queue: each photo in each of the ways named. Settings stay as they are.
   * Refused if two ways would write the same names.
   */
  'export.start': call(
    z.strictObject({
      photos: photoIdsSchema,
      exports: z.array(exportOrderSchema).min(1).max(ordersMax),
    }),
    z.object({ queued: z.number().int() }),
    none,
  ),
  /**
   * The photos named with the presets of one click, each where it is not exported with it yet. Bursts
   * among them may be merged on the way, so that each becomes one picture: see `gatherBursts`.
   */
  'export.enhance': call(
    z.strictObject({ photos: photoIdsSchema, mergesBursts: z.boolean() }),
    z.object({ queued: z.number().int() }),
    none,
  ),
  'export.exampleName': call(
    z.strictObject({ photo: photoIdSchema, template: templateSchema, choice: exportChoiceSchema }),
    z.object({ name: z.string() }),
    none,
  ),

  'queue.read': call(nothing, queueSchema, none),
  /** Starts no more photos; those in the network are finished. */
  'queue.pause': call(nothing, nothing, none),
  'queue.resume': call(nothing, nothing, none),
  /** Cancels the named exports, or all that have not ended. A running one stops within a tile. */
  'queue.cancel': call(
    z.strictObject({ items: z.array(z.string().max(64)).max(100_000).optional() }),
    nothing,
    none,
  ),
  /** Retries the named exports, or all that failed or were cancelled. */
  'queue.retry': call(
    z.strictObject({ items: z.array(z.string().max(64)).max(100_000).optional() }),
    nothing,
    none,
  ),
  /** Removes ended exports from the list. */
  'queue.clear': call(nothing, nothing, none),
  /** Shows a finished picture in its folder. Refused if `hasDialogs` is false. */
  'queue.reveal': call(z.strictObject({ item: z.string().max(64) }), nothing, none),
} as const;
