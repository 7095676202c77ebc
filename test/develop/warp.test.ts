/** Distortions are straightened to a fraction of a pixel, alike at every level and in every tile. */

import { expect, it } from 'vitest';

import { planTiles } from '../../main/develop/tiles.ts';
import { Straightener } from '../../main/develop/warp.ts';
import type { PlacedWarp } from '../../main/raw/mosaic.ts';

const [width, height] = [320, 240];
const placed: PlacedWarp = {
  warp: {
    kind: 'rectilinear',
    planes: [
      { radial: [0.97, 0, 0.05], tangential: [0, 0], validRadius: [0, Number.POSITIVE_INFINITY] },
    ],
    centreX: 0.5,
    centreY: 0.5,
    isReciprocal: false,
  },
  left: 0,
  top: 0,
  fullWidth: width,
  fullHeight: height,
};
const grid = { width: width / 2, height: height / 2, rowsBefore: 0, columnsBefore: 0 } as const;

/** A bent ramp: its value at a place is the straight column, known by turning the warp round. */
function straightColumn(x: number, y: number): number {
  const [cx, cy] = [width / 2, height / 2];
  const radius = Math.hypot(cx, cy);
  let [sx, sy] = [x, y];
  for (let round = 0; round < 50; round++) {
    const r2 = ((sx - cx) ** 2 + (sy - cy) ** 2) / radius ** 2;
    const factor = 0.97 + 0.05 * r2;
    [sx, sy] = [cx + (x - cx) / factor, cy + (y - cy) / factor];
  }
  return sx;
}

it('a ramp is straight, tile by tile', () => {
  const straightener = new Straightener([placed], grid, 0);
  for (const tile of planTiles(grid.width, grid.height, 300 * 300)) {
    const { core } = straightener.sourceTile(tile);
    const area = { x: core.x * 2, y: core.y * 2, width: core.width * 2, height: core.height * 2 };
    const samples = new Float32Array(area.width * area.height * 3);
    for (let at = 0; at < samples.length; at++) {
      const pixel = Math.floor(at / 3);
      const [x, y] = [area.x + (pixel % area.width), area.y + Math.floor(pixel / area.width)];
      samples[at] = straightColumn(x, y);
    }
    const straight = straightener.straighten({ area, samples }, tile);
    expect(straight.area).toEqual({
      x: tile.core.x * 2,
      y: tile.core.y * 2,
      width: tile.core.width * 2,
      height: tile.core.height * 2,
    });
    for (let y = 8; y < straight.area.height - 8; y += 13) {
      for (let x = 8; x < straight.area.width - 8; x += 11) {
        const seen = straight.samples[(y * straight.area.width + x) * 3]!;
        expect(Math.abs(seen - (straight.area.x + x))).toBeLessThan(0.1);
      }
    }
  }
});

it('two tiles meet where one large one has no seam', () => {
  const straightener = new Straightener([placed], grid, 0);
  const whole = {
    core: { x: 0, y: 0, width: 160, height: 120 },
    window: { x: 0, y: 0, width: 0, height: 0 },
  };
  const half = { ...whole, core: { x: 80, y: 0, width: 80, height: 120 } };
  const samples = Float32Array.from({ length: width * height * 3 }, (_, at) => Math.sin(at / 50));
  const source = { area: { x: 0, y: 0, width, height }, samples };
  const all = straightener.straighten(source, whole);
  const right = straightener.straighten(source, half);
  for (let y = 0; y < height; y += 7) {
    expect(right.samples[y * 160 * 3]).toBe(all.samples[(y * width + 160) * 3]);
  }
});
