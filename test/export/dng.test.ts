/** Mosaics in DNGs, as LibRaw and ExifReader read them. */
import { describe, expect, it } from 'vitest';

import { cfaDng } from '../../main/raw/dng.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { expectShot } from './exif-check.ts';
import { expectColour, tagOf } from './dng-check.ts';
import { readWithLibRaw } from './libraw.ts';
import { sampleColour, difference, joined, noise, sampleShot } from './samples.ts';

function mosaicOf(
  cfa: Mosaic['cfa'],
  blackLevel: Mosaic['blackLevel'],
  width: number,
  height: number,
): Mosaic {
  const random = noise(width + height);
  return {
    width,
    height,
    samples: Uint16Array.from({ length: width * height }, () => random.next().value * 16_384),
    cfa,
    blackLevel,
    whiteLevel: 16_383,
    orientation: 8,
    colour: sampleColour,
    baselineExposureStops: -0.35,
    noiseProfile: { slope: 1.25e-4, offset: 3e-7 },
    shot: sampleShot,
  };
}

describe.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const)('cfaDng, %s', (cfa) => {
  it('is read by LibRaw bit for bit, with its colours in place', async () => {
    const mosaic = mosaicOf(cfa, [512, 512, 512, 512], 66, 42);
    const bytes = joined(cfaDng(mosaic));
    const view = await readWithLibRaw(bytes, 'mosaic');
    expect([view.width, view.height]).toEqual([66, 42]);
    expect(difference(view.samples, mosaic.samples)).toEqual({ length: 66 * 42, count: 0 });
    expect(view.metadata.color_data.maximum).toBe(16_383);
    expectColour(view.metadata);
    const letters = tagOf(bytes, 33422).map((code) => 'RGB'[code]);
    expect(letters.join('')).toBe(cfa);
    expect(tagOf(bytes, 50713)).toEqual([1, 1]);
    expect(tagOf(bytes, 50714)).toEqual([512]);
    expect(tagOf(bytes, 50829)).toEqual([]);
  });

  it('takes a black level for each site, and a sensor with margins', async () => {
    const mosaic = mosaicOf(cfa, [512, 513.5, 514, 515], 64, 40);
    const [width, height, left, top] = [64 + 5, 40 + 9, 3, 6];
    const random = noise(9);
    const samples = Uint16Array.from(
      { length: width * height },
      () => 500 + random.next().value * 30,
    );
    for (let y = 0; y < 40; y++) {
      samples.set(mosaic.samples.subarray(y * 64, (y + 1) * 64), (y + top) * width + left);
    }
    const bytes = joined(cfaDng(mosaic, { sensor: { width, height, left, top, samples } }));
    const view = await readWithLibRaw(bytes, 'mosaic');
    expect(difference(view.samples, samples)).toEqual({ length: samples.length, count: 0 });
    expect(tagOf(bytes, 50713)).toEqual([2, 2]);
    expect(tagOf(bytes, 50714)).toEqual([512, 513.5, 514, 515]);
    expect(tagOf(bytes, 50829)).toEqual([6, 3, 46, 67]);
  });
});

describe('cfaDng', () => {
  it('says everything about the shot, its noise and its exposure', () => {
    const bytes = joined(cfaDng(mosaicOf('RGGB', [512, 512, 512, 512], 20, 10)));
    expectShot(bytes, 8);
    expect(tagOf(bytes, 51041)).toEqual([1.25e-4, 3e-7]);
    expect(tagOf(bytes, 50730)[0]).toBeCloseTo(-0.35, 7);
    expect(tagOf(bytes, 50717)).toEqual([16_383]);
    expect(tagOf(bytes, 50706)).toEqual([1, 4, 0, 0]);
  });

  it('does not take a sensor that the mosaic does not fit on', () => {
    const mosaic = mosaicOf('RGGB', [0, 0, 0, 0], 20, 10);
    const sensor = { width: 24, height: 12, left: 5, top: 0, samples: new Uint16Array(24 * 12) };
    expect(() => cfaDng(mosaic, { sensor })).toThrow(/hold 20×10 at \(5, 0\)/);
  });
});
