/** The wire of a window that came over loopback HTTP: a WebSocket to the same address. */

import type { Wire } from './wire.ts';

/**
 * Connects to the host that served this page. The one-time token in the address is traded for a
 * session cookie that scripts cannot read, and taken out of the address.
 * @throws Error if the token is spent and there is no session, or the host is gone
 */
export async function openSocketWire(location: Location, history: History): Promise<Wire> {
  const token = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(token)) {
    history.replaceState(null, '', location.pathname + location.search);
    const answer = await fetch('/session', { method: 'POST', body: token });
    // A page that is reloaded by its first address has a session already.
    if (!answer.ok && answer.status !== 403) throw new Error(`the host answered ${answer.status}`);
  }
  const socket = new WebSocket(
    `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/wire`,
  );
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener(
      'error',
      () =>
        reject(new Error('this address is spent: take the one the program prints when it starts')),
      { once: true },
    );
  });
  return {
    post: (message) => socket.send(JSON.stringify(message)),
    listen: (receive) => {
      socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
        const message: unknown = JSON.parse(String(data));
        receive(message);
      });
    },
    onClose: (closed) => {
      socket.addEventListener('close', closed, { once: true });
    },
  };
}
