/** What a decoding thread is asked, once. */

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

/** What a thread of ours made of a file, as large as the sensor: looked at no further than this. */
const madeHere = <T>(key: string) =>
  z.custom<T>((value) => typeof value === 'object' && value !== null && key in value);

export const decodeCalls = {
  raw: defineCall({ name: 'raw', input, output: madeHere<DecodedRaw>('kind') }),
  preview: defineCall({
    name: 'preview',
    input,
    /** JPEG; undefined where the file has none. */
    output: z.instanceof(Uint8Array).optional(),
  }),
  summary: defineCall({ name: 'summary', input, output: madeHere<RawSummary>('shot') }),
};
