/** How a thread asks the engine's main thread to run the network on a window, and what it is told of it. */

import { z } from 'zod';

/** In memory that both threads see. */
const sharedFloats = z.custom<Float32Array>(
  (value) => value instanceof Float32Array && value.buffer instanceof SharedArrayBuffer,
);

/** What a thread is started with: `NetworkTerms`. */
export const termsSchema = z.object({
  clamp: z.number(),
  whiteBalanced: z.boolean(),
  domain: z.enum(['camera-linear', 'srgb']),
});

export const windowRequestSchema = z.object({
  kind: z.literal('run'),
  /** The thread's own number for it, which the answer carries. */
  run: z.number(),
  /** [4, height, width], amplified */
  packed: sharedFloats,
  /** [12, height, width], to be filled */
  output: sharedFloats,
  width: z.number(),
  height: z.number(),
});
