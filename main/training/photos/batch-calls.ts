/** Messages of the threads that read training photos and cut batches. */

import type { MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { defineCall, defineNote, nothing } from '../../process/call.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import type { Shelf } from './shelf.ts';

/** Samples in unshared memory, as in transferred buffers. */
const plainFloats = z.custom<Float32Array<ArrayBuffer>>(
  (value) => value instanceof Float32Array && value.buffer instanceof ArrayBuffer,
);

/** A few megabytes, in shared memory. */
const linearPhoto = z.custom<LinearPhoto>((value) => value instanceof Object);

export const shelfSchema = z.custom<Shelf>((value) => value instanceof Object);

const loadingSchema = z.object({ loaded: z.number(), total: z.number() });

/** Makes the batch of this number: a `Batch`. Sent to threads that cut photos or pairs. */
export const batchCall = defineCall({
  name: 'batch',
  input: z.number().int(),
  output: z.object({
    step: z.number(),
    input: plainFloats,
    target: plainFloats,
    isNight: z.array(z.boolean()),
  }),
});

/** Reads the first pairs. */
export const loadPairsCall = defineCall({
  name: 'load-pairs',
  input: nothing,
  output: nothing,
  progress: loadingSchema,
});

/** Reads photos until all are read or the memory limit is reached. */
export const loadPhotosCall = defineCall({
  name: 'load-photos',
  input: z.object({ files: z.array(z.string()), bytesMax: z.number().positive() }),
  output: z.object({
    /** Number of photos that patches are drawn from. */
    photos: z.number(),
    shelf: shelfSchema,
  }),
  progress: loadingSchema,
});

/** One photo of the shelf; undefined if it can no longer be read. */
export const photoCall = defineCall({
  name: 'photo',
  input: z.number().int(),
  output: linearPhoto.optional(),
});

/** This photo will be asked for soon. */
export const hintNote = defineNote({ name: 'hint', value: z.number().int() });

/** The port of a thread that will ask for photos. */
export const clientNote = defineNote({
  name: 'client',
  value: z.custom<MessagePort>((value) => value instanceof Object),
});

/** A photo or pair can no longer be read; training continues without it. */
export const skippedNote = defineNote({ name: 'skipped', value: z.string() });

/** Files are missing, with an account of which; undefined once they are back. */
export const awayNote = defineNote({ name: 'away', value: z.string().optional() });
