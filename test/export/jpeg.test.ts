/** JPEG as sharp and ExifReader read it, and the order of its segments. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { iccProfile } from '../../main/export/icc.ts';
import { encodeJpeg } from '../../main/export/jpeg.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { expectPicture, expectShot } from './exif-check.ts';
import { finishedImage, joined, readEightBits, sampleShot } from './samples.ts';

function markersOf(bytes: Buffer): string[] {
  const markers: string[] = [];
  for (let at = 2; bytes[at] === 0xff && bytes[at + 1] !== 0xda;) {
    markers.push((bytes[at + 1] ?? 0).toString(16));
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return markers;
}

async function meanError(quality: number): Promise<number> {
  const image = finishedImage(131, 97);
  const found = await readEightBits(joined(await encodeJpeg(image, sampleShot, { quality })));
  expect(found.length).toBe(image.samples.length);
  return (
    found.reduce((sum, value, i) => sum + Math.abs(value - (image.samples[i] ?? 0) / 257), 0) /
    found.length
  );
}

describe('JPEG', () => {
  it('is close to the picture, closer at higher quality', async () => {
    const fine = await meanError(100);
    const coarse = await meanError(40);
    expect(fine).toBeLessThan(0.7);
    expect(coarse).toBeGreaterThan(fine * 1.5);
    expect(coarse).toBeLessThan(4);
  });

  it.each([
    [95, '4:4:4'],
    [91, '4:4:4'],
    [90, '4:2:0'],
    [1, '4:2:0'],
  ])('at quality %i has colour sampled %s', async (quality, chromaSubsampling) => {
    const bytes = joined(await encodeJpeg(finishedImage(64, 48), sampleShot, { quality }));
    expect(await sharp(bytes).metadata()).toMatchObject({
      width: 64,
      height: 48,
      chromaSubsampling,
    });
  });

  it('says everything about the shot and carries the profile, which changed no pixel', async () => {
    const options = { quality: 92 };
    const wide = finishedImage(64, 48, 'display-p3');
    const bytes = joined(await encodeJpeg(wide, sampleShot, options));
    expectShot(bytes);
    expectPicture(bytes, 64, 48, false);
    expect((await sharp(bytes).metadata()).icc?.equals(iccProfile('display-p3'))).toBe(true);
    const narrow = joined(await encodeJpeg({ ...wide, space: 'srgb' }, sampleShot, options));
    expect(await readEightBits(bytes)).toEqual(await readEightBits(narrow));
    expectPicture(narrow, 64, 48, true);
  });

  it('has EXIF first, then the profile, as EXIF wants it', async () => {
    const file = await encodeJpeg(finishedImage(16, 16), sampleShot, { quality: 92 });
    const bytes = joined(file);
    expect(bytes.length).toBe(file.byteLength);
    expect(markersOf(bytes).slice(0, 4)).toEqual(['e1', 'e2', 'db', 'db']);
  });

  it('refuses a side that JPEG has no number for', async () => {
    const samples = new Uint16Array(65_536 * 3);
    const image = { width: 65_536, height: 1, samples, space: 'srgb' } as const;
    await expect(encodeJpeg(image, {}, { quality: 90 })).rejects.toThrow(Refusal);
  });
});
