/** The window's one way to the main process: Electron's wire where there is one, else the loopback host. */

import type { PixelBase } from '../preload/pixel-url.ts';
import { openSocketWire } from '../preload/socket-wire.ts';
import { Client, type Wire } from '../preload/wire.ts';

declare global {
  interface Window {
    /** Put there by the preload script, in Electron only. */
    readonly nightglass?: Wire & {
      /** Grants what was dropped; gives folders that `library.open` takes. */
      droppedPaths(files: File[]): Promise<string[]>;
    };
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
  const wire = own ?? (await openSocketWire(location, history));
  return { client: new Client(wire), pixels: own === undefined ? '/photo/' : 'photo://' };
}
