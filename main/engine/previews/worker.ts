/** The thread that prepares and finishes what the app's view asks of the network. */

import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { keepDecoderReady } from '../../raw/decode.ts';
import { Refusal, throwIfCancelled } from '../../base/refusal.ts';
import {
  errorOf,
  failureOf,
  failureSchema,
  previewJobSchema,
  type PreviewJob,
} from '../protocol.ts';
import type { PreviewMessage } from './desk.ts';
import { Previewer } from './preview.ts';
import { termsSchema } from '../window-request.ts';

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), id: z.number(), job: previewJobSchema }),
  z.object({ kind: z.literal('cancel'), id: z.number() }),
  z.object({ kind: z.literal('ran'), run: z.number() }),
  z.object({ kind: z.literal('not-ran'), run: z.number(), failure: failureSchema }),
]);

/** One in the network while the other is prepared or finished. */
const underWayMax = 2;

interface Task {
  readonly id: number;
  readonly job: PreviewJob;
  readonly controller: AbortController;
}

const port = parentPort;
if (port === null) throw new Error('expected to run as a worker thread');

const waiting: Task[] = [];
const underWay = new Map<number, Task>();
const runs = new Map<number, PromiseWithResolvers<undefined>>();
let nextRun = 0;
keepDecoderReady();

function send(message: PreviewMessage): void {
  port?.postMessage(message);
}

const previewer = new Previewer(async (packed, width, height) => {
  const run = nextRun++;
  const settled = Promise.withResolvers<undefined>();
  runs.set(run, settled);
  const shared = new Float32Array(new SharedArrayBuffer(packed.byteLength));
  shared.set(packed);
  const output = new Float32Array(new SharedArrayBuffer(3 * packed.byteLength));
  send({ kind: 'run', run, packed: shared, output, width, height });
  await settled.promise;
  return output;
}, termsSchema.parse(workerData));

/** What is looked at goes before thumbnails, and these before what may be looked at next. */
function rankOf(job: PreviewJob): number {
  if (job.kind === 'tile') return 0;
  if (job.kind === 'bright') return 2;
  return job.isAhead ? 3 : 1;
}

function startNext(): void {
  while (underWay.size < underWayMax) {
    const first = Math.min(...waiting.map(({ job }) => rankOf(job)));
    const at = waiting.findIndex(({ job }) => rankOf(job) === first);
    const [task] = at < 0 ? [] : waiting.splice(at, 1);
    if (task === undefined) return;
    underWay.set(task.id, task);
    void work(task);
  }
}

async function work({ id, job, controller: { signal } }: Task): Promise<void> {
  try {
    throwIfCancelled(signal);
    const picture = await previewer.make(job, signal);
    send({ kind: 'done', id, picture });
  } catch (error) {
    send({ kind: 'failed', id, failure: failureOf(named(error, job.photo)) });
  } finally {
    underWay.delete(id);
    startNext();
  }
}

function named(error: unknown, photo: string): unknown {
  const name = path.basename(photo);
  if (!(error instanceof Refusal) || error.code === 'cancelled' || error.message.includes(name))
    return error;
  return new Refusal(error.code, `${name}: ${error.message}`);
}

function cancel(id: number): void {
  underWay.get(id)?.controller.abort();
  const at = waiting.findIndex((task) => task.id === id);
  if (at < 0) return;
  waiting.splice(at, 1);
  send({ kind: 'failed', id, failure: { code: 'cancelled', message: 'cancelled' } });
}

port.on('message', (unknown: unknown) => {
  const message = messageSchema.parse(unknown);
  switch (message.kind) {
    case 'start':
      waiting.push({ id: message.id, job: message.job, controller: new AbortController() });
      startNext();
      break;
    case 'cancel':
      cancel(message.id);
      break;
    case 'ran':
      runs.get(message.run)?.resolve(undefined);
      runs.delete(message.run);
      break;
    case 'not-ran':
      runs.get(message.run)?.reject(errorOf(message.failure));
      runs.delete(message.run);
      break;
  }
});
