/**
 * Corrects the lens distortion that the file describes, after the network. Tiles are developed at
 * the place where the light fell, and their pixels then moved to where they belong (DNG 1.7.1,
 * WarpRectilinear, WarpFisheye).
 */

import type { Mosaic, PlacedWarp } from '../raw/mosaic.ts';
import type { WarpPlane } from '../raw/opcodes/parse.ts';
import { levelSize } from './level.ts';
import { packedGrid, type PackedGrid } from './pack.ts';
import { haloPacked, windowAround, type Rectangle, type Tile } from './tiles.ts';
import type { DevelopedTile } from './unpack.ts';

/** Pixels around a position that the interpolation reads. */
const reach = 2;
/**
 * Spacing in pixels of the positions that are probed to find a tile's source; distortions are
 * smooth.
 */
const probeStep = 16;

/** Undefined if the frame has no distortion to correct. */
export function straightenerOf(mosaic: Mosaic, level = 0): Straightener | undefined {
  const { warps } = mosaic;
  if (warps === undefined || warps.length === 0) return undefined;
  const grid = packedGrid(mosaic);
  return new Straightener(warps, grid, level);
}

interface Point {
  readonly x: number;
  readonly y: number;
}

export class Straightener {
  readonly #warps: readonly PlacedWarp[];
  readonly #grid: PackedGrid;
  readonly #scale: number;
  readonly #size: { readonly width: number; readonly height: number };
  readonly #channels: readonly number[];

  /** @param level 0 is full size; each further one has half the sides */
  constructor(warps: readonly PlacedWarp[], grid: PackedGrid, level: number) {
    // The first warp in the list was the last to act on the picture.
    this.#warps = warps.toReversed();
    this.#grid = grid;
    this.#scale = 2 ** level;
    this.#size = levelSize(grid, level);
    this.#channels = warps.some(({ warp }) => warp.planes.length > 1) ? [0, 1, 2] : [0];
  }

