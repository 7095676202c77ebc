/**
 * Shows pixels in an `<img>`. The served app's pixels need a fetch, which can send the session's
 * secret in a header. In an address, the secret would end up in logs and bookmarks.
 */

import type { Attachment } from 'svelte/attachments';
import { fetchPixels } from '../bridge.ts';

/**
 * Pictures with `loading="lazy"` are fetched within this distance of the screen, the same as in
 * Chromium.
 */
const lazyMargin = '1250px';

/**
 * @param address from `pixelUrl`. The element gets `load` and `error` events as if this were its
 *   `src`.
 */
export function picture(address: string): Attachment<HTMLImageElement> {
  return (image) => {
    if (address.startsWith('photo://')) {
      image.src = address;
      return undefined;
    }
    const stopping = new AbortController();
    let url: string | undefined;
    const load = async (): Promise<void> => {
      const response = await fetchPixels(address, stopping.signal);
      if (!response.ok) throw new Error(`the host answered ${response.status}`);
      const blob = await response.blob();
      if (stopping.signal.aborted) return;
      url = URL.createObjectURL(blob);
      image.src = url;
    };
    const begin = (): void => {
      load().catch(() => {
        if (!stopping.signal.aborted) image.dispatchEvent(new Event('error'));
      });
    };
    const stopWatching = image.loading === 'lazy' ? whenNear(image, begin) : undefined;
    if (stopWatching === undefined) begin();
    return () => {
      stopWatching?.();
      stopping.abort();
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  };
}

/** @returns a function that stops waiting */
function whenNear(element: Element, begin: () => void): () => void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      begin();
    },
    // Needed for lists that scroll in their own box, which the window's margin does not cover.
    { rootMargin: lazyMargin, scrollMargin: lazyMargin },
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
  };
}
