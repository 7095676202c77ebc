/** Defines calls and notes between processes, and the messages that carry them. */

import { z } from 'zod';

/** A question that one side asks and the other answers once. */
export interface Call<I, O, P> {
  readonly name: string;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  /** Reports before the answer; absent if there are none. */
  readonly progress?: z.ZodType<P>;
}

/** Something that one side tells the other, without an answer. */
export interface Note<T> {
  readonly name: string;
  readonly value: z.ZodType<T>;
}

/** Defines a call; its types follow from its schemas. */
export function defineCall<I, O, P = never>(call: Call<I, O, P>): Call<I, O, P> {
  return call;
}

export function defineNote<T>(note: Note<T>): Note<T> {
  return note;
}

/** For calls without input or output, and notes without content. */
export const nothing = z.undefined();

/** The asking side counts its requests from 1. */
const id = z.number().int().nonnegative();

/**
 * Every message on a wire. The content of a call or note is parsed by its own schema, so that an
 * invalid one only fails the request it belongs to.
 */
export const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ask'), id, name: z.unknown(), input: z.unknown() }),
  z.object({ kind: z.literal('cancel'), id }),
  z.object({ kind: z.literal('progress'), id, progress: z.unknown() }),
  z.object({ kind: z.literal('answer'), id, output: z.unknown() }),
  z.object({ kind: z.literal('failed'), id, failure: z.unknown() }),
  z.object({ kind: z.literal('note'), name: z.unknown(), value: z.unknown() }),
]);

export type Message = z.infer<typeof messageSchema>;

/** A schema's complaint about a value, in one line of at most 300 characters. */
export function complaint(error: z.ZodError): string {
  return z.prettifyError(error).replaceAll(/\s+/g, ' ').slice(0, 300);
}
