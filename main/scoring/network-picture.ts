/** Runs a network on a whole frame, for scoring. */

import { develop, type RunNetwork } from '../develop/develop.ts';
import { fitted, isLinear, type NetworkTerms } from '../develop/dialect.ts';
import { LinearCanvas } from '../develop/linear-canvas.ts';
import { withoutLonePixels } from '../develop/lone-pixels.ts';
import { frameNoise } from '../develop/noise.ts';
import { noiseMap } from '../develop/noise-map.ts';
import { packedGrid } from '../develop/pack.ts';
import { planTiles } from '../develop/tiles.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import type { LinearRgb } from '../training/validation/metrics.ts';

/** Packed pixels in one network input. */
const windowAreaMax = 512 * 512;

/** A network with the input and output it was trained for. */
export interface ScoredNetwork {
  readonly run: RunNetwork;
  readonly terms: NetworkTerms;
}

/**
 * The network's output at the picture's size: balanced linear camera RGB of the frame amplified by the
 * ratio, or sRGB values if the network makes finished pictures.
 * @throws Refusal `cancelled`; whatever `run` throws
 */
export async function networkPicture(
  taken: Mosaic,
  ratio: number,
  { run, terms }: ScoredNetwork,
  signal?: AbortSignal,
): Promise<LinearRgb> {
  const noise = frameNoise(taken).ceiling;
  const mosaic = withoutLonePixels(taken, noise);
  const grid = packedGrid(mosaic);
  const tiles = planTiles(grid.width, grid.height, windowAreaMax);
  const canvas = new LinearCanvas({ ...mosaic, grid }, [1, 1, 1]);
  const developing = develop({
    mosaic,
    ratio,
    gains: mosaic.colour.asShotGains,
    ...(isLinear(terms) ? { noise, map: noiseMap(mosaic, noise) } : {}),
    tiles,
    // The output stays as it is: no later stage corrects it here.
    run: fitted(run, { ...terms, domain: 'camera-linear' }, mosaic.colour),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const tile of developing) canvas.add(tile);
  return canvas.image;
}
