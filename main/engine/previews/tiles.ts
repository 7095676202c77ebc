/**
 * Divides a frame into the levels and tiles that the view shows, and plans the windows to develop
 * them.
 */

import { levelSize } from '../../develop/level.ts';
import {
  gridPacked,
  marginPacked,
  windowAround,
  type Rectangle,
  type Tile,
} from '../../develop/tiles.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Side of a tile in packed pixels of its level; twice as many in pixels. */
const tileSidePacked = 256;
export const tileSide = 2 * tileSidePacked;

/** The longer side of the smallest level has at least this many pixels, enough for a thumbnail. */
const smallestSide = 384;

/**
 * Levels up to this many packed pixels are developed in one piece. That is less than half the work
 * of separate tiles with a halo each, and takes no longer than the wait for a tile.
 */
const wholeAreaMax = 480_000;

/** The levels of a frame, full size first, in pixels of each level. */
export function levelsOf(grid: Size): readonly (Size & { readonly level: number })[] {
  const levels: (Size & { readonly level: number })[] = [];
  for (let level = 0; ; level++) {
    const { width, height } = levelSize(grid, level);
    levels.push({ level, width: width * 2, height: height * 2 });
    if (Math.max(width, height) < smallestSide || Math.min(width, height) <= 16) return levels;
  }
}

/**
 * A photo's first picture is limited to what the network develops in a moment; tiles in view
 * follow.
 */
const firstAreaMax = 240_000;

export function isDevelopedWhole(size: Size): boolean {
  return windowArea(size) <= wholeAreaMax;
}

/** Packed pixels in the network's input for a whole level. */
function windowArea({ width, height }: Size): number {
  return (width + 2 * marginPacked) * (height + 2 * marginPacked);
}

/** The largest level that can be developed quickly in one piece, to be shown first. */
export function coarseLevel(grid: Size): number {
  const levels = levelsOf(grid);
  const found = levels.find(({ level }) => windowArea(levelSize(grid, level)) <= firstAreaMax);
  return found?.level ?? levels.length - 1;
}

/** The whole level as one tile. */
export function wholeTile({ width, height }: Size): Tile {
  const extend = (length: number): number => ceilToGrid(length + 2 * marginPacked);
  return {
    core: { x: 0, y: 0, width, height },
    window: { x: -marginPacked, y: -marginPacked, width: extend(width), height: extend(height) },
  };
}

/**
 * One tile of a level.
 * @param size of the level in packed pixels
 * @param halo packed pixels around the tile that its output depends on
 * @returns undefined if there is no such tile
 */
export function tileAt(
  { width, height }: Size,
  x: number,
  y: number,
  halo: number,
): Tile | undefined {
  const core: Rectangle = {
    x: x * tileSidePacked,
    y: y * tileSidePacked,
    width: Math.min(tileSidePacked, width - x * tileSidePacked),
    height: Math.min(tileSidePacked, height - y * tileSidePacked),
  };
  if (core.width <= 0 || core.height <= 0) return undefined;
  return { core, window: windowAround(core, { width, height }, halo) };
}

function ceilToGrid(value: number): number {
  return Math.ceil(value / gridPacked) * gridPacked;
}
