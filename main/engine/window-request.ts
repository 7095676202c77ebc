/** Messages between the engine's main thread and the threads that prepare photos. */

import { z } from 'zod';
import { defineCall } from '../process/call.ts';
import {
  photoJobSchema,
  photoProgressSchema,
  photoResultSchema,
  pictureSchema,
  previewJobSchema,
  takenSchema,
} from './protocol.ts';

/** In memory shared by both threads. */
const sharedFloats = z.custom<Float32Array>(
  (value) => value instanceof Float32Array && value.buffer instanceof SharedArrayBuffer,
);

/** Start-up data of a thread: `NetworkTerms`. */
export const termsSchema = z.object({
  clamp: z.number(),
  whiteBalanced: z.boolean(),
  domain: z.enum(['camera-linear', 'srgb']),
});

const windowSchema = z.object({
  /** [4, height, width], amplified */
  packed: sharedFloats,
  /** [12, height, width], to be filled */
  output: sharedFloats,
  width: z.number(),
  height: z.number(),
});

export type Window = z.infer<typeof windowSchema>;

/** Thread → engine: run the network on this window. */
export const runCall = defineCall({
  name: 'run',
  input: windowSchema,
  /** Milliseconds that the network took. */
  output: z.object({ ms: z.number() }),
});

/** Engine → a darkroom's thread. */
export const enhanceCall = defineCall({
  name: 'enhance',
  input: photoJobSchema,
  output: z.union([photoResultSchema.omit({ device: true }), takenSchema]),
  progress: photoProgressSchema,
});

/** Engine → the view's thread. */
export const previewCall = defineCall({
  name: 'preview',
  input: previewJobSchema,
  output: pictureSchema,
});
