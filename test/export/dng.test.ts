/** DNG as LibRaw and ExifReader read it, and the numbers a plain TIFF reader needs. */
import ExifReader from 'exifreader';
import { describe, expect, it } from 'vitest';

import {
  cfaDng,
  linearBlackLevel,
  linearWhiteLevel,
  linearDng,
  maxHeadroomStops,
} from '../../main/raw/dng.ts';
import type { CameraLinearImage } from '../../main/raw/image.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { expectShot } from './exif-check.ts';
import { readWithLibRaw } from './libraw.ts';
import { sampleColour, difference, joined, linearImage, noise, sampleShot } from './samples.ts';

const sizes = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [10, 8],
  [12, 8],
]);

/** A tag's numbers in the first directory, read as a minimal reader would. */
function tagOf(bytes: Buffer, wanted: number): number[] {
  const table = bytes.readUInt32LE(4);
  for (let index = 0; index < bytes.readUInt16LE(table); index++) {
    const at = table + 2 + index * 12;
    if (bytes.readUInt16LE(at) !== wanted) continue;
    const type = bytes.readUInt16LE(at + 2);
    const count = bytes.readUInt32LE(at + 4);
    const size = sizes.get(type) ?? Number.NaN;
    const start = size * count > 4 ? bytes.readUInt32LE(at + 8) : at + 8;
    return Array.from({ length: count }, (_, item) => {
      const place = start + item * size;
      if (type === 5) return bytes.readUInt32LE(place) / bytes.readUInt32LE(place + 4);
      if (type === 10) return bytes.readInt32LE(place) / bytes.readInt32LE(place + 4);
      if (type === 12) return bytes.readDoubleLE(place);
      return bytes.readUIntLE(place, size);
    });
  }
  return [];
}

/** What our documentation tells readers to do, with nothing but tags. */
function readBack(bytes: Buffer): { samples: Float64Array; stops: number; stored: Uint16Array } {
  const [width = 0] = tagOf(bytes, 256);
  const [height = 0] = tagOf(bytes, 257);
  const [offset = 0] = tagOf(bytes, 273);
  const [black = 0] = tagOf(bytes, 50714);
  const [white = 0] = tagOf(bytes, 50717);
  const [stops = 0] = tagOf(bytes, 50730);
  const neutral = tagOf(bytes, 50728);
  expect(tagOf(bytes, 279)).toEqual([width * height * 6]);
  expect(offset + width * height * 6).toBe(bytes.length);
  const stored = Uint16Array.from({ length: width * height * 3 }, (_, i) =>
    bytes.readUInt16LE(offset + i * 2),
  );
  const samples = Float64Array.from(
    stored,
    (value, i) =>
      (((value - black) / (white - black)) * 2 ** stops) / (neutral[i % 3] ?? Number.NaN),
  );
  return { samples, stops, stored };
}

/** Half a step of the file, in the picture's white-balanced numbers. */
const halfStep = (stops: number, gain: number): number =>
  (0.5 / (linearWhiteLevel - linearBlackLevel)) * 2 ** stops * gain * 1.001;

function worstInSteps(image: CameraLinearImage): { worst: number; stops: number } {
  const { samples, stops } = readBack(joined(linearDng(image, sampleShot)));
  const worst = samples.reduce((most, value, i) => {
    const off = Math.abs(value - (image.samples[i] ?? Number.NaN));
    return Math.max(most, off / halfStep(stops, sampleColour.asShotGains[i % 3] ?? Number.NaN));
  }, 0);
  return { worst, stops };
}

