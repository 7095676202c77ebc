/** Runs a child process with Node's `fork`. */

import { fork, type Serializable } from 'node:child_process';
import { z } from 'zod';
import { lastWords } from './last-words.ts';
import type { Connect } from './port.ts';

export interface ForkOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
}

/** The type that `send` takes; it throws for other values, like every carrier. */
const serializable = z.custom<Serializable>();

/** Starts one of our programs. The last line of its error output is reported with its end. */
export function forkNode(
  program: URL,
  { env = process.env, execArgv = process.execArgv }: ForkOptions = {},
): Connect {
  return (listener) => {
    const child = fork(program, {
      env,
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const withLastWords = lastWords(child.stderr);
    let hasEnded = false;
    const end = (reason: string): void => {
      if (hasEnded) return;
      hasEnded = true;
      listener.exit(reason);
    };
    child.on('message', (message: unknown) => {
      listener.receive(message);
    });
    child.on('error', (error) => {
      end(error.message);
    });
    child.on('exit', (code, signal) => {
      end(withLastWords(signal === null ? `with status ${code ?? 0}` : `by ${signal}`));
    });
    return {
      send: (message) => {
        // If the process has just died, its exit event replaces an answer.
        if (child.connected) child.send(serializable.parse(message), () => undefined);
      },
      kill: () => {
        child.kill('SIGKILL');
      },
    };
  };
}
