/** Threads: one that was started here, and any message port between two. */

import type { MessagePort, Worker } from 'node:worker_threads';
import type { Connect } from './port.ts';

/** Joins a thread. Whoever made it keeps it, to wait for its end or to let the process end before. */
export function joinThread(worker: Worker): Connect {
  return (listener) => {
    worker.on('message', listener.receive);
    // A message that cannot be read here is as odd as one that makes no sense.
    worker.on('messageerror', listener.receive);
    worker.on('error', (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      listener.exit(`with the error “${message}”`, error);
    });
    worker.on('exit', (code) => {
      listener.exit(`with status ${code}`);
    });
    return {
      send: (message, moved = []) => {
        worker.postMessage(message, [...moved]);
      },
      kill: () => {
        void worker.terminate();
      },
    };
  };
}

/** Joins whoever holds the other end of a port. */
export function joinPort(port: MessagePort): Connect {
  return (listener) => {
    port.on('message', listener.receive);
    port.on('messageerror', listener.receive);
    port.on('close', () => {
      listener.exit('by closing its port');
    });
    return {
      send: (message, moved = []) => {
        port.postMessage(message, [...moved]);
      },
      kill: () => {
        port.close();
      },
    };
  };
}
