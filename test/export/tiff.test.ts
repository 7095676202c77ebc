/** TIFF as sharp and ExifReader read it. */
import ExifReader from 'exifreader';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { toEightBits } from '../../main/export/eight-bits.ts';
import { iccProfile } from '../../main/export/icc.ts';
import { encodeTiff } from '../../main/export/tiff.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { expectPicture, expectShot } from './exif-check.ts';
import {
  difference,
  finishedImage,
  joined,
  noise,
  readEightBits,
  readSixteenBits,
  sampleShot,
} from './samples.ts';

const compressions = ['deflate', 'lzw', 'none'] as const;

describe.each(compressions)('TIFF, %s', (compression) => {
  it.each([
    [1, 1],
    [67, 1],
    [1, 130],
    [131, 197],
  ])('keeps every 16-bit sample at %i×%i', async (width, height) => {
    const image = finishedImage(width, height);
    const bytes = joined(await encodeTiff(image, sampleShot, { bits: 16, compression }));
    expect(await sharp(bytes).metadata()).toMatchObject({ width, height, depth: 'ushort' });
    expect(difference(await readSixteenBits(bytes), image.samples)).toEqual({
      length: image.samples.length,
      count: 0,
    });
  });

  it.each([
    [1, 1],
    [131, 197],
  ])('rounds to the nearest 8-bit value at %i×%i', async (width, height) => {
    const image = finishedImage(width, height);
    const bytes = joined(await encodeTiff(image, sampleShot, { bits: 8, compression }));
    expect(await sharp(bytes).metadata()).toMatchObject({ width, height, depth: 'uchar' });
    const rounded = Array.from(image.samples, (value) => Math.round(value / 257));
    expect(difference(await readEightBits(bytes), rounded)).toEqual({
      length: rounded.length,
      count: 0,
    });
  });

  it('says everything about the shot and carries the profile', async () => {
    const image = finishedImage(40, 30, 'display-p3');
    const file = await encodeTiff(image, sampleShot, { bits: 16, compression });
    const bytes = joined(file);
    expect(file.byteLength).toBe(bytes.length);
    expectShot(bytes);
    expectPicture(bytes, 40, 30, false);
    const metadata = await sharp(bytes).metadata();
    expect(metadata.icc?.equals(iccProfile('display-p3'))).toBe(true);
    const tags = ExifReader.load(new Uint8Array(bytes).buffer, { expanded: true });
    expect(tags.exif?.['Compression']?.value).toBe({ none: 1, lzw: 5, deflate: 8 }[compression]);
    expect(metadata.density).toBe(300);
  });
});

describe('TIFF LZW', () => {
  it('survives noise long enough to run its table through every generation', async () => {
    const width = 22_400;
    const height = 64;
    const random = noise(7);
    const samples = Uint16Array.from(
      { length: width * height * 3 },
      () => random.next().value * 65_536,
    );
    const image = { width, height, samples, space: 'srgb' } as const;
    const bytes = joined(await encodeTiff(image, {}, { bits: 16, compression: 'lzw' }));
    expect(difference(await readSixteenBits(bytes), samples).count).toBe(0);
  });

  it('shrinks flat areas', async () => {
    const samples = new Uint16Array(1000 * 64 * 3).fill(4711);
    const image = { width: 1000, height: 64, samples, space: 'srgb' } as const;
    const bytes = joined(await encodeTiff(image, {}, { bits: 16, compression: 'lzw' }));
    expect(bytes.length).toBeLessThan(samples.byteLength / 50);
    expect(difference(await readSixteenBits(bytes), samples).count).toBe(0);
  });
});

describe('encodeTiff', () => {
  it('stops when cancelled', async () => {
    const signal = AbortSignal.abort();
    const encoding = encodeTiff(
      finishedImage(8, 8),
      {},
      { bits: 16, compression: 'deflate' },
      { signal },
    );
    await expect(encoding).rejects.toThrow(Refusal);
  });

  it('leaves the picture as it was', async () => {
    const image = finishedImage(33, 70);
    const before = image.samples.slice();
    for (const compression of compressions) {
      for (const bits of [8, 16] as const) {
        joined(await encodeTiff(image, sampleShot, { bits, compression }));
      }
    }
    expect(difference(image.samples, before).count).toBe(0);
  });
});

describe('toEightBits', () => {
  it('is the nearest value for all 65536', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, value) => value);
    const expected = Array.from(all, (value) => Math.round((value * 255) / 65_535));
    expect(difference(toEightBits(all, 0, all.length), expected).count).toBe(0);
  });
});
