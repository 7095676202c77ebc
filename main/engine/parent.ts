/** The app, seen from a process that it started: by Node's fork, or as Electron's utility process. */

import { z } from 'zod';

interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

const portSchema = z.custom<ParentPort>(
  (value) => typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value,
);

/** Electron's; Node has none and speaks over the channel of its fork. */
const port = portSchema.safeParse(Reflect.get(process, 'parentPort')).data;

/** The app may be gone already; then nobody waits for the answer. */
export function toParent(message: unknown): void {
  if (port !== undefined) port.postMessage(message);
  else if (process.connected) process.send?.(message);
}

/**
 * Listens to the app.
 * @param leave called when the app is gone; ends the process at once if not given
 */
export function onParentMessage(
  receive: (message: unknown) => void,
  leave: () => void = () => process.exit(0),
): void {
  if (port !== undefined) {
    port.on('message', ({ data }) => {
      receive(data);
    });
    return;
  }
  process.on('message', receive);
  // The app's end is this process's: nobody is left to work for.
  process.on('disconnect', leave);
  // Ctrl-C on a terminal reaches the whole group; the app decides what happens to its photos.
  process.on('SIGINT', () => undefined);
}
