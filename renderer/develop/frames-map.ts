/** Fetches the map of a merged photo: how many frames stand behind each place. */

import type { Development } from '../../preload/contract/contract.ts';
import { pixelUrl, type PixelBase } from '../../preload/contract/pixel-url.ts';
import { fetchPixels } from '../bridge.ts';
import type { FramesMap, Painter } from './gl/painter.ts';

/** @returns undefined for a photo that was not merged, and where the map cannot be had */
export async function fetchFrames(
  base: PixelBase,
  { photo, merged }: Development,
  painter: Painter,
  signal: AbortSignal,
): Promise<FramesMap | undefined> {
  if (merged === undefined) return undefined;
  const response = await fetchPixels(pixelUrl(base, { kind: 'frames', photo }), signal);
  if (!response.ok) return undefined;
  const quarters = new Uint8Array(await response.arrayBuffer());
  const { columns, rows, blockSide, middle } = merged;
  if (signal.aborted || quarters.length !== columns * rows) return undefined;
  const texture = painter.uploadFrames(quarters, columns, rows);
  return { texture, middle, width: columns * blockSide, height: rows * blockSide };
}
