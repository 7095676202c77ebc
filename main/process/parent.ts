/** The peer for the parent of this process or thread. */

import { parentPort } from 'node:worker_threads';
import { z } from 'zod';
import { Peer } from './peer.ts';
import type { Connect } from './port.ts';
import { joinPort } from './thread.ts';

interface UtilityPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

const utilityPortSchema = z.custom<UtilityPort>(
  (value) => typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value,
);

/** The port of Electron's utility process, which Electron ends together with the app. */
function joinUtilityPort(port: UtilityPort): Connect {
  return (listener) => {
    port.on('message', ({ data }) => {
      listener.receive(data);
    });
    return {
      send: (message) => {
        port.postMessage(message);
      },
      kill: () => process.exit(0),
    };
  };
}

const joinForker: Connect = (listener) => {
  process.on('message', listener.receive);
  process.on('disconnect', () => {
    listener.exit('before this process');
  });
  // Ctrl-C on a terminal reaches the whole process group, but the app decides what happens to its
  // photos.
  process.on('SIGINT', () => undefined);
  return {
    send: (message) => {
      // The app may already be gone, and then nobody waits for the answer.
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    kill: () => process.exit(0),
  };
};

export interface ParentOptions {
  /**
   * Called when the app is gone. By default this process ends, because nobody needs it any more.
   */
  readonly onExit?: () => void;
}

/** Connects to the app from a process that it started, or to a thread's owner from the thread. */
export function joinParent({ onExit = () => process.exit(0) }: ParentOptions = {}): Peer {
  if (parentPort !== null) return new Peer('the owner of this thread', joinPort(parentPort));
  const port = utilityPortSchema.safeParse(Reflect.get(process, 'parentPort')).data;
  return new Peer('the app', port === undefined ? joinForker : joinUtilityPort(port), { onExit });
}
