/** Defines a call of the contract: its input, its output, and its progress. */

import { z } from 'zod';

/** Created by the main process; only photos of the opened folder have one. */
export const photoIdSchema = z.string().regex(/^[0-9a-f]{24}$/);
export const photoIdsSchema = z.array(photoIdSchema).min(1).max(100_000);

export const call = <I extends z.ZodType, O extends z.ZodType, P extends z.ZodType>(
  input: I,
  output: O,
  progress: P,
) => ({ input, output, progress });

export const nothing = z.strictObject({});
export const none = z.never();

export const modelIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);

export const pathSchema = z
  .string()
  .min(1)
  .max(4096)
  .refine((path) => !path.includes('\0'));

/** A failure for people to read. `code` is a Refusal's, or `bug`. */
export const failureSchema = z.object({ code: z.string(), message: z.string() });
