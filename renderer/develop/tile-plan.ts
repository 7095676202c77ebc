/** Computes which tiles a view needs, from the grid that the contract describes. */

import type { Development } from '../../preload/contract/contract.ts';
import type { Box } from './gl/painter.ts';

export interface TileSpot {
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

type Grid = Pick<Development, 'levels' | 'origin' | 'tileSide' | 'coarseLevel'>;

/**
 * The level whose pixels have about the size of the screen's.
 * @param scale device pixels per pixel
 */
export function levelFor({ levels, coarseLevel }: Grid, scale: number): number {
  const wanted = Math.floor(Math.log2(1 / scale) + 0.4);
  const offered = levels.map(({ level }) => level).filter((level) => level <= Math.max(0, wanted));
  return Math.min(coarseLevel, Math.max(0, ...offered));
}

/** Position of a tile of so many texels, in pixels of the stored frame. */
export function areaOf(
  { origin, tileSide }: Grid,
  spot: TileSpot,
  width: number,
  height: number,
): Box {
  const pitch = 2 ** spot.level;
  return {
    x: spot.x * tileSide * pitch - origin.x,
    y: spot.y * tileSide * pitch - origin.y,
    width: width * pitch,
    height: height * pitch,
  };
}

/** The tiles of a level that overlap an area of the stored frame, from its middle outwards. */
export function tilesIn(grid: Grid, level: number, area: Box): readonly TileSpot[] {
  const size = grid.levels.find((candidate) => candidate.level === level);
  if (size === undefined) return [];
  const side = grid.tileSide * 2 ** level;
  const columns = Math.ceil(size.width / grid.tileSide);
  const rows = Math.ceil(size.height / grid.tileSide);
  const [left, top] = [area.x + grid.origin.x, area.y + grid.origin.y];
  const firstX = Math.max(0, Math.floor(left / side));
  const firstY = Math.max(0, Math.floor(top / side));
  const lastX = Math.min(columns - 1, Math.ceil((left + area.width) / side) - 1);
  const lastY = Math.min(rows - 1, Math.ceil((top + area.height) / side) - 1);
  const spots: TileSpot[] = [];
  for (let y = firstY; y <= lastY; y++) {
    for (let x = firstX; x <= lastX; x++) spots.push({ level, x, y });
  }
  const middle = {
    x: (left + area.width / 2) / side - 0.5,
    y: (top + area.height / 2) / side - 0.5,
  };
  const distance = ({ x, y }: TileSpot): number => Math.hypot(x - middle.x, y - middle.y);
  return spots.sort((a, b) => distance(a) - distance(b));
}
