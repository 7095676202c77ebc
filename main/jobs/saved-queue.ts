/** The export queue as stored over restarts of the app. */

import path from 'node:path';
import { z } from 'zod';
import { exportChoiceSchema } from '../../preload/contract/settings.ts';
import { JsonFile } from '../base/json-file.ts';
import { burstOrderSchema } from '../engine/protocol.ts';

/** A burst that is merged in the photo's place: see `PhotoJob`. */
const burstSchema = burstOrderSchema.extend({ isKept: z.boolean() });

const itemSchema = z.object({
  id: z.string(),
  batch: z.string(),
  photo: z.string(),
  /** Position in its batch, from 1. */
  number: z.number(),
  state: z.enum(['waiting', 'working', 'done', 'skipped', 'failed', 'cancelled']),
  path: z.string().optional(),
  missingModel: z.string().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
  burst: burstSchema.optional(),
  /** What became of the burst's frames. */
  gathered: z
    .object({
      merged: z.number(),
      leftOut: z.array(z.object({ name: z.string(), reason: z.string() })),
    })
    .optional(),
});

/** How the pictures of a batch are written, and the preset's name, if it is one's. */
const queuedChoiceSchema = exportChoiceSchema.extend({ preset: z.string().optional() });

const savedSchema = z.object({
  version: z.literal(1),
  isPaused: z.boolean(),
  batches: z.record(z.string(), queuedChoiceSchema),
  items: z.array(itemSchema),
});

export type SavedBurst = z.infer<typeof burstSchema>;
export type QueuedChoice = z.infer<typeof queuedChoiceSchema>;
export type SavedItem = z.infer<typeof itemSchema>;
export type SavedQueue = z.infer<typeof savedSchema>;

/** @param folder of the app's data */
export function queueFile(folder: string): JsonFile<SavedQueue> {
  const empty: SavedQueue = { version: 1, isPaused: false, batches: {}, items: [] };
  return new JsonFile(path.join(folder, 'queue.json'), savedSchema, empty);
}

/**
 * What a queue begins with after a restart: all of an unfinished one, so that it goes on counting; of
 * a finished one only what failed, which may be tried again.
 */
export function leftOver(saved: SavedQueue): SavedQueue {
  const isUnfinished = saved.items.some(({ state }) => state === 'waiting' || state === 'working');
  if (isUnfinished) return saved;
  return { ...saved, items: saved.items.filter(({ state }) => state === 'failed') };
}
