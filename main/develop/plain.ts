/** Renders a window of a mosaic without the network, for comparison with the result. */

import type { Vector3 } from '../raw/mosaic.ts';
import { whitenClipped } from './highlights.ts';
import type { Tile } from './tiles.ts';
import { unpackCore, type DevelopedTile } from './unpack.ts';

/** Packed pixels needed around a core. */
export const plainHaloPacked = 1;

/**
 * White-balances and interpolates bilinearly, without brightening; clipped light becomes white.
 * @param packed [4, window.height, window.width], normalised
 * @param clipping light at which the sensor saturates
 */
export function plainTile(
  packed: Float32Array,
  tile: Tile,
  gains: Vector3,
  clipping = 1,
): DevelopedTile {
  const { width, height } = tile.window;
  const area = width * height;
  const output = new Float32Array(12 * area);
  const [red, green, blue] = gains;
  const at = (site: number, x: number, y: number): number => {
    const column = x < 0 ? 0 : x >= width ? width - 1 : x;
    const row = y < 0 ? 0 : y >= height ? height - 1 : y;
    return packed[site * area + row * width + column]!;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      for (let dy = 0; dy < 2; dy++) {
        for (let dx = 0; dx < 2; dx++) {
          const plane = (dy * 2 + dx) * 3 * area + i;
          // The nearest samples of a colour are in this cell and in the cells on the pixel's side.
          const r = (at(0, x, y) + at(0, x + dx, y) + at(0, x, y + dy) + at(0, x + dx, y + dy)) / 4;
          const b =
            (at(3, x, y) +
              at(3, x + dx - 1, y) +
              at(3, x, y + dy - 1) +
              at(3, x + dx - 1, y + dy - 1)) /
            4;
          const g =
            dx !== dy
              ? at(1 + dy, x, y)
              : dx === 0
                ? (at(1, x, y) + at(1, x - 1, y) + at(2, x, y) + at(2, x, y - 1)) / 4
                : (at(2, x, y) + at(2, x + 1, y) + at(1, x, y) + at(1, x, y + 1)) / 4;
          output[plane] = r * red;
          output[plane + area] = g * green;
          output[plane + 2 * area] = b * blue;
        }
      }
    }
  }
  const developed = unpackCore(output, tile);
  whitenClipped(developed.samples, clipping, gains);
  return developed;
}
