/**
 * The develop line: one mosaic in, linear camera RGB out, tile by tile. It knows nothing of files,
 * jobs or sessions: the network is given as a function.
 */

import { throwIfCancelled } from '../base/refusal.ts';
import type { Mosaic, NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import { amplify } from './amplify.ts';
import { returnDetail } from './detail.ts';
import { whitenClipped } from './highlights.ts';
import { greyed } from './monochrome.ts';
import type { NoiseMap } from './noise-map.ts';
import { clippingLevel, normalisation } from './normalise.ts';
import { packedGrid, packWindow, type Allocate } from './pack.ts';
import { returnStars } from './stars.ts';
import type { Tile } from './tiles.ts';
import { unpackCore, type DevelopedTile } from './unpack.ts';

/**
 * Runs the network on one window; the window stays the caller's.
 * @param packed [4, height, width], amplified
 * @returns [12, height, width]
 */
export type RunNetwork = (
  packed: Float32Array,
  width: number,
  height: number,
) => Promise<Float32Array>;

export interface DevelopRequest {
  readonly mosaic: Mosaic;
  /** Long ÷ short exposure. */
  readonly ratio: number;
  /** White balance the network is shown; green is 1. */
  readonly gains: Vector3;
  /**
   * No less than the frame's noise; detail that it does not explain is given back. Without it the
   * network's picture stays as it is, as one that is no linear light must.
   */
  readonly noise?: NoiseProfile | undefined;
  /** Where the frame is noisier than that. */
  readonly map?: NoiseMap | undefined;
  readonly tiles: readonly Tile[];
  readonly run: RunNetwork;
  /** Memory for windows; two are in use at any time. */
  readonly allocate?: Allocate;
  /** Memory for what is handed out; where it is used again, a tile lasts until the next. */
  readonly allocateCore?: Allocate;
  readonly signal?: AbortSignal;
}

/** A tile on its way, with what went into the network: the grain control needs both. */
export interface TileResult extends DevelopedTile {
  readonly tile: Tile;
  /** [4, window.height, window.width], amplified */
  readonly input: Float32Array;
  /** [12, window.height, window.width], as the network gave it */
  readonly output: Float32Array;
  /** For each cell of the core, the share of what the network took that is back in the samples. */
  readonly returned?: Float32Array;
}

/**
 * Develops tile after tile. The next window is packed and given to the network before a tile is
 * handed out, so that the network works on while its last output is being finished.
 * @throws Refusal `cancelled` before the next tile once the signal is aborted; whatever `run` throws
 */
export async function* develop(request: DevelopRequest): AsyncGenerator<TileResult> {
  const { mosaic, ratio, gains, tiles, run, allocate, signal } = request;
  const levels = normalisation(mosaic);
  const grid = packedGrid(mosaic);
  const begin = (tile: Tile | undefined) => {
    if (tile === undefined) return undefined;
    throwIfCancelled(signal);
    const { width, height } = tile.window;
    const input = amplify(packWindow(mosaic, grid, levels, tile.window, allocate), ratio, gains);
    const output = run(input, width, height);
    // Its failure is met when its turn comes, or never, if an earlier tile ends the line.
    output.catch(() => undefined);
    return { tile, input, output };
  };
  let next = begin(tiles[0]);
  for (let index = 1; next !== undefined; index++) {
    const { tile, input, output } = next;
    next = begin(tiles[index]);
    yield tileResult(tile, input, await output, request);
  }
}

/** What the network made of a window, as a tile of the picture. */
export function tileResult(
  tile: Tile,
  input: Float32Array,
  output: Float32Array,
  request: Pick<DevelopRequest, 'mosaic' | 'ratio' | 'gains' | 'noise' | 'map' | 'allocateCore'>,
): TileResult {
  const { mosaic, ratio, gains, noise, map, allocateCore } = request;
  const developed = unpackCore(output, tile, allocateCore);
  const result = { ...developed, tile, input, output };
  const whitened = (): void => {
    greyed(developed.samples, mosaic);
    whitenClipped(developed.samples, ratio * clippingLevel(mosaic), gains);
  };
  if (noise === undefined) {
    whitened();
    return result;
  }
  const options = { noise, ratio, gains, map };
  const returned = returnDetail(developed, input, output, tile, options);
  returnStars(developed, input, output, tile, options, returned);
  whitened();
  return { ...result, returned };
}
