/** Generated photos for the benches. */

import type { Mosaic } from '../../main/raw/mosaic.ts';

/** A dark frame with structure and noise, so that compression and prediction work as on a photo. */
export function darkMosaic(width: number, height: number): Mosaic {
  const samples = new Uint16Array(width * height);
  let state = 7;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const scene = 60 + 50 * Math.sin(x / 190) * Math.cos(y / 130) + (((x >> 6) ^ (y >> 6)) % 7);
      samples[at] = 512 + scene + ((state >>> 24) - 128) / 12;
    }
  }
  return {
    width,
    height,
    samples,
    cfa: 'RGGB',
    blackLevel: [512, 512, 512, 512],
    whiteLevel: 16_383,
    orientation: 1,
    colour: {
      asShotGains: [2.2, 1, 1.7],
      xyzToCamera: [0.5838, -0.143, -0.0246, -0.3497, 1.1477, 0.2297, -0.0748, 0.1885, 0.5778],
    },
    baselineExposureStops: 0,
    shot: { make: 'Nightglass', model: 'Bench', iso: 3200 },
  };
}
