/** Prepares photos that are likely to be opened next, while nothing else is requested. */

import type { Photo } from '../../preload/contract/contract.ts';
import type { Client } from '../../preload/contract/wire.ts';

/** @returns a function that stops this */
export function lookAhead(client: Client, likely: readonly Photo[]): () => void {
  const stopping = new AbortController();
  const photos = likely.filter(({ state }) => state !== 'failed').map(({ id }) => id);
  if (photos.length > 0) {
    client.call('develop.prepare', { photos }, { signal: stopping.signal }).catch(() => undefined);
  }
  return () => {
    stopping.abort();
  };
}
