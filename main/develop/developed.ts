/** Tiles of a picture that this program developed before: its own light, without the network. */

import type { Mosaic } from '../raw/mosaic.ts';
import { amplifiedLimit } from './amplify.ts';
import { clippingLevel } from './normalise.ts';
import type { Rectangle } from './tiles.ts';
import type { DevelopedTile } from './unpack.ts';

/**
 * @param mosaic whose `developed` is cut
 * @param core of the level, in packed pixels
 * @param level each pixel is the mean of 2^level × 2^level of the picture's
 */
export function developedTile(
  { width, height, baselineExposureStops }: Mosaic,
  developed: Float32Array,
  core: Rectangle,
  { level, ratio }: { readonly level: number; readonly ratio: number },
): DevelopedTile {
  const side = 2 ** level;
  const area = { x: core.x * 2, y: core.y * 2, width: core.width * 2, height: core.height * 2 };
  const samples = new Float32Array(area.width * area.height * 3);
  const scale = ratio * clippingLevel({ baselineExposureStops });
  const columns = spans(area.x, area.width, side, width);
  const rows = spans(area.y, area.height, side, height);
  let out = 0;
  for (const [top, bottom] of rows) {
    for (const [left, right] of columns) {
      let [red, green, blue] = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = (y * width + left) * 3, end = (y * width + right) * 3; at < end; at += 3) {
          red += developed[at]!;
          green += developed[at + 1]!;
          blue += developed[at + 2]!;
        }
      }
      const mean = scale / ((bottom - top) * (right - left));
      samples[out++] = Math.min(amplifiedLimit, red * mean);
      samples[out++] = Math.min(amplifiedLimit, green * mean);
      samples[out++] = Math.min(amplifiedLimit, blue * mean);
    }
  }
  return { area, samples };
}

/** For each pixel, the first one behind it and the one after its last; the edge's own beyond it. */
function spans(
  start: number,
  count: number,
  side: number,
  size: number,
): readonly (readonly [number, number])[] {
  return Array.from({ length: count }, (_, index) => {
    const first = Math.min(size - 1, (start + index) * side);
    return [first, Math.min(size, first + side)] as const;
  });
}
