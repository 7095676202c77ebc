/**
 * The window's connection to the main process: Electron's wire if there is one, otherwise the
 * loopback host.
 */

import type { PixelBase } from '../preload/contract/pixel-url.ts';
import { openSocketWire } from '../preload/contract/socket-wire.ts';
import { Client, type Wire } from '../preload/contract/wire.ts';

declare global {
  interface Window {
    /** Set by the preload script, only in Electron. */
    readonly nightglass?: Wire;
  }
}

export interface Bridge {
  readonly client: Client;
  /** Start of pixel addresses. */
  readonly pixels: PixelBase;
}

/** @throws Error in words for a person if the host is gone or the address is no longer valid */
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
/** Secret of the served app's session. */
let secret = '';
/** Starts at random, so that numbers differ from those before a reload of this window. */
let requests = Math.floor(Math.random() * 1e9);

/**
 * Fetches pixels. Electron does not tell the main process when a fetch of its own addresses is
 * aborted, so the window does.
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
