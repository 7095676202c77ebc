/** Bursts among the open folder's photos: frames of one scene that are merged into one picture. */

import { z } from 'zod';
import { call, none, nothing, photoIdSchema } from './call.ts';

/** What moves looks as in the reference, or is averaged like the rest. */
const motions = ['freeze', 'blur'] as const;
export const motionSchema = z.enum(motions);
export type Motion = z.infer<typeof motionSchema>;

/** A longer series is a time lapse rather than a burst. */
export const burstFramesMax = 64;

const burstIdSchema = photoIdSchema;
const photosSchema = z.array(photoIdSchema).max(burstFramesMax);

export const burstSchema = z.object({
  /** The photo id of its first frame. */
  id: burstIdSchema,
  /** In order of time. */
  frames: photosSchema,
  /** The user's choice; absent: the sharpest. */
  reference: photoIdSchema.optional(),
  /** Frames that the user left out. */
  leftOut: photosSchema,
  motion: motionSchema,
  /** The photo it was merged into, if that is in the folder. */
  merged: photoIdSchema.optional(),
});
export type Burst = z.infer<typeof burstSchema>;

const burstsSchema = z.object({ bursts: z.array(burstSchema) });

/** A frame that is not in the merged picture, and why: the end of the sentence "NAME …". */
export const leftOutSchema = z.object({ name: z.string(), reason: z.string() });

export const burstCalls = {
  /** Those found so far. */
  'bursts.read': call(nothing, burstsSchema, none),
  /** How a burst is merged; kept while the app runs. */
  'bursts.choose': call(
    z.strictObject({
      burst: burstIdSchema,
      /** Absent: the sharpest. */
      reference: photoIdSchema.optional(),
      leftOut: photosSchema,
      motion: motionSchema,
    }),
    nothing,
    none,
  ),
  /**
   * Adds the merging of bursts to the queue; each becomes a DNG beside its frames, or in the folder of
   * the first preset of one click, if that names one.
   */
  'bursts.merge': call(
    z.strictObject({ bursts: z.array(burstIdSchema).min(1).max(10_000) }),
    z.object({ queued: z.number().int() }),
    none,
  ),
} as const;

export const burstEvents = {
  /** Bursts were found, changed or lost. */
  'library.bursts': burstsSchema,
} as const;

/** What a command makes of photos: bursts of which each becomes one picture, and single photos. */
export interface Gathered {
  readonly merges: readonly { readonly burst: Burst; readonly frames: readonly string[] }[];
  readonly singles: readonly string[];
  /** Frames of bursts of which the merged photo is there. */
  readonly merged: readonly string[];
}

/**
 * Gathers the bursts among photos. Frames that the user left out go nowhere; a burst of which fewer
 * than two frames are named is not merged.
 * @param photos ids
 */
export function gatherBursts(photos: readonly string[], bursts: readonly Burst[]): Gathered {
  const named = new Set(photos);
  const inBursts = new Set<string>();
  const merges: { burst: Burst; frames: string[] }[] = [];
  const merged: string[] = [];
  for (const burst of bursts) {
    const leftOut = new Set(burst.leftOut);
    const there = burst.frames.filter((id) => named.has(id));
    const frames = there.filter((id) => !leftOut.has(id));
    if (frames.length < 2) continue;
    for (const id of there) inBursts.add(id);
    if (burst.merged !== undefined && named.has(burst.merged)) merged.push(...there);
    else merges.push({ burst, frames });
  }
  return { merges, singles: photos.filter((id) => !inBursts.has(id)), merged };
}

/** The photo that stands for a burst: its edits are those of the merged picture. */
export function coverOf(burst: Burst, frames: readonly string[] = burst.frames): string {
  const { reference } = burst;
  return reference !== undefined && frames.includes(reference)
    ? reference
    : (frames[0] ?? burst.id);
}
