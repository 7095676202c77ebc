/**
 * Shows pixels in an `<img>`. The served app's pixels are fetched, because only a fetch can show the
 * session's secret without putting it into an address; an address would end up in logs and bookmarks.
 */

import type { Attachment } from 'svelte/attachments';
import { fetchPixels } from '../bridge.ts';

/** What is nearer to the screen than this is fetched, where the picture is `loading="lazy"`. Chromium's own. */
const lazyMargin = '1250px';

/**
 * @param address as `pixelUrl` gives it. The picture tells `load` and `error` as if it were its `src`.
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

/** @returns stops waiting */
function whenNear(element: Element, begin: () => void): () => void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      observer.disconnect();
      begin();
    },
    // A list scrolls in its own box, which the margin of the window does not reach.
    { rootMargin: lazyMargin, scrollMargin: lazyMargin },
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
  };
}
