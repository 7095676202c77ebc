/** Tile plans: every packed pixel kept once, on the network's grid, with all it can see around it. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  gridPacked,
  haloPacked,
  marginPacked,
  planTiles,
  type Tile,
} from '../../main/develop/tiles.ts';
import { unpackCore } from '../../main/develop/unpack.ts';

const anySide = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1500 }));
const anyArea = fc.oneof(
  fc.integer({ min: 1, max: 400_000 }),
  fc.integer({ min: 57_600, max: 4_000_000 }),
);

/** How often each packed pixel is in a core. */
function coverage(width: number, height: number, tiles: readonly Tile[]): Uint8Array {
  const covered = new Uint8Array(width * height);
  for (const { core } of tiles) {
    expect(core.x).toBeGreaterThanOrEqual(0);
    expect(core.y).toBeGreaterThanOrEqual(0);
    expect(core.x + core.width).toBeLessThanOrEqual(width);
    expect(core.y + core.height).toBeLessThanOrEqual(height);
    for (let y = core.y; y < core.y + core.height; y++) {
      for (let x = core.x; x < core.x + core.width; x++) covered[y * width + x]! += 1;
    }
  }
  return covered;
}

/** Between a core and its window along one axis; the frame's own edges need only the margin. */
function checkAxis(
  start: number,
  size: number,
  coreStart: number,
  coreSize: number,
  length: number,
): void {
  // `-0` is on the grid too.
  expect(Math.abs((start + marginPacked) % gridPacked)).toBe(0);
  expect(size % gridPacked).toBe(0);
  expect(coreSize).toBeGreaterThan(0);
  const before = coreStart - start;
  const after = start + size - coreStart - coreSize;
  expect(before).toBeGreaterThanOrEqual(
    start === -marginPacked ? Math.min(haloPacked, coreStart + marginPacked) : haloPacked,
  );
  expect(after).toBeGreaterThanOrEqual(
    Math.min(haloPacked, length + marginPacked - coreStart - coreSize),
  );
  expect(start).toBeGreaterThanOrEqual(-marginPacked);
  expect(start + size).toBeLessThan(length + marginPacked + gridPacked);
}

describe('a plan', () => {
  test('keeps every packed pixel exactly once, whatever the size', () => {
    fc.assert(
      fc.property(anySide, anySide, anyArea, (width, height, area) => {
        const covered = coverage(width, height, planTiles(width, height, area));
        expect(covered.every((times) => times === 1)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test('lays windows on the grid, with the halo around each core', () => {
    fc.assert(
      fc.property(anySide, anySide, anyArea, (width, height, area) => {
        for (const { window, core } of planTiles(width, height, area)) {
          checkAxis(window.x, window.width, core.x, core.width, width);
          checkAxis(window.y, window.height, core.y, core.height, height);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('starts and ends in the same mirrored margin however it is cut', () => {
    fc.assert(
      fc.property(anySide, anySide, anyArea, (width, height, area) => {
        const tiles = planTiles(width, height, area);
        const right = Math.max(...tiles.map(({ window }) => window.x + window.width));
        const bottom = Math.max(...tiles.map(({ window }) => window.y + window.height));
        const [whole] = planTiles(width, height, Number.POSITIVE_INFINITY);
        expect([right, bottom]).toEqual([
          (whole?.window.width ?? 0) - marginPacked,
          (whole?.window.height ?? 0) - marginPacked,
        ]);
      }),
    );
  });

  test('keeps to the area asked for wherever a core fits in at all', () => {
    const smallest = (2 * haloPacked + gridPacked) ** 2;
    fc.assert(
      fc.property(
        anySide,
        anySide,
        fc.integer({ min: smallest, max: 4_000_000 }),
        (width, height, area) => {
          for (const { window } of planTiles(width, height, area))
            expect(window.width * window.height).toBeLessThanOrEqual(area);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is one window where that is allowed, and as small as can be where nothing is', () => {
    expect(planTiles(1500, 1000, 2_000_000)).toHaveLength(1);
    const [first] = planTiles(1500, 1000, 1);
    expect([first?.window.width, first?.window.height]).toEqual([
      2 * haloPacked + gridPacked,
      2 * haloPacked + gridPacked,
    ]);
  });

  test('of a frame of one pixel is one window of margins', () => {
    expect(planTiles(1, 1, 1)).toEqual([
      {
        window: { x: -16, y: -16, width: 48, height: 48 },
        core: { x: 0, y: 0, width: 1, height: 1 },
      },
    ]);
  });

  test('wastes less with more room', () => {
    const work = (area: number): number =>
      planTiles(3000, 2000, area).reduce(
        (sum, { window }) => sum + window.width * window.height,
        0,
      );
    expect(work(1_000_000)).toBeLessThanOrEqual(work(400_000));
    expect(work(400_000)).toBeLessThan(work(120_000));
    expect(work(1_000_000) / (3000 * 2000)).toBeLessThan(1.7);
  });
});

test('unpacking puts each of the twelve planes in its place', () => {
  const window = { x: -16, y: -16, width: 48, height: 64 };
  const core = { x: 2, y: 3, width: 5, height: 4 };
  const plane = window.width * window.height;
  // Each value says where it comes from: channel, row and column of the window.
  const output = Float32Array.from({ length: 12 * plane }, (_, i) => i);
  const { area, samples } = unpackCore(output, { window, core });
  expect(area).toEqual({ x: 4, y: 6, width: 10, height: 8 });
  expect(samples).toHaveLength(10 * 8 * 3);
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 10; x++) {
      for (let colour = 0; colour < 3; colour++) {
        const channel = ((y % 2) * 2 + (x % 2)) * 3 + colour;
        const place = (3 + 16 + (y >> 1)) * window.width + (2 + 16 + (x >> 1));
        expect(samples[(y * 10 + x) * 3 + colour]).toBe(channel * plane + place);
      }
    }
  }
});
