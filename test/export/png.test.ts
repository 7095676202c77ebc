/** PNG as sharp and ExifReader read it, and its chunks by hand. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { crc32 } from 'node:zlib';

import { iccProfile } from '../../main/export/icc.ts';
import { encodePng } from '../../main/export/png.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { expectPicture, expectShot } from './exif-check.ts';
import {
  difference,
  finishedImage,
  joined,
  readEightBits,
  readSixteenBits,
  sampleShot,
} from './samples.ts';

interface Chunk {
  readonly type: string;
  readonly length: number;
  readonly isIntact: boolean;
}

function chunksOf(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    chunks.push({
      type: body.toString('latin1', 0, 4),
      length,
      isIntact: crc32(body) === bytes.readUInt32BE(at + 8 + length),
    });
    at += 12 + length;
  }
  return chunks;
}

describe('PNG', () => {
  it.each([
    [1, 1],
    [67, 1],
    [1, 130],
    [131, 197],
  ])('keeps every 16-bit sample at %i×%i', async (width, height) => {
    const image = finishedImage(width, height);
    const bytes = joined(await encodePng(image, sampleShot, { bits: 16 }));
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
    const bytes = joined(await encodePng(image, sampleShot, { bits: 8 }));
    expect(await sharp(bytes).metadata()).toMatchObject({ width, height, depth: 'uchar' });
    const rounded = Array.from(image.samples, (value) => Math.round(value / 257));
    expect(difference(await readEightBits(bytes), rounded)).toEqual({
      length: rounded.length,
      count: 0,
    });
  });

  it('says everything about the shot and carries the profile', async () => {
    const bytes = joined(
      await encodePng(finishedImage(40, 30, 'rec2020'), sampleShot, { bits: 16 }),
    );
    expectShot(bytes);
    expectPicture(bytes, 40, 30, false);
    const metadata = await sharp(bytes).metadata();
    expect(metadata.icc?.equals(iccProfile('rec2020'))).toBe(true);
    expect(metadata.density).toBe(300);
  });

  it('has its chunks in order and intact, with the profile before the pixels', async () => {
    const file = await encodePng(finishedImage(600, 400), sampleShot, { bits: 16 });
    const bytes = joined(file);
    expect(bytes.length).toBe(file.byteLength);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
    const chunks = chunksOf(bytes);
    expect(chunks.every((chunk) => chunk.isIntact)).toBe(true);
    const types = chunks.map((chunk) => chunk.type);
    const pixels = types.filter((type) => type === 'IDAT');
    expect(pixels.length).toBeGreaterThan(1);
    expect(types).toEqual(['IHDR', 'iCCP', 'pHYs', 'eXIf', ...pixels, 'IEND']);
  });

  it('stops when cancelled', async () => {
    const signal = AbortSignal.abort();
    const encoding = encodePng(finishedImage(8, 8), {}, { bits: 16 }, { signal });
    await expect(encoding).rejects.toThrow(Refusal);
  });
});