describe('linearDng', () => {
  it.each([
    [0.9, 0],
    [2.2, 0],
    [2.4, 1],
    [4.5, 1],
    [18, 3],
  ])(
    'gives red values from −0.02 to %f back to half a step, with %i stops of room',
    (top, stops) => {
      const random = noise(3);
      const image = linearImage(31, 130, (i) => {
        // Red is divided by its gain of 2.3; green and blue stay below white.
        const value = -0.02 + random.next().value * (i % 3 === 0 ? top + 0.02 : 0.9);
        return i === 0 ? top : value;
      });
      const found = worstInSteps(image);
      expect(found.stops).toBe(stops);
      // Of four thousand samples, some come close to the half step that rounding may take.
      expect(found.worst).toBeGreaterThan(0.95);
      expect(found.worst).toBeLessThanOrEqual(1);
    },
  );

  it('keeps negative values as far as its black level goes', () => {
    const image = linearImage(4, 4, (i) => (i < 3 ? -0.03 : -0.02));
    expect(worstInSteps(image).worst).toBeLessThanOrEqual(1);
    const { stored } = readBack(
      joined(
        linearDng(
          linearImage(4, 4, () => -9),
          sampleShot,
        ),
      ),
    );
    expect(new Set(stored)).toEqual(new Set([0]));
  });

  it('ends at the last stop it has, and takes NaN and infinity without harm', () => {
    const values = [1e6, Infinity, Number.NaN, 0.5, 0.5, 0.5];
    const image = linearImage(2, 1, (i) => values[i] ?? 0);
    const { stops, stored, samples } = readBack(joined(linearDng(image, sampleShot)));
    expect(stops).toBe(maxHeadroomStops);
    expect([...stored.subarray(0, 2)]).toEqual([65_535, 65_535]);
    expect(samples[4]).toBeCloseTo(0.5, 3);
  });

  it('is read by LibRaw to the last bit, where it is not below black', async () => {
    const random = noise(5);
    const image = linearImage(67, 43, () => random.next().value * 1.9 - 0.02);
    const bytes = joined(linearDng(image, sampleShot));
    const { stored } = readBack(bytes);
    const view = await readWithLibRaw(bytes, 'linear');
    expect([view.width, view.height]).toEqual([67, 43]);
    const expected = stored.map((value) => Math.max(0, value - linearBlackLevel));
    expect(difference(view.samples, expected)).toEqual({ length: stored.length, count: 0 });
  });

  it('tells LibRaw and ExifReader everything', async () => {
    const file = linearDng(
      linearImage(40, 30, () => 0.25),
      sampleShot,
    );
    const bytes = joined(file);
    expect(bytes.length).toBe(file.byteLength);
    expectShot(bytes, 6);
    const { metadata } = await readWithLibRaw(bytes, 'linear');
    expect(metadata).toMatchObject({
      camera_make: 'Sony',
      camera_model: 'ILCE-7SM2',
      iso_speed: 102_400,
      flip: 6,
    });
    expect(metadata.shutter).toBeCloseTo(1 / 30, 6);
    expectColour(metadata);
    expect(metadata.color_data.dng_levels.baseline_exposure).toBe(0);
    const photometric = ExifReader.load(new Uint8Array(bytes).buffer)['PhotometricInterpretation'];
    expect(photometric?.value).toBe(34_892);
  });

  it('refuses gains and matrices that no tag can hold', () => {
    const image = linearImage(2, 2, () => 0.5);
    const withGains = (r: number): CameraLinearImage => ({
      ...image,
      colour: { ...sampleColour, asShotGains: [r, 1, 1] },
    });
    for (const gain of [0, -1, Number.NaN, Infinity]) {
      expect(() => linearDng(withGains(gain), {})).toThrow(Refusal);
    }
    const xyzToCamera = [Number.NaN, 0, 0, 0, 1, 0, 0, 0, 1] as const;
    expect(() => linearDng({ ...image, colour: { ...sampleColour, xyzToCamera } }, {})).toThrow(
      Refusal,
    );
  });
});

function expectColour(metadata: Awaited<ReturnType<typeof readWithLibRaw>>['metadata']): void {
  const {
    dng_color: [first],
    dng_levels: levels,
    cam_mul: gains,
  } = metadata.color_data;
  expect(first?.illuminant).toBe(21);
  const matrix = first?.colormatrix.slice(0, 3).flat() ?? [];
  expect(matrix.length).toBe(9);
  for (const [i, value] of sampleColour.xyzToCamera.entries())
    expect(matrix[i]).toBeCloseTo(value, 6);
  for (const [i, gain] of sampleColour.asShotGains.entries()) {
    expect(levels.asshotneutral[i]).toBeCloseTo(1 / gain, 6);
    expect(gains[i]).toBeCloseTo(gain, 5);
  }
}

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
