/** The viewing process: looks into photos and shows them without the network, which never blocks it. */

import path from 'node:path';
import { keepDecoderReady } from '../raw/decode.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { onParentMessage, toParent } from '../engine/parent.ts';
import { viewRequestSchema, type ViewJob, type ViewReply } from './protocol.ts';
import { Viewer, type Seen } from './viewer.ts';
import { failureOf } from '../engine/protocol.ts';

interface Task {
  readonly id: number;
  readonly job: ViewJob;
  readonly controller: AbortController;
}

/** Thumbnails and descriptions at once; each decodes in a thread of its own. */
const backgroundMax = 2;

const viewer = new Viewer();
keepDecoderReady();
const waiting: Task[] = [];
const underWay = new Map<number, Task>();
let backgroundCount = 0;

function reply(message: ViewReply): void {
  toParent(message);
}

/** Library work queues; what is looked at begins at once. */
const isBackground = ({ kind }: ViewJob): boolean =>
  kind === 'describe' || kind === 'thumb' || kind === 'small';

function startNext(): void {
  while (backgroundCount < backgroundMax) {
    const task = waiting.shift();
    if (task === undefined) return;
    backgroundCount += 1;
    void work(task).finally(() => {
      backgroundCount -= 1;
      startNext();
    });
  }
}

async function work({ id, job, controller }: Task): Promise<void> {
  underWay.set(id, { id, job, controller });
  try {
    reply(message(id, await viewer.see(job, controller.signal)));
  } catch (error) {
    reply({ kind: 'failed', id, failure: failureOf(named(error, job.photo)) });
  } finally {
    underWay.delete(id);
  }
}

function message(id: number, seen: Seen): ViewReply {
  switch (seen.kind) {
    case 'facts':
      return { kind: 'described', id, facts: seen.facts };
    case 'opened':
      return { kind: 'opened', id, opened: seen.opened };
    case 'picture':
      return { kind: 'picture', id, picture: seen.picture };
  }
}

function named(error: unknown, photo: string): unknown {
  const name = path.basename(photo);
  if (!(error instanceof Refusal) || error.code === 'cancelled' || error.message.includes(name))
    return error;
  return new Refusal(error.code, `${name}: ${describeError(error)}`);
}

function cancel(id: number): void {
  underWay.get(id)?.controller.abort();
  const at = waiting.findIndex((task) => task.id === id);
  if (at >= 0) waiting.splice(at, 1);
}

onParentMessage((unknown) => {
  const request = viewRequestSchema.parse(unknown);
  if (request.kind === 'cancel') {
    cancel(request.id);
    return;
  }
  const task = { id: request.id, job: request.job, controller: new AbortController() };
  if (isBackground(request.job)) {
    waiting.push(task);
    startNext();
  } else {
    void work(task);
  }
});
