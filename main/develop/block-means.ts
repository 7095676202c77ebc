/** Mean light of a frame's 32×32 blocks. Averaging leaves next to no noise in them. */

import { siteColours } from '../raw/cfa.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import { normalisation } from './normalise.ts';

/** Side of a block, in samples of the mosaic. */
const blockSide = 32;

/** One value per block, normalised (black 0, white 1), signed, before white balance. */
export interface BlockMeans {
  readonly count: number;
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  /** Share of a block's samples that are saturated, 0–1. */
  readonly saturated: Float32Array;
}

/**
 * Frames with fewer samples than this use every row of a block; larger frames use every second pair
 * of rows.
 */
const everyRowBelowSamples = 2_000_000;

/** Means of all whole blocks; a frame smaller than a block is one block. */
export function blockMeans(mosaic: Mosaic): BlockMeans {
  const { samples, width, height, cfa, whiteLevel } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const colours = siteColours(cfa);
  const [sideX, sideY] = [Math.min(blockSide, width), Math.min(blockSide, height)];
  const across = Math.floor(width / sideX);
  const count = across * Math.floor(height / sideY);
  const planes = {
    R: new Float32Array(count),
    G: new Float32Array(count),
    B: new Float32Array(count),
  };
  const saturated = new Float32Array(count);
  const rowStep = width * height < everyRowBelowSamples ? 2 : 4;
  const nearlyWhite = whiteLevel * 0.99;
  const share = { R: 1, G: 1, B: 1 };
  if (sideX > 1 && sideY > 1) share.G = 0.5;
  for (let block = 0; block < count; block++) {
    const top = Math.floor(block / across) * sideY;
    const left = (block % across) * sideX;
    let clipped = 0;
    let read = 0;
    for (let site = 0; site < 4; site++) {
      let sum = 0;
      let here = 0;
      for (let y = site >> 1; y < sideY; y += rowStep) {
        const row = (top + y) * width + left;
        for (let x = site & 1; x < sideX; x += 2) {
          const sample = samples[row + x]!;
          sum += sample;
          here++;
          if (sample >= nearlyWhite) clipped++;
        }
      }
      if (here === 0) continue;
      read += here;
      const colour = colours[site]!;
      planes[colour][block]! += (sum / here - black[site]!) * scale[site]! * share[colour];
    }
    saturated[block] = clipped / read;
  }
  return { count, red: planes.R, green: planes.G, blue: planes.B, saturated };
}
