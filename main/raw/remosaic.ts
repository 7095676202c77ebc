/** Gives a frame that comes without a mosaic (linear DNG, sRAW) one, so that it can be developed. */

import type { LinearFrame, Mosaic } from './mosaic.ts';

/**
 * An RGGB mosaic of a linear frame: each pixel keeps the one colour a sensor would have seen there.
 * The network was trained on mosaics, and nothing else here takes a frame whose noise was already
 * spread over its neighbours; two thirds of the samples are the price.
 */
export function remosaic(frame: LinearFrame): Mosaic {
  const { width, height, samples, colour } = frame;
  const whiteLevel = 65_535;
  const factors = colour.asShotGains.map((gain) => whiteLevel / gain);
  const plane = new Uint16Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const channel = (y & 1) + (x & 1);
      const value = samples[at * 3 + channel]! * factors[channel]! + 0.5;
      plane[at] = value > whiteLevel ? whiteLevel : value < 0 ? 0 : value;
    }
  }
  return {
    width,
    height,
    samples: plane,
    cfa: 'RGGB',
    blackLevel: [0, 0, 0, 0],
    whiteLevel,
    orientation: frame.orientation,
    colour,
    baselineExposureStops: frame.baselineExposureStops,
    shot: frame.shot,
  };
}
