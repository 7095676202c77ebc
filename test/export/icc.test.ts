/** Our profiles as Little CMS (in sharp) understands them. */
import { createHash } from 'node:crypto';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import type { OutputSpace } from '../../main/raw/image.ts';
import { iccProfile } from '../../main/export/icc.ts';
import { encodeTiff } from '../../main/export/tiff.ts';
import { joined } from './samples.ts';

/** XYZ (D65) of linear RGB, from the standards' own tables (IEC 61966-2-1, SMPTE EG 432-1, BT.2020). */
const toXyz: Readonly<Record<OutputSpace, readonly number[]>> = {
  srgb: [0.4124, 0.3576, 0.1805, 0.2126, 0.7152, 0.0722, 0.0193, 0.1192, 0.9505],
  'display-p3': [0.48657, 0.26567, 0.19822, 0.22897, 0.69174, 0.07929, 0, 0.04511, 1.04394],
  rec2020: [0.636958, 0.144617, 0.168881, 0.2627, 0.677998, 0.059302, 0, 0.028073, 1.060985],
};
const srgbFromXyz = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057];

const apply = (m: readonly number[], v: readonly number[]): number[] =>
  [0, 3, 6].map((row) => v.reduce((sum, value, k) => sum + (m[row + k] ?? 0) * value, 0));

const srgbDecode = (v: number): number =>
  v <= 0.040_45 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const srgbEncode = (v: number): number =>
  v <= 0.003_130_8 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055;
const bt2020Decode = (v: number): number =>
  v < 0.081_24 ? v / 4.5 : ((v + 0.0993) / 1.0993) ** (1 / 0.45);

/**
 * Colours spread over the cube, in whole 8-bit steps: sharp takes 8 bits straight from profile to
 * profile, 16 bits by way of Display P3.
 */
const triples = [5, 25, 76, 128, 191, 250].flatMap((r) =>
  [13, 102, 166, 230].flatMap((g) => [13, 128, 166, 242].map((b) => [r / 255, g / 255, b / 255])),
);

function expectedSrgb(space: OutputSpace, triple: readonly number[]): number[] {
  const decode = space === 'rec2020' ? bt2020Decode : srgbDecode;
  return apply(srgbFromXyz, apply(toXyz[space], triple.map(decode)));
}

describe.each(['srgb', 'display-p3', 'rec2020'] as const)('ICC profile, %s', (space) => {
  it('converts to sRGB as the standard says', async () => {
    const inGamut = triples.filter((triple) =>
      expectedSrgb(space, triple).every((value) => value >= 0 && value <= 1),
    );
    expect(inGamut.length).toBeGreaterThan(10);
    const samples = Uint16Array.from(inGamut.flat(), (value) => Math.round(value * 65_535));
    const image = { width: inGamut.length, height: 1, samples, space };
    const bytes = joined(await encodeTiff(image, {}, { bits: 8, compression: 'none' }));
    const found = await sharp(bytes).toColourspace('srgb').raw().toBuffer();
    const worst = inGamut.flatMap((triple, pixel) =>
      expectedSrgb(space, triple).map((value, c) =>
        Math.abs((found[pixel * 3 + c] ?? -99) - srgbEncode(value) * 255),
      ),
    );
    expect(Math.max(...worst)).toBeLessThan(1.5);
  });

  it('keeps white white and is whole', () => {
    const profile = Buffer.from(iccProfile(space));
    expect(profile.readUInt32BE(0)).toBe(profile.length);
    expect(profile.toString('latin1', 36, 40)).toBe('acsp');
    const columns = [0, 1, 2].map((axis) => {
      let sum = 0;
      for (let entry = 0; entry < profile.readUInt32BE(128); entry++) {
        const at = 132 + entry * 12;
        if (!/^[rgb]XYZ$/.test(profile.toString('latin1', at, at + 4))) continue;
        sum += profile.readInt32BE(profile.readUInt32BE(at + 4) + 8 + axis * 4) / 65_536;
      }
      return sum;
    });
    for (const [axis, white] of [0.9642, 1, 0.8249].entries()) {
      expect(columns[axis]).toBeCloseTo(white, 4);
    }
  });

  it('carries the identity its bytes have', () => {
    const profile = Buffer.from(iccProfile(space));
    const written = profile.toString('hex', 84, 100);
    profile.fill(0, 84, 100);
    expect(written).toBe(createHash('md5').update(profile).digest('hex'));
  });
});

describe('ICC profiles', () => {
  it('are three different ones', () => {
    const spaces = ['srgb', 'display-p3', 'rec2020'] as const;
    const all = new Set(spaces.map((space) => Buffer.from(iccProfile(space)).toString('hex')));
    expect(all.size).toBe(3);
  });
});
