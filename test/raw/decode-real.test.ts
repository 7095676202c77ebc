/** Real cameras' files: what they hold is known from the cameras, not from this program. */

import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { decodeRaw, readEmbeddedPreview } from '../../main/raw/decode.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { containing, scratch } from './written.ts';

const fixture = (name: string): string =>
  new URL(`../fixtures/raw/${name}`, import.meta.url).pathname;
const crw = fixture('Canon_PowerShot_S40_CRW_0113.CRW');
const kdc = fixture('Kodak_DC50_DC50IMG_DC0008L.KDC');

async function decodeMosaic(path: string): Promise<Mosaic> {
  const raw = await decodeRaw(path);
  if (raw.kind !== 'mosaic') throw new Error(`expected a mosaic but received a ${raw.kind} frame`);
  return raw.mosaic;
}

/** Mean of the samples of each site above its black level. */
function siteMeans({ samples, width, blackLevel }: Mosaic): number[] {
  const sums = [0, 0, 0, 0];
  for (const [index, value] of samples.entries()) {
    const site = (Math.floor(index / width) % 2) * 2 + ((index % width) % 2);
    sums[site]! += value - blackLevel[site]!;
  }
  return sums.map((sum) => sum / (samples.length / 4));
}

describe('Canon PowerShot S40 (CRW)', () => {
  it('is a 10-bit mosaic with its masked margin measured', async () => {
    const mosaic = await decodeMosaic(crw);
    expect([mosaic.width, mosaic.height, mosaic.cfa]).toEqual([2312, 1720, 'RGGB']);
    expect([mosaic.blackLevel, mosaic.whiteLevel]).toEqual([[32, 32, 32, 32], 1023]);
    expect(mosaic.opticalBlack).toBeDefined();
    for (const level of mosaic.opticalBlack ?? []) expect(Math.abs(level - 32)).toBeLessThan(0.5);
    expect(mosaic.samples.reduce((max, value) => Math.max(max, value), 0)).toBe(1023);
    // Both greens of a cell see the same light, to the 2 % this camera's read-out differs; a wrong
    // phase would compare red with blue or either with green.
    const [red = 0, green = 0, green2 = 0, blue = 0] = siteMeans(mosaic);
    expect(Math.abs(green / green2 - 1)).toBeLessThan(0.02);
    expect(Math.abs(red / green - 1)).toBeGreaterThan(0.05);
    expect(Math.abs(blue / green - 1)).toBeGreaterThan(0.05);
  });

  it('has its camera, time and exposure', async () => {
    const { shot, colour, orientation } = await decodeMosaic(crw);
    expect(shot).toMatchObject({
      make: 'Canon',
      model: 'Canon PowerShot S40',
      iso: 50,
      takenAt: '2021-03-26T21:14:52',
    });
    expect(shot.exposureSeconds).toBeCloseTo(1 / 5, 2);
    expect(shot.aperture).toBeCloseTo(2.8, 1);
    expect(shot.focalLengthMm).toBeCloseTo(7.1, 1);
    expect(orientation).toBe(1);
    expect(colour.xyzToCamera[0]).toBeCloseTo(0.851, 6);
    expect(colour.asShotGains[0]).toBeCloseTo(1819 / 990, 6);
  });

  it('gives its JPEG preview', async () => {
    const jpeg = await readEmbeddedPreview(crw);
    expect(jpeg?.subarray(0, 3)).toEqual(Uint8Array.of(0xff, 0xd8, 0xff));
    expect(jpeg?.length).toBeGreaterThan(10_000);
  });

  it('is refused when cut, wherever', async () => {
    const folder = scratch();
    const whole = readFileSync(crw);
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const path = folder.write('cut.CRW', whole.subarray(0, Math.floor(whole.length * part)));
      await expect(decodeRaw(path)).rejects.toMatchObject({
        name: 'Refusal',
        message: containing('cut.CRW'),
      });
    }
  });
});

describe('Kodak DC50 (KDC)', () => {
  it('is a mosaic with what the camera wrote down', async () => {
    const mosaic = await decodeMosaic(kdc);
    expect([mosaic.width, mosaic.height, mosaic.cfa]).toEqual([768, 512, 'GRBG']);
    expect(mosaic.shot).toMatchObject({
      model: 'Kodak Digital Science DC50 Zoom Camera',
      iso: 84,
      aperture: 2.5,
      focalLengthMm: 37,
    });
    const [green = 0, , , green2 = 0] = siteMeans(mosaic);
    expect(Math.abs(green / green2 - 1)).toBeLessThan(0.02);
  });
});

/** Larger files, or with rights not stated: where the shared collection is at hand. */
const collection = new URL('../../../shared/data/raw/', import.meta.url);

describe.skipIf(!existsSync(collection))('the shared collection', () => {
  const inCollection = (name: string): string => new URL(name, collection).pathname;

  it('GoPro Fusion: a 9 MP mosaic with its noise profile, mirrored', async () => {
    const mosaic = await decodeMosaic(inCollection('Fusion_GPBK7066.DNG'));
    expect([mosaic.width, mosaic.height, mosaic.cfa, mosaic.whiteLevel]).toEqual([
      3104,
      3000,
      'RGGB',
      16_383,
    ]);
    expect(mosaic.orientation).toBe(2);
    expect(mosaic.noiseProfile?.slope).toBeCloseTo(7.81e-5, 7);
    expect(mosaic.shot).toMatchObject({
      make: 'GoPro',
      model: 'FUSION',
      iso: 100,
      exposureSeconds: 1 / 3413,
    });
  });

  it('a lossy linear DNG: a linear frame', async () => {
    const raw = await decodeRaw(inCollection('canon_eos_6d.dng'));
    expect(raw.kind).toBe('linear');
    if (raw.kind !== 'linear') return;
    expect([raw.frame.width, raw.frame.height]).toEqual([1224, 816]);
    expect(raw.frame.shot).toMatchObject({
      model: 'Canon EOS 6D',
      lens: 'EF24-105mm f/4L IS USM',
      iso: 1000,
    });
    const brightest = raw.frame.samples.reduce((max, value) => Math.max(max, value), 0);
    expect(brightest).toBeGreaterThan(0.9);
    expect(brightest).toBeLessThan(1.01);
  });

  it('a headerless dump is not given a made-up camera', async () => {
    await expect(decodeRaw(inCollection('RAW_KODAK_C330.raw'))).rejects.toMatchObject({
      code: 'unsupported-file',
    });
  });
});
