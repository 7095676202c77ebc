/** Converts errors to a form that can be sent between processes, and back. */

import path from 'node:path';
import { z } from 'zod';
import { Refusal } from '../base/refusal.ts';

export const failureSchema = z.object({
  /** A Refusal's code; absent for a bug. */
  code: z
    .enum([
      'bad-argument',
      'burst',
      'cancelled',
      'damaged-file',
      'disk',
      'model',
      'out-of-memory',
      'device',
      'dataset',
      'unsupported-file',
    ])
    .optional(),
  message: z.string(),
  /** Set for a Refusal that would also affect the next photo, such as a full disk. */
  isLasting: z.boolean().optional(),
  stack: z.string().optional(),
});

export type Failure = z.infer<typeof failureSchema>;

export function failureOf(error: unknown): Failure {
  if (error instanceof Refusal) {
    const { code, message, isLasting } = error;
    return { code, message, ...(isLasting ? { isLasting } : {}) };
  }
  if (error instanceof Error) {
    return { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
  }
  return { message: String(error) };
}

/** The original error: a Refusal if it was one, otherwise a bug with the other side's stack. */
export function errorOf({ code, message, stack, isLasting = false }: Failure): Error {
  if (code !== undefined) return new Refusal(code, message, { isLasting });
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/**
 * The same error. If a Refusal does not name the photo, its name is put in front, because the
 * message may appear in a list of a hundred photos.
 */
export function aboutPhoto(error: unknown, photo: string): unknown {
  const name = path.basename(photo);
  if (!(error instanceof Refusal) || error.code === 'cancelled' || error.message.includes(name))
    return error;
  return error.saying(`${name}: ${error.message}`);
}
