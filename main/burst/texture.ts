/** Measures how much detail each block of a frame has. */

import { normalisation } from '../develop/normalise.ts';
import { siteColours } from '../raw/cfa.ts';
import type { Mosaic, NoiseProfile } from '../raw/mosaic.ts';
import { blockSide } from './blocks.ts';
import { blurred, type Plane } from './planes.ts';

/** Standard deviation of the result's blur, in blocks. */
const sigma = 1;

/** The variance of green within each block, without its noise; 0 or more. */
export function textureOf(
  reference: Mosaic,
  grid: { readonly width: number; readonly height: number },
  noise: NoiseProfile,
): Plane {
  const { samples, width, height } = reference;
  const { black, scale } = normalisation(reference);
  const colours = siteColours(reference.cfa);
  const blocksInAll = grid.width * grid.height;
  const sums = new Float32Array(blocksInAll);
  const squares = new Float32Array(blocksInAll);
  const counts = new Float32Array(blocksInAll);
  for (let y = 0; y < height; y++) {
    const blocks = Math.floor(y / blockSide) * grid.width;
    const first = colours[(y & 1) * 2] === 'G' ? 0 : 1;
    const site = (y & 1) * 2 + first;
    for (let x = first; x < width; x += 2) {
      const block = blocks + Math.floor(x / blockSide);
      const value = (samples[y * width + x]! - black[site]!) * scale[site]!;
      sums[block]! += value;
      squares[block]! += value * value;
      counts[block]! += 1;
    }
  }
  const variances = squares.map((square, block) => {
    const [sum, count] = [sums[block]!, counts[block]!];
    const mean = sum / count;
    return (
      (square - sum * mean) / Math.max(1, count - 1) -
      noise.slope * Math.max(0, mean) -
      noise.offset
    );
  });
  const smooth = blurred({ ...grid, values: variances }, sigma);
  return { ...smooth, values: smooth.values.map((value) => Math.max(0, value)) };
}
