/** The window's one way to the main process: Electron's wire where there is one, else the loopback host. */

import type { PixelBase } from '../preload/contract/pixel-url.ts';
import { openSocketWire } from '../preload/contract/socket-wire.ts';
import { Client, type Wire } from '../preload/contract/wire.ts';

declare global {
  interface Window {
    /** Put there by the preload script, in Electron only. */
    readonly nightglass?: Wire;
  }
}

export interface Bridge {
  readonly client: Client;
  /** What addresses of pixels begin with. */
  readonly pixels: PixelBase;
}

/** @throws Error in words for a person if the host is gone or the address is spent */
export async function connect(): Promise<Bridge> {
  const own = window.nightglass;
  if (own === undefined) {
    const wire = await openSocketWire(location, history, sessionStorage);
    secret = wire.secret;
    return { client: new Client(wire), pixels: '/photo/' };
  }
  desktop = new Client(own);
  return { client: desktop, pixels: 'photo://' };
}

let desktop: Client | undefined;
/** Of the served app's session. */
let secret = '';
/** Unlike those of the same window before it was loaded again. */
let requests = Math.floor(Math.random() * 1e9);

/**
 * Fetches pixels. In Electron the main process is not told when a fetch of its own addresses is
 * aborted, so the window tells it.
 */
export async function fetchPixels(address: string, signal: AbortSignal): Promise<Response> {
  const client = desktop;
  if (client === undefined) {
    return fetch(address, { signal, headers: { authorization: `Bearer ${secret}` } });
  }
  const request = requests++;
  const cancel = (): void => {
    client.call('pixels.cancel', { request }).catch(() => undefined);
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await fetch(`${address}?${request}`, { signal });
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
