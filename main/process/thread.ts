/** Connections to threads: to one started here, or through any message port. */

import type { MessagePort, Worker } from 'node:worker_threads';
import type { Connect } from './port.ts';

/** Connects to a thread. The caller keeps the worker, to wait for its end or to terminate it. */
export function joinThread(worker: Worker): Connect {
  return (listener) => {
    worker.on('message', listener.receive);
    // A message that cannot be deserialised is handled like an invalid one.
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

/** Connects to the other end of a port. */
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
