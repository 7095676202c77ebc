/** How large a piece of a photo the network is given at once. */

import type { Manifest } from '../network/manifest.ts';

/**
 * Packed pixels of the largest window. Activations on the processor stay below about 500 MB: a base
 * channel takes at most 35 bytes for each packed pixel. On graphics cards no tensor exceeds 128 MiB,
 * the least that WebGPU promises for one binding.
 */
export function defaultWindowArea({ unet }: Manifest): number {
  return Math.floor(500e6 / (35 * unet.baseChannels));
}

/** A square window of the area photos will have, on the network's grid. */
export function testSide(windowAreaMax: number): number {
  return Math.floor(Math.sqrt(windowAreaMax) / 16) * 16;
}
