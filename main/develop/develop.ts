/**
 * The develop line: one mosaic in, linear camera RGB out, tile by tile. It knows nothing of files,
 * jobs or sessions; the network is passed in as a function.
 */

import { throwIfCancelled } from '../base/refusal.ts';
import type { Mosaic, NoiseProfile, Vector3 } from '../raw/mosaic.ts';
import { amplify } from './amplify.ts';
import { returnDetail } from './detail.ts';
import { developedTile } from './developed.ts';
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
  /** White balance applied before the network; green is 1. */
  readonly gains: Vector3;
  /**
   * Must not be lower than the frame's noise; detail that it does not explain is returned. Leave it
   * out to keep the network's picture as it is, which a picture that is not linear light requires.
   */
  readonly noise?: NoiseProfile | undefined;
  /** Where the frame is noisier than `noise` says. */
  readonly map?: NoiseMap | undefined;
  readonly tiles: readonly Tile[];
  readonly run: RunNetwork;
  /** Allocates memory for windows; two are in use at any time. */
  readonly allocate?: Allocate;
  /**
   * Allocates memory for finished tiles. If it reuses memory, a tile is valid only until the next
   * one.
   */
  readonly allocateCore?: Allocate;
  readonly signal?: AbortSignal;
}

const nothing = new Float32Array(0);

/** A finished tile, with what went into the network, which the grain control needs. */
export interface TileResult extends DevelopedTile {
  readonly tile: Tile;
  /** [4, window.height, window.width], amplified; empty if no network ran */
  readonly input: Float32Array;
  /** [12, window.height, window.width], as the network returned it; empty if none ran */
  readonly output: Float32Array;
  /**
   * For each cell of the core, the share of the removed detail that was added back to `samples`.
   */
  readonly returned?: Float32Array;
}

/**
 * Develops tile after tile. The next window is packed and given to the network before a tile is
 * handed out, so that the network keeps working while its last output is being finished.
 * @throws Refusal `cancelled` before the next tile once the signal is aborted; whatever `run`
 *   throws
 */
export async function* develop(request: DevelopRequest): AsyncGenerator<TileResult> {
  const { mosaic, ratio, gains, tiles, run, allocate, signal } = request;
  if (mosaic.developed !== undefined) {
    yield* developedTiles(request, mosaic.developed);
    return;
  }
  const levels = normalisation(mosaic);
  const grid = packedGrid(mosaic);
  const begin = (tile: Tile | undefined) => {
    if (tile === undefined) return undefined;
    throwIfCancelled(signal);
    const { width, height } = tile.window;
    const input = amplify(packWindow(mosaic, grid, levels, tile.window, allocate), ratio, gains);
    const output = run(input, width, height);
    // A failure is handled when this tile's turn comes. If an earlier tile fails first, nobody
    // awaits this one.
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

function* developedTiles(
  { mosaic, ratio, tiles, signal }: DevelopRequest,
  developed: Float32Array,
): Generator<TileResult> {
  for (const tile of tiles) {
    throwIfCancelled(signal);
    yield developedBefore(tile, developed, { mosaic, level: 0, ratio });
  }
}

/** A tile of a picture that this program developed before; no network runs. */
export function developedBefore(
  tile: Tile,
  developed: Float32Array,
  {
    mosaic,
    level,
    ratio,
  }: { readonly mosaic: Mosaic; readonly level: number; readonly ratio: number },
): TileResult {
  const cut = developedTile(mosaic, developed, tile.core, { level, ratio });
  return { ...cut, tile, input: nothing, output: nothing };
}

/** Turns the network's output for a window into a tile of the picture. */
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
