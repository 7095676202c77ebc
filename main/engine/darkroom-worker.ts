/**
 * A thread in which one photo at a time is enhanced. Everything but the network happens here; for
 * that it asks the engine's main thread, which the network blocks while it runs.
 */

import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { Refusal } from '../base/refusal.ts';
import { enhancePhoto } from './photo.ts';
import { Rotation } from './rotation.ts';
import { errorOf, failureOf, failureSchema, photoJobSchema } from './protocol.ts';
import { termsSchema } from './window-request.ts';
import type { DarkroomMessage } from './darkroom.ts';

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), job: photoJobSchema }),
  z.object({ kind: z.literal('ran'), run: z.number(), ms: z.number() }),
  z.object({ kind: z.literal('not-ran'), run: z.number(), failure: failureSchema }),
  z.object({ kind: z.literal('cancel') }),
]);

interface Waiting {
  readonly output: Float32Array;
  readonly resolve: (output: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

const port = parentPort;
if (port === null) throw new Error('expected to run as a worker thread');

const terms = termsSchema.parse(workerData);
const waiting = new Map<number, Waiting>();
// A window being made or run, and one being finished.
const windows = new Rotation(2);
const outputs = new Rotation(2);
const cores = new Rotation(1);
let runs = 0;
let networkMs = 0;
let controller = new AbortController();

function send(message: DarkroomMessage): void {
  port?.postMessage(message);
}

function run(packed: Float32Array, width: number, height: number): Promise<Float32Array> {
  return new Promise((resolve, reject) => {
    const id = runs++;
    const output = outputs.next(packed.length * 3);
    waiting.set(id, { output, resolve, reject });
    send({ kind: 'run', run: id, packed, output, width, height });
  });
}

/**
 * A photo leaves a few small objects and some hundred megabytes of memory behind them, which the
 * collector does not weigh: an idle thread would keep them until the next photo needs more.
 */
function letGo(): void {
  globalThis.gc?.();
}

/** Meets an answer of the network; one for a photo that has ended meanwhile meets nobody. */
function settle(id: number, meet: (entry: Waiting) => void): void {
  const entry = waiting.get(id);
  waiting.delete(id);
  if (entry !== undefined) meet(entry);
}

async function start(job: z.infer<typeof photoJobSchema>): Promise<void> {
  controller = new AbortController();
  networkMs = 0;
  waiting.clear();
  try {
    const result = await enhancePhoto(job, {
      run,
      terms,
      allocate: (length) => windows.next(length),
      allocateCore: (length) => cores.next(length),
      networkMs: () => networkMs,
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.stage === 'encode') {
          windows.clear();
          outputs.clear();
          cores.clear();
          letGo();
        }
        send({ kind: 'progress', progress });
      },
    });
    send(result === 'taken' ? { kind: 'taken' } : { kind: 'done', result });
  } catch (error) {
    send({ kind: 'failed', failure: failureOf(named(error, job.photo)) });
  } finally {
    setImmediate(letGo);
  }
}

/** A message that a user sees in a list of a hundred photos has to say which it is about. */
function named(error: unknown, photo: string): unknown {
  const name = path.basename(photo);
  if (!(error instanceof Refusal) || error.code === 'cancelled' || error.message.includes(name))
    return error;
  return error.saying(`${name}: ${error.message}`);
}

port.on('message', (unknown: unknown) => {
  const message = messageSchema.parse(unknown);
  switch (message.kind) {
    case 'start':
      void start(message.job);
      break;
    case 'cancel':
      controller.abort();
      // Its windows may stand behind another photo's; nobody waits for them any more.
      for (const id of [...waiting.keys()]) {
        settle(id, (entry) => {
          entry.reject(new Refusal('cancelled', 'cancelled'));
        });
      }
      break;
    case 'ran':
      settle(message.run, (entry) => {
        networkMs += message.ms;
        entry.resolve(entry.output);
      });
      break;
    case 'not-ran':
      settle(message.run, (entry) => {
        entry.reject(errorOf(message.failure));
      });
      break;
  }
});
