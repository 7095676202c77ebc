/**
 * A thread in which one photo at a time is enhanced. Everything but the network happens here; for
 * that it asks the engine's main thread, which the network blocks while it runs.
 */

import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';
import { enhancePhoto } from './photo.ts';
import { errorOf, failureOf, failureSchema, photoJobSchema } from './protocol.ts';
import type { DarkroomMessage } from './darkroom.ts';

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), job: photoJobSchema }),
  z.object({ kind: z.literal('ran'), run: z.number(), output: z.custom<Float32Array>((value) => value instanceof Float32Array), ms: z.number() }),
  z.object({ kind: z.literal('not-ran'), run: z.number(), failure: failureSchema }),
  z.object({ kind: z.literal('cancel') }),
]);

interface Waiting {
  readonly resolve: (output: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

const port = parentPort;
if (port === null) throw new Error('expected to run as a worker thread');

const waiting = new Map<number, Waiting>();
let runs = 0;
let networkMs = 0;
let controller = new AbortController();

function send(message: DarkroomMessage): void {
  port?.postMessage(message);
}

function run(packed: Float32Array, width: number, height: number): Promise<Float32Array> {
  return new Promise((resolve, reject) => {
    const id = runs++;
    waiting.set(id, { resolve, reject });
    send({ kind: 'run', run: id, packed, width, height });
  });
}

async function start(job: z.infer<typeof photoJobSchema>): Promise<void> {
  controller = new AbortController();
  networkMs = 0;
  try {
    const result = await enhancePhoto(job, {
      run,
      networkMs: () => networkMs,
      signal: controller.signal,
      onProgress: (progress) => {
        send({ kind: 'progress', progress });
      },
    });
    send(result === 'taken' ? { kind: 'taken' } : { kind: 'done', result });
  } catch (error) {
    send({ kind: 'failed', failure: failureOf(named(error, job.photo)) });
  }
}

/** A message that a user sees in a list of a hundred photos has to say which it is about. */
function named(error: unknown, photo: string): unknown {
  const name = path.basename(photo);
  if (!(error instanceof Refusal) || error.code === 'cancelled' || error.message.includes(name)) return error;
  return new Refusal(error.code, `${name}: ${error.message}`);
}

port.on('message', (unknown: unknown) => {
  const message = messageSchema.parse(unknown);
  switch (message.kind) {
    case 'start':
      void start(message.job);
      break;
    case 'cancel':
      controller.abort();
      break;
    case 'ran':
      networkMs += message.ms;
      waiting.get(message.run)?.resolve(message.output);
      waiting.delete(message.run);
      break;
    case 'not-ran':
      waiting.get(message.run)?.reject(errorOf(message.failure));
      waiting.delete(message.run);
      break;
  }
});
