/** Calls to a decoding thread, each of which answers one of them. */

import { z } from 'zod';
import { defineCall } from '../process/call.ts';
import type { DecodedRaw } from './mosaic.ts';
import type { RawSummary } from './summary.ts';

/** The file's bytes are moved into the thread. */
const input = z.object({
  name: z.string(),
  bytes: z.instanceof(Uint8Array),
  /** The `.xmp` file beside it. */
  beside: z.instanceof(Uint8Array).optional(),
});

/**
 * A result of one of our own threads, as large as the sensor, which is therefore not validated
 * further.
 */
const madeHere = <T>(key: string) =>
  z.custom<T>((value) => typeof value === 'object' && value !== null && key in value);

export const decodeCalls = {
  raw: defineCall({ name: 'raw', input, output: madeHere<DecodedRaw>('kind') }),
  preview: defineCall({
    name: 'preview',
    input,
    /** A JPEG; undefined if the file has none. */
    output: z.instanceof(Uint8Array).optional(),
  }),
  summary: defineCall({ name: 'summary', input, output: madeHere<RawSummary>('shot') }),
};
