/** The wire of a window served over loopback HTTP: a WebSocket to the same address. */

import { z } from 'zod';
import { sessionEndedCode, wireProtocol } from './sessions.ts';
import type { Wire } from './wire.ts';

export interface SocketWire extends Wire {
  /** The session's secret, which requests for pixels send as `Authorization: Bearer`. */
  readonly secret: string;
}

const tokenPattern = /^[0-9a-f]{64}$/;
const answerSchema = z.object({ secret: z.string().regex(tokenPattern) });
const storageKey = 'nightglass-session';

const notConnected =
  'A link opens one window, once, and this one was used, or the window was disconnected. For another link look where the program was started, or in a connected window under Settings, Connected windows.';

/**
 * Connects to the host that served this page. The one-time token is removed from the address and
 * exchanged for a session's secret. The secret is kept in `sessionStorage`, which belongs to this
 * tab and port, so that the page can be reloaded. It is not a cookie, because cookies are sent to
 * every port.
 * @throws Error in words for a person if there is no session, or the host is gone
 */
export async function openSocketWire(
  location: Location,
  history: History,
  storage: Storage,
): Promise<SocketWire> {
  // A link pasted into the address of an open page changes only the part after #, which loads
  // nothing.
  addEventListener('hashchange', () => {
    if (tokenPattern.test(location.hash.slice(1))) location.reload();
  });
  const token = location.hash.slice(1);
  if (tokenPattern.test(token)) {
    history.replaceState(null, '', location.pathname + location.search);
    const answer = await fetch('/session', { method: 'POST', body: token });
    if (answer.ok) storage.setItem(storageKey, answerSchema.parse(await answer.json()).secret);
    // A tab that is opened with its first link again already has a session.
    else if (answer.status !== 403) throw new Error(`the host answered ${answer.status}`);
  }
  const secret = storage.getItem(storageKey);
  if (secret === null || !tokenPattern.test(secret)) throw new Error(notConnected);
  const socket = new WebSocket(`ws://${location.host}/wire`, [wireProtocol, secret]);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error(notConnected)), { once: true });
  });
  return {
    secret,
    post: (message) => socket.send(JSON.stringify(message)),
    listen: (receive) => {
      socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        const message: unknown = JSON.parse(String(data));
        receive(message);
      });
    },
    onClose: (closed) => {
      socket.addEventListener(
        'close',
        ({ code }) => {
          const isEnded = code === sessionEndedCode;
          if (isEnded) storage.removeItem(storageKey);
          closed(isEnded ? 'ended' : 'gone');
        },
        { once: true },
      );
    },
  };
}
