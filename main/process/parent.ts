/** Whoever started this process or thread, as its peer. */

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

/** Of Electron's utility process. Electron ends it together with the app. */
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
  // Ctrl-C on a terminal reaches the whole group; the app decides what happens to its photos.
  process.on('SIGINT', () => undefined);
  return {
    send: (message) => {
      // The app may be gone already; then nobody waits for the answer.
      if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
    },
    kill: () => process.exit(0),
  };
};

export interface ParentOptions {
  /** The app is gone. Default: ends this process, because nobody is left to work for. */
  readonly onExit?: () => void;
}

/** Joins the app from a process that it started, or the owner from its thread. */
export function joinParent({ onExit = () => process.exit(0) }: ParentOptions = {}): Peer {
  if (parentPort !== null) return new Peer('the owner of this thread', joinPort(parentPort));
  const port = utilityPortSchema.safeParse(Reflect.get(process, 'parentPort')).data;
  return new Peer('the app', port === undefined ? joinForker : joinUtilityPort(port), { onExit });
}
