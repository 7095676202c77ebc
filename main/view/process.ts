/** The app's side of the viewing process: starts it when needed, and again when it ends. */

import { fork } from 'node:child_process';
import path from 'node:path';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import {
  viewReplySchema,
  type Facts,
  type Opened,
  type ViewJob,
  type ViewReply,
  type ViewRequest,
} from './protocol.ts';
import { errorOf, type Picture } from '../engine/protocol.ts';

export interface ViewProcess {
  send(request: ViewRequest): void;
  kill(): void;
}

export type SpawnView = (listener: {
  reply(reply: ViewReply): void;
  exit(reason: string): void;
}) => ViewProcess;

/** Starts the viewing process as a Node process. */
export const spawnNodeView: SpawnView = (listener) => {
  const child = fork(new URL('./child.ts', import.meta.url), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.on('message', (unknown: unknown) => {
    listener.reply(viewReplySchema.parse(unknown));
  });
  child.on('error', (error) => {
    listener.exit(error.message);
  });
  child.on('exit', (code, signal) => {
    listener.exit(signal === null ? `with status ${code ?? 0}` : `by ${signal}`);
  });
  return {
    send: (request) => {
      if (child.connected) child.send(request, () => undefined);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
};

interface Pending {
  readonly job: ViewJob;
  readonly resolve: (reply: ViewReply) => void;
  readonly reject: (error: unknown) => void;
  crashes: number;
}

/** How often the process may end under a photo before that is given up. */
const crashesMax = 2;

/** Asks about photos; each method throws Refusals as `decodeRaw`, `cancelled` at once when aborted. */
export class View {
  readonly #spawn: SpawnView;
  readonly #pending = new Map<number, Pending>();
  #process: ViewProcess | undefined;
  #nextId = 1;
  #isClosed = false;

  constructor(spawn: SpawnView) {
    this.#spawn = spawn;
  }

  async describe(photo: string, signal?: AbortSignal): Promise<Facts> {
    const reply = await this.#ask({ kind: 'describe', photo }, signal);
    if (reply.kind !== 'described') throw unexpected(reply);
    return reply.facts;
  }

  async open(photo: string, signal?: AbortSignal): Promise<Opened> {
    const reply = await this.#ask({ kind: 'open', photo }, signal);
    if (reply.kind !== 'opened') throw unexpected(reply);
    return reply.opened;
  }

  async picture(
    job: Exclude<ViewJob, { kind: 'describe' | 'open' }>,
    signal?: AbortSignal,
  ): Promise<Picture> {
    const reply = await this.#ask(job, signal);
    if (reply.kind !== 'picture') throw unexpected(reply);
    return reply.picture;
  }

  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(new Refusal('cancelled', 'cancelled'));
    this.#pending.clear();
    this.#process?.kill();
  }

  async #ask(job: ViewJob, signal: AbortSignal | undefined): Promise<ViewReply> {
    throwIfCancelled(signal);
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    const id = this.#nextId++;
    const cancel = (): void => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      this.#process?.send({ kind: 'cancel', id });
      pending?.reject(new Refusal('cancelled', 'cancelled'));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<ViewReply>((resolve, reject) => {
        this.#pending.set(id, { job, resolve, reject, crashes: 0 });
        this.#process ??= this.#start();
        this.#process.send({ kind: 'view', id, job });
      });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  #start(): ViewProcess {
    const started = this.#spawn({
      reply: (reply) => {
        const pending = this.#pending.get(reply.id);
        this.#pending.delete(reply.id);
        if (reply.kind === 'failed') pending?.reject(errorOf(reply.failure));
        else pending?.resolve(reply);
      },
      exit: (reason) => {
        if (this.#process !== started) return;
        this.#process = undefined;
        if (!this.#isClosed) this.#recover(reason);
      },
    });
    return started;
  }

  /** Any of those under way may be to blame; one that is under way twice is given up. */
  #recover(reason: string): void {
    for (const [id, pending] of this.#pending) {
      pending.crashes += 1;
      if (pending.crashes < crashesMax) continue;
      this.#pending.delete(id);
      const name = path.basename(pending.job.photo);
      pending.reject(
        new Refusal('damaged-file', `${name} cannot be shown: looking at it ended ${reason}`),
      );
    }
    if (this.#pending.size === 0) return;
    this.#process = this.#start();
    for (const [id, { job }] of this.#pending) this.#process.send({ kind: 'view', id, job });
  }
}

function unexpected({ kind }: ViewReply): Error {
  return new Error(`expected another answer of the viewing process than ${kind}`);
}
