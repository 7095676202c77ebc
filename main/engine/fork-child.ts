/** A child process of Node's that speaks in messages of one schema. */

import { fork, type Serializable } from 'node:child_process';
import type { z } from 'zod';
import { describeError } from '../base/refusal.ts';

export interface ChildListener<Reply> {
  reply(reply: Reply): void;
  /** It ended, whoever ended it; nothing follows. */
  exit(reason: string): void;
}

export interface ChildHandle<Request> {
  send(request: Request): void;
  /** Ends it at once. */
  kill(): void;
}

export interface ForkOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly execArgv: readonly string[];
}

/**
 * Starts a program of ours as a child. What it last wrote to its error output is told with its end.
 * One whose messages are not understood is killed: a child gone mad must not take the app with it.
 */
export function forkChild<Request extends Serializable, Reply>(
  program: URL,
  schema: z.ZodType<Reply>,
  { env, execArgv }: ForkOptions,
  listener: ChildListener<Reply>,
): ChildHandle<Request> {
  const child = fork(program, {
    env,
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  let hasEnded = false;
  const end = (reason: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    listener.exit(reason);
  };
  child.on('message', (unknown: unknown) => {
    const reply = schema.safeParse(unknown);
    if (reply.success) {
      listener.reply(reply.data);
      return;
    }
    lastWords = `its answer was not understood (${describeError(reply.error)})`;
    child.kill('SIGKILL');
  });
  child.on('error', (error) => {
    end(error.message);
  });
  child.on('exit', (code, signal) => {
    const how = signal === null ? `with status ${String(code)}` : `by ${signal}`;
    const said = lastWords.trim().split('\n').at(-1) ?? '';
    end(said === '' ? how : `${how}: ${said}`);
  });
  return {
    send: (request) => {
      // A request to a process that just died is answered by its exit.
      if (child.connected) child.send(request, () => undefined);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}
