/** The engine as a process: what the app needs of one, whichever way it was started. */

import { fork } from 'node:child_process';
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

/** Starts the engine as a Node process. */
export const spawnNodeEngine: SpawnEngine = (listener) => {
  const child = fork(new URL('./child.ts', import.meta.url), {
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
    listener.reply(replySchema.parse(unknown));
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
