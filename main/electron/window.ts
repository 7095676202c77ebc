/** Restores the window's last position, adapted to the screens that exist now. */

import { screen, type BrowserWindow } from 'electron';
import type Store from 'electron-store';
import { z } from 'zod';

const placeSchema = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().min(200),
  height: z.number().int().min(200),
  isMaximized: z.boolean(),
});

/** Stored in the settings file, whose schema ignores unknown keys. */
const key = 'window';

export function placeOf(store: Store): { x?: number; y?: number; width: number; height: number } {
  const fresh = { width: 1440, height: 900 };
  const saved = placeSchema.safeParse(store.get(key));
  if (!saved.success) return fresh;
  const { x, y, width, height } = saved.data;
  const { workArea } = screen.getDisplayMatching({ x, y, width, height });
  const isSeen =
    x < workArea.x + workArea.width - 100 &&
    x + width > workArea.x + 100 &&
    y >= workArea.y - 10 &&
    y < workArea.y + workArea.height - 100;
  return isSeen ? { x, y, width, height } : { width, height };
}

export function savePlace(window: BrowserWindow, store: Store): void {
  const saved = placeSchema.safeParse(store.get(key));
  if (saved.success && saved.data.isMaximized) window.maximize();
  window.on('close', () => {
    store.set(key, { ...window.getNormalBounds(), isMaximized: window.isMaximized() });
  });
}
