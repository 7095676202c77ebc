/** Where a frame is noisier than it says, its noise is not given back as detail; textures still are. */

import { describe, expect, it } from 'vitest';
import { Random } from '../../main/darkness/random.ts';
import { noiseMap } from '../../main/develop/noise-map.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';

const [width, height] = [256, 192];
const [black, white] = [512, 16_383];
const range = white - black;
/** 20 DN everywhere, whatever the light. */
const noise = { slope: 0, offset: (20 / range) ** 2 };

/** @param light DN above black; @param sigma DN */
function frameOf(
  light: (x: number, y: number) => number,
  sigma: (x: number, y: number) => number,
  about: Partial<Mosaic> = {},
): Mosaic {
  const random = new Random(5);
  const samples = Uint16Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    return Math.max(0, Math.round(black + light(x, y) + sigma(x, y) * random.gaussian()));
  });
  return {
    width,
    height,
    samples,
    cfa: 'RGGB',
    blackLevel: [black, black, black, black],
    whiteLevel: white,
    orientation: 1,
    colour: { asShotGains: [2, 1, 1.5], xyzToCamera: [1, 0, 0, 0, 1, 0, 0, 0, 1] },
    baselineExposureStops: 0,
    shot: {},
    ...about,
  };
}

/** Mean factor of the map over pixels from `left` to `right`. */
function meanFactor(mosaic: Mosaic, left: number, right: number): number {
  const { factors, columns, rows, blockPacked } = noiseMap(mosaic, noise);
  const side = 2 * blockPacked;
  let [sum, count] = [0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = left / side; column < right / side; column++) {
      sum += factors[row * columns + column]!;
      count += 1;
    }
  }
  return sum / count;
}

describe('a noise map', () => {
  it('is 1 where noise is as stated', () => {
    expect(
      meanFactor(
        frameOf(
          () => 200,
          () => 20,
        ),
        0,
        width,
      ),
    ).toBeLessThan(1.02);
  });

  it('finds a strip with four times the variance, in a file that does not say so', () => {
    const frame = frameOf(
      () => 200,
      (x) => (x < 64 ? 40 : 20),
    );
    expect(meanFactor(frame, 0, 48)).toBeGreaterThan(3);
    expect(meanFactor(frame, 96, width)).toBeLessThan(1.05);
  });

  it('does not take texture for noise', () => {
    const cloth = (x: number, y: number): number =>
      400 + 120 * Math.sin((x * Math.PI) / 2.3) + 120 * Math.sin((y * Math.PI) / 3.1);
    expect(
      meanFactor(
        frameOf(cloth, () => 20),
        0,
        width,
      ),
    ).toBeLessThan(1.1);
  });

  it('does not take stars for noise', () => {
    const stars = (x: number, y: number): number =>
      100 + 4000 * Math.exp(-((((x + 5) % 32) - 16) ** 2 + (((y + 9) % 32) - 16) ** 2) / 1.2);
    expect(
      meanFactor(
        frameOf(stars, () => 20),
        0,
        width,
      ),
    ).toBeLessThan(1.05);
  });

  it('follows the map of frames of a merged file', () => {
    const [columns, rows] = [width / 4, height / 4];
    const sixteenths = Uint16Array.from({ length: columns * rows }, (_, block) =>
      block % columns < 8 ? 16 : 128,
    );
    const map = { blockSide: 4, columns, rows, sixteenths };
    const frame = frameOf(
      () => 200,
      (x) => (x < 32 ? 20 * Math.sqrt(8) : 20),
      {
        merged: { frames: ['a', 'b'], reference: 'a', map },
      },
    );
    expect(meanFactor(frame, 0, 28)).toBeCloseTo(8, 0);
    expect(meanFactor(frame, 64, width)).toBeLessThan(1.05);
  });
});