  /** The tile that must be developed to fill this one. */
  sourceTile({ core }: Tile, halo = haloPacked): Tile {
    const { width, height } = this.#size;
    let [left, top] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    let [right, bottom] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const [endX, endY] = [(core.x + core.width) * 2, (core.y + core.height) * 2];
    for (const y of probes(core.y * 2, endY)) {
      for (const x of probes(core.x * 2, endX)) {
        for (const channel of this.#channels) {
          const at = this.#source(x, y, channel);
          left = Math.min(left, at.x);
          right = Math.max(right, at.x);
          top = Math.min(top, at.y);
          bottom = Math.max(bottom, at.y);
        }
      }
    }
    const [startX, lengthX] = spanOf(left, right, width);
    const [startY, lengthY] = spanOf(top, bottom, height);
    const source: Rectangle = { x: startX, y: startY, width: lengthX, height: lengthY };
    return { core: source, window: windowAround(source, this.#size, halo) };
  }

  /**
   * Fills a tile from its developed source tile by Catmull-Rom interpolation in linear light.
   * Beyond the frame, its edge pixels are repeated.
   */
  straighten(source: DevelopedTile, { core }: Tile): DevelopedTile {
    const area = { x: core.x * 2, y: core.y * 2, width: core.width * 2, height: core.height * 2 };
    const samples = new Float32Array(area.width * area.height * 3);
    const isOne = this.#channels.length === 1;
    for (let y = 0, out = 0; y < area.height; y++) {
      for (let x = 0; x < area.width; x++, out += 3) {
        for (const channel of this.#channels) {
          const at = this.#source(area.x + x, area.y + y, channel);
          interpolate(source, at, isOne ? [0, 1, 2] : [channel], samples, out);
        }
      }
    }
    return { area, samples };
  }

  /** Where on the level's grid the light of a corrected pixel fell. */
  #source(x: number, y: number, channel: number): Point {
    const [scale, { columnsBefore, rowsBefore }] = [this.#scale, this.#grid];
    let at = {
      x: (x + 0.5) * scale - 0.5 - columnsBefore,
      y: (y + 0.5) * scale - 0.5 - rowsBefore,
    };
    for (const placed of this.#warps) at = bent(at, placed, channel);
    return {
      x: (at.x + columnsBefore + 0.5) / scale - 0.5,
      y: (at.y + rowsBefore + 0.5) / scale - 0.5,
    };
  }
}

/** Maps a position in the corrected frame to the distorted one, both in the mosaic's pixels. */
function bent(at: Point, placed: PlacedWarp, channel: number): Point {
  const { warp, left, top, fullWidth, fullHeight } = placed;
  const [centreX, centreY] = [warp.centreX * fullWidth, warp.centreY * fullHeight];
  const radius = Math.hypot(
    Math.max(centreX, fullWidth - centreX),
    Math.max(centreY, fullHeight - centreY),
  );
  const dx = (at.x + left - centreX) / radius;
  const dy = (at.y + top - centreY) / radius;
  const plane = warp.planes[Math.min(channel, warp.planes.length - 1)]!;
  const r2 = dx * dx + dy * dy;
  const r = Math.sqrt(r2);
  const factor = warp.kind === 'fisheye' ? fisheye(r, plane) : radial(r, plane, warp.isReciprocal);
  const [t0, t1] = plane.tangential;
  const x = dx * factor + t0 * 2 * dx * dy + t1 * (r2 + 2 * dx * dx);
  const y = dy * factor + t1 * 2 * dx * dy + t0 * (r2 + 2 * dy * dy);
  return { x: centreX + x * radius - left, y: centreY + y * radius - top };
}

function radial(
  r: number,
  { radial: factors, validRadius }: WarpPlane,
  isReciprocal: boolean,
): number {
  const within = Math.min(validRadius[1], Math.max(validRadius[0], r));
  let value = 0;
  for (let power = factors.length - 1; power >= 0; power--)
    value = value * within + factors[power]!;
  return isReciprocal && value !== 0 ? 1 / value : value;
}

/** Sum of odd powers of the angle, divided by the radius. */
function fisheye(r: number, { radial: factors }: WarpPlane): number {
  if (r < 1e-9) return factors[0] ?? 1;
  const angle = Math.atan(r);
  let value = 0;
  for (let power = factors.length - 1; power >= 0; power--)
    value = value * angle * angle + factors[power]!;
  return (value * angle) / r;
}

function probes(start: number, end: number): number[] {
  const found: number[] = [];
  for (let at = start; at < end - 1; at += probeStep) found.push(at);
  found.push(end - 1);
  return found;
}

/** Converts positions in pixels to a span of at least one packed pixel within the frame. */
function spanOf(from: number, to: number, size: number): [start: number, length: number] {
  const start = Math.min(size - 1, Math.max(0, Math.floor((from - reach) / 2)));
  const end = Math.min(size, Math.max(start + 1, Math.ceil((to + reach + 1) / 2)));
  return [start, end - start];
}

function interpolate(
  { area, samples }: DevelopedTile,
  at: Point,
  channels: readonly number[],
  to: Float32Array,
  out: number,
): void {
  const x = Math.min(area.width - 1, Math.max(0, at.x - area.x));
  const y = Math.min(area.height - 1, Math.max(0, at.y - area.y));
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const across = catmullRom(x - column);
  const down = catmullRom(y - row);
  for (const channel of channels) {
    let sum = 0;
    for (let j = 0; j < 4; j++) {
      const line = Math.min(area.height - 1, Math.max(0, row + j - 1)) * area.width;
      let inLine = 0;
      for (let i = 0; i < 4; i++) {
        const place = Math.min(area.width - 1, Math.max(0, column + i - 1));
        inLine += across[i]! * samples[(line + place) * 3 + channel]!;
      }
      sum += down[j]! * inLine;
    }
    to[out + channel] = sum;
  }
}

function catmullRom(t: number): readonly [number, number, number, number] {
  return [
    ((-0.5 * t + 1) * t - 0.5) * t,
    (1.5 * t - 2.5) * t * t + 1,
    ((-1.5 * t + 2) * t + 0.5) * t,
    (0.5 * t - 0.5) * t * t,
  ];
}
