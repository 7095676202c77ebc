/** The engine as a process: what the app needs of one, whichever way it was started. */

import { fork } from 'node:child_process';
import { describeError } from '../refusal.ts';
import { replySchema, type Reply, type Request } from './protocol.ts';

export interface EngineProcess {
  send(request: Request): void;
  /** Ends it at once. */
  kill(): void;
}

export interface EngineListener {
  reply(reply: Reply): void;
  /** It ended, whoever ended it; nothing follows. */
  exit(reason: string): void;
}

export type SpawnEngine = (listener: EngineListener) => EngineProcess;

/**
 * The engine's environment. On Linux glibc is asked for huge pages: the network takes and returns
 * hundreds of megabytes for every tile, and touching them page by page of 4 kB costs a sixth of
 * its time (measured; keeping the memory instead costs half as much again of it).
 */
function engineEnvironment(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return process.env;
  const tunables = process.env['GLIBC_TUNABLES'];
  const hugePages = 'glibc.malloc.hugetlb=1';
  return {
    ...process.env,
    GLIBC_TUNABLES: tunables === undefined ? hugePages : `${tunables}:${hugePages}`,
  };
}

/** Starts the engine as a Node process. */
export const spawnNodeEngine: SpawnEngine = (listener) => {
  const child = fork(new URL('./child.ts', import.meta.url), {
    env: engineEnvironment(),
    // Its threads ask for a collection when they let a picture go; see darkroom-worker.ts.
    execArgv: [...process.execArgv, '--expose-gc'],
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
    const reply = replySchema.safeParse(unknown);
    if (reply.success) {
      listener.reply(reply.data);
      return;
    }
    // An engine gone mad must not take the app with it.
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
};
