/** Entry of the thread that gets ready, decodes one RAW file when it is told to, and ends. */

import { parentPort } from 'node:worker_threads';

import { z } from 'zod';

import { Refusal } from '../base/refusal.ts';
import { decodeBytes, extractPreview } from './decode-file.ts';
import { prepareLibRaw } from './libraw.ts';
import type { DecodedRaw } from './mosaic.ts';
import { summariseBytes } from './summary.ts';
import type { RawSummary } from './summary.ts';

/** What the thread answers with, once. */
export type WorkerReply =
  | { readonly kind: 'decoded'; readonly raw: DecodedRaw }
  | { readonly kind: 'preview'; readonly jpeg: Uint8Array | undefined }
  | { readonly kind: 'summary'; readonly summary: RawSummary }
  | { readonly kind: 'refused'; readonly code: Refusal['code']; readonly message: string }
  | { readonly kind: 'failed'; readonly error: Error };

const requestShape = z.object({
  want: z.enum(['raw', 'preview', 'summary']),
  name: z.string(),
  bytes: z.instanceof(Uint8Array),
});

async function answer(request: unknown): Promise<WorkerReply> {
  try {
    const { want, name, bytes } = requestShape.parse(request);
    if (want === 'preview') return { kind: 'preview', jpeg: await extractPreview(bytes, name) };
    if (want === 'summary') return { kind: 'summary', summary: await summariseBytes(bytes, name) };
    return { kind: 'decoded', raw: await decodeBytes(bytes, name) };
  } catch (error) {
    if (error instanceof Refusal)
      return { kind: 'refused', code: error.code, message: error.message };
    return { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function buffersOf(reply: WorkerReply): ArrayBuffer[] {
  const samples =
    reply.kind === 'decoded'
      ? reply.raw.kind === 'mosaic'
        ? reply.raw.mosaic.samples
        : reply.raw.frame.samples
      : reply.kind === 'preview'
        ? reply.jpeg
        : undefined;
  return samples?.buffer instanceof ArrayBuffer ? [samples.buffer] : [];
}

parentPort?.once('message', (request: unknown) => {
  void answer(request).then((reply) => {
    parentPort?.postMessage(reply, buffersOf(reply));
  });
});
// The first file need not wait for the decoder's own code.
await prepareLibRaw();
