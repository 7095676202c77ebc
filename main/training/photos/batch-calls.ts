/** What the threads that read training photos and cut batches are asked and tell. */

import type { MessagePort } from 'node:worker_threads';
import { z } from 'zod';
import { defineCall, defineNote, nothing } from '../../process/call.ts';
import type { LinearPhoto } from '../../darkness/linear-photo.ts';
import type { Shelf } from './shelf.ts';

/** Samples in memory of their own, as moved buffers are. */
const plainFloats = z.custom<Float32Array<ArrayBuffer>>(
  (value) => value instanceof Float32Array && value.buffer instanceof ArrayBuffer,
);

/** Of a few megabytes, in memory that threads share. */
const linearPhoto = z.custom<LinearPhoto>((value) => value instanceof Object);

export const shelfSchema = z.custom<Shelf>((value) => value instanceof Object);

const loadingSchema = z.object({ loaded: z.number(), total: z.number() });

/** Makes the batch of this number: a `Batch`. Asked of threads that cut photos or pairs. */
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

/** Reads photos until all are read or the memory is full. */
export const loadPhotosCall = defineCall({
  name: 'load-photos',
  input: z.object({ files: z.array(z.string()), bytesMax: z.number().positive() }),
  output: z.object({
    /** That are drawn from. */
    photos: z.number(),
    shelf: shelfSchema,
  }),
  progress: loadingSchema,
});

/** One photo of the shelf; undefined where it cannot be read any more. */
export const photoCall = defineCall({
  name: 'photo',
  input: z.number().int(),
  output: linearPhoto.optional(),
});

/** This photo will be asked for soon. */
export const hintNote = defineNote({ name: 'hint', value: z.number().int() });

/** A thread that will ask for photos through this port. */
export const clientNote = defineNote({
  name: 'client',
  value: z.custom<MessagePort>((value) => value instanceof Object),
});

/** A photo or pair cannot be read any more: training goes on without it. */
export const skippedNote = defineNote({ name: 'skipped', value: z.string() });

/** Files are away, with what is; or, undefined, are back. */
export const awayNote = defineNote({ name: 'away', value: z.string().optional() });
