/** Marks of a cull, and the calls that set them: stars, flags, colour labels, and the trash. */

import { z } from 'zod';
import { call, none, nothing, photoIdsSchema } from './call.ts';

export const flags = ['pick', 'reject'] as const;
export type Flag = (typeof flags)[number];

/** In the order of their keys. */
export const labels = ['red', 'yellow', 'green', 'blue'] as const;
export type Label = (typeof labels)[number];

/** What a photo is marked with, apart from its stars. */
export const marksShape = {
  flag: z.enum(flags).optional(),
  label: z.enum(labels).optional(),
} as const;

export const cullingCalls = {
  'library.rate': call(
    z.strictObject({ photos: photoIdsSchema, rating: z.number().int().min(0).max(5) }),
    nothing,
    none,
  ),
  /** Sets a flag, a label, or both; `none` takes it away, and what is not named stays. */
  'library.mark': call(
    z.strictObject({
      photos: photoIdsSchema,
      flag: z.enum(['none', ...flags]).optional(),
      label: z.enum(['none', ...labels]).optional(),
    }),
    nothing,
    none,
  ),
  /**
   * Moves photos to the system's trash, with their edits and the JPEGs that a camera put beside them.
   * Refused where `canTrash` is false. A failure leaves the photos that it has not reached.
   */
  'library.trash': call(
    z.strictObject({ photos: photoIdsSchema }),
    z.object({ trashed: z.number().int() }),
    none,
  ),
} as const;
