/**
 * Turns a frame without a mosaic (linear DNG, sRAW) into one that has it, so that it can be
 * developed.
 */

import type { LinearFrame, Mosaic } from './mosaic.ts';
import { toSixteenBits } from './sixteen-bits.ts';

/**
 * Makes an RGGB mosaic of a linear frame: each pixel keeps the one colour that a sensor would have
 * recorded there. The network was trained on mosaics, and nothing else here handles a frame whose
 * noise was already spread over neighbours. The price is two thirds of the samples. Noise below
 * black and light above white are kept.
 */
export function remosaic(frame: LinearFrame): Mosaic {
  const { width, height, samples, colour } = frame;
  const inverse = colour.asShotGains.map((gain) => 1 / gain);
  let brightest = 1;
  for (let i = 0; i < samples.length; i += 3) {
    for (let channel = 0; channel < 3; channel++) {
      const value = samples[i + channel]! * inverse[channel]!;
      if (value > brightest) brightest = value;
    }
  }
  const sixteen = toSixteenBits(width * height, brightest, (at) => {
    const channel = (Math.floor(at / width) & 1) + ((at % width) & 1);
    return samples[at * 3 + channel]! * inverse[channel]!;
  });
  const { blackLevel: black } = sixteen;
  return {
    width,
    height,
    samples: sixteen.samples,
    cfa: 'RGGB',
    blackLevel: [black, black, black, black],
    whiteLevel: sixteen.whiteLevel,
    orientation: frame.orientation,
    colour,
    baselineExposureStops: frame.baselineExposureStops,
    shot: frame.shot,
    ...(frame.records === undefined ? {} : { records: frame.records }),
    ...(frame.warps === undefined ? {} : { warps: frame.warps }),
    ...(frame.developed === undefined ? {} : { developed: samples }),
  };
}
