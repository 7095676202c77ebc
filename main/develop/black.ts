/** Moves black by hand, where a file states a level that is off or the camera cut the noise off. */

import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { clippingLevel } from './normalise.ts';

/** As `blackSteps` in preload/contract/edits.ts. */
export const stepsOfRange = 16_384;

/**
 * What a moved black takes from developed light. It is the same after the network as before it, so
 * that the window need not ask the network again.
 * @param black steps by which the black level is raised
 * @param ratio that the light was amplified by
 * @param gains white balance that the light has in it
 */
export function blackShift(
  black: number,
  {
    mosaic,
    ratio,
    gains,
  }: { readonly mosaic: Mosaic; readonly ratio: number; readonly gains: Vector3 },
): Vector3 {
  const share = (black / stepsOfRange) * ratio * clippingLevel(mosaic);
  return [share * gains[0], share * gains[1], share * gains[2]];
}

/** @param samples linear, white-balanced camera RGB, interleaved; changed in place */
export function moveBlack(samples: Float32Array, [red, green, blue]: Vector3): void {
  if (red === 0 && green === 0 && blue === 0) return;
  for (let i = 0; i < samples.length; i += 3) {
    samples[i]! -= red;
    samples[i + 1]! -= green;
    samples[i + 2]! -= blue;
  }
}

/** Fewer samples at black than this happen in any frame. */
const clippedShareMin = 0.005;
/** More samples than this below black are not just dead pixels. */
const deadShareMax = 1e-5;
/** Every eighth pair of rows tells enough. */
const rowStep = 16;

/**
 * Share of the samples that lie exactly at black, if next to none lie below it: the camera then cut off the
 * noise there, and dark parts turn magenta, because the half that is left has a mean above black.
 * @returns undefined for a frame with noise below black, or without dark parts
 */
export function clippedBlack(mosaic: Mosaic): number | undefined {
  // What this program developed ends at black, and has no noise there.
  if (mosaic.developed !== undefined || mosaic.merged !== undefined) return undefined;
  const { width, height, samples, blackLevel } = mosaic;
  const deadMax = deadShareMax * width * height;
  let [atBlack, below, count] = [0, 0, 0];
  for (let y = 0; y < height; y += y % 2 === 0 ? 1 : rowStep - 1) {
    const [even, odd] = [
      Math.floor(blackLevel[(y % 2) * 2]!),
      Math.floor(blackLevel[(y % 2) * 2 + 1]!),
    ];
    for (let x = 0, at = y * width; x < width; x++, at++, count++) {
      const above = samples[at]! - (x % 2 === 0 ? even : odd);
      if (above < 0) below += 1;
      else if (above === 0) atBlack += 1;
    }
    if (below > deadMax) return undefined;
  }
  return atBlack > clippedShareMin * count ? atBlack / count : undefined;
}
