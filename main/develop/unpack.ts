/** From the network's twelve half-size planes back to pixels: depth-to-space. */

import type { Allocate } from './pack.ts';
import type { Rectangle, Tile } from './tiles.ts';

/** Linear, white-balanced camera RGB of one tile's core. */
export interface DevelopedTile {
  /**
   * In pixels, twice the packed grid; may start before the mosaic by the grid's `…Before` offsets.
   */
  readonly area: Rectangle;
  /** area.width × area.height × 3, interleaved; signed, 1 = white after amplification. */
  readonly samples: Float32Array;
}

/** Which of a site's three output channels has its sample's own colour: R, G, G, B. */
export function ownChannel(site: number): number {
  return site * 3 + (site === 0 ? 0 : site === 3 ? 2 : 1);
}

/**
 * Cuts the core out of a window's output and interleaves its pixels.
 * @param output [12, window.height, window.width]; channel (dy · 2 + dx) · 3 + c holds colour c of
 *   the pixel at (2y + dy, 2x + dx): depth-to-space in ONNX's DCR order
 */
export function unpackCore(
  output: Float32Array,
  { window, core }: Tile,
  allocate: Allocate = (length) => new Float32Array(length),
): DevelopedTile {
  const plane = window.width * window.height;
  const width = core.width * 2;
  const samples = allocate(width * core.height * 2 * 3);
  const [left, top] = [core.x - window.x, core.y - window.y];
  for (let y = 0; y < core.height; y++) {
    for (let dy = 0; dy < 2; dy++) {
      const row = (2 * y + dy) * width * 3;
      for (let dx = 0; dx < 2; dx++) {
        const channel = (dy * 2 + dx) * 3;
        let red = channel * plane + (top + y) * window.width + left;
        for (let x = 0, out = row + dx * 3; x < core.width; x++, red++, out += 6) {
          samples[out] = output[red]!;
          samples[out + 1] = output[red + plane]!;
          samples[out + 2] = output[red + 2 * plane]!;
        }
      }
    }
  }
  return { area: { x: core.x * 2, y: core.y * 2, width, height: core.height * 2 }, samples };
}
