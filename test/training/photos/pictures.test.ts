/** Finished pictures come in as sRGB, whatever depth and profile they have. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeTiff } from '../../../main/export/tiff.ts';
import { readSrgbPicture } from '../../../main/training/pictures.ts';
import { finishedImage, joined, sampleShot } from '../../export/samples.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-pictures-'));
});
afterAll(() => rm(folder, { recursive: true }));

const light = (code: number): number =>
  code <= 0.04045 ? code / 12.92 : ((code + 0.055) / 1.055) ** 2.4;
const code = (value: number): number =>
  value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;

/** Display P3 → sRGB in linear light (CSS Color 4; the two have one white and one curve). */
const fromDisplayP3: readonly (readonly number[])[] = [
  [1.2249401763, -0.2249401763, 0],
  [-0.0420569547, 1.0420569547, 0],
  [-0.0196375546, -0.0786360456, 1.0982736001],
];

const colour = [45000, 20000, 12000] as const;
const shownInDisplayP3 = fromDisplayP3.map((row) => {
  const mixed = row.reduce((sum, factor, at) => sum + factor * light(colour[at]! / 65535), 0);
  return 65535 * code(mixed);
});

describe.each([
  { space: 'srgb', wanted: colour },
  { space: 'display-p3', wanted: shownInDisplayP3 },
] as const)('a picture in $space', ({ space, wanted }) => {
  it.each([8, 16] as const)('of %i bits is read as what it shows', async (bits) => {
    const file = path.join(folder, `${space}-${String(bits)}.tiff`);
    const image = finishedImage(8, 8, space);
    image.samples.forEach((_, at) => (image.samples[at] = colour[at % 3]!));
    await writeFile(
      file,
      joined(await encodeTiff(image, sampleShot, { bits, compression: 'none' })),
    );
    const { codes, isDeep } = await readSrgbPicture(file);
    expect(isDeep).toBe(bits === 16);
    const scale = isDeep ? 1 : 257;
    // Codes of 8 bits are 257 of 16 apart, and are rounded twice.
    const steps = isDeep ? 80 : 260;
    for (const [at, number] of wanted.entries()) {
      expect(Math.abs(codes[at]! * scale - number)).toBeLessThan(steps);
    }
  });
});

it.each([
  ['grey', 1],
  ['grey with transparency', 2],
  ['colour', 3],
  ['colour with transparency', 4],
] as const)('16 bits of %s without a profile are sRGB codes', async (_, channels) => {
  const file = path.join(folder, `plain-${String(channels)}.png`);
  const numbers = channels < 3 ? [20000, 65535] : [...colour, 65535];
  const samples = Uint16Array.from({ length: 64 * channels }, (_, at) => numbers[at % channels]!);
  await sharp(samples, { raw: { width: 8, height: 8, channels } })
    .toColourspace(channels < 3 ? 'grey16' : 'rgb16')
    .png()
    .toFile(file);
  const { codes, isDeep } = await readSrgbPicture(file);
  expect(isDeep).toBe(true);
  const shown = channels < 3 ? [20000, 20000, 20000] : colour;
  expect(Array.from(codes.subarray(0, 3))).toEqual([...shown]);
  expect(codes).toHaveLength(64 * 3);
});
