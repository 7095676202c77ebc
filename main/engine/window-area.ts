/** Chooses the size of the pieces that the network is given. */

import type { Manifest } from '../network/manifest.ts';

/**
 * Packed pixels of the largest window. It keeps activations on the processor below about 500 MB:
 * each base channel takes at most 35 bytes per packed pixel. On graphics cards it keeps every
 * tensor within 128 MiB, the least that WebGPU guarantees for one binding.
 */
export function defaultWindowArea({ unet }: Manifest): number {
  return Math.floor(500e6 / (35 * unet.baseChannels));
}

/** Side of a square window with the area that photos will use, on the network's grid. */
export function testSide(windowAreaMax: number): number {
  return Math.floor(Math.sqrt(windowAreaMax) / 16) * 16;
}
