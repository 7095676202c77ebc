/** Simulated darkness: statistics and colours of the mosaic, and `nightglass simulate` and `info`. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { siteColours } from '../../main/raw/cfa.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { simulatedCameras, simulatedCamera } from '../../main/darkness/cameras.ts';
import { loadLinearPhoto } from '../../main/training/photos/photos.ts';
import { Random } from '../../main/darkness/random.ts';
import { daylightGains, simulateMosaic } from '../../main/darkness/simulate.ts';
import { photoOf, waves, writePhotos } from '../training/photos/made-photos.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';
import { refusalOf } from '../training/refusal-of.ts';

/** Mean and variance of each site's samples above black, DN. */
function siteStatistics(mosaic: Mosaic) {
  return [0, 1, 2, 3].map((site) => {
    const values: number[] = [];
    for (let y = site >> 1; y < mosaic.height; y += 2) {
      for (let x = site & 1; x < mosaic.width; x += 2) {
        values.push(mosaic.samples[y * mosaic.width + x]! - mosaic.blackLevel[site]!);
      }
    }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, variance: squares / values.length };
  });
}

const decoded = async (file: string): Promise<Mosaic> => {
  const raw = await decodeRaw(file);
  if (raw.kind !== 'mosaic') throw new Error(`expected a mosaic in ${file}`);
  return raw.mosaic;
};

describe('a simulated mosaic', () => {
  const flat = photoOf('flat', [256, 256], (_x, _y, channel) => [0.5, 0.4, 0.2][channel]!);

  it.each(['sony-a7s2', 'nikon-d850-bggr'])(
    'of %s has the light and the noise asked for',
    (camera) => {
      const ratio = 100;
      const { mosaic, truth, darkness } = simulateMosaic(flat, {
        camera,
        iso: 1600,
        ratio,
        random: new Random(1),
      });
      const range = mosaic.whiteLevel - mosaic.blackLevel[0];
      const profile = simulateMosaic(flat, {
        camera,
        iso: 1600,
        ratio,
        random: new Random(1),
        withNoiseProfile: true,
      }).mosaic.noiseProfile;
      siteStatistics(mosaic).forEach(({ mean, variance }, site) => {
        const channel = 'RGB'.indexOf(siteColours(mosaic.cfa)[site]!);
        const light = truth.samples[channel]! / mosaic.colour.asShotGains[channel]! / ratio;
        const expected = light * range + darkness.biasDn[site]!;
        // 16,384 samples: the mean is known to σ / 128, the row offsets to their σ / √128.
        const error = 4 * (Math.sqrt(variance) / 128 + darkness.rowSigmaDn / Math.sqrt(128));
        expect(Math.abs(mean - expected)).toBeLessThan(error);
        const stated = (profile!.slope * light + profile!.offset) * range ** 2;
        expect(variance / stated).toBeGreaterThan(0.9);
        expect(variance / stated).toBeLessThan(1.1);
      });
    },
  );

  it('depends on the seed alone', () => {
    const make = (seed: number): Mosaic =>
      simulateMosaic(flat, { camera: 'sony-a7s2', iso: 6400, ratio: 250, random: new Random(seed) })
        .mosaic;
    expect(make(3).samples).toEqual(make(3).samples);
    expect(make(3).samples).not.toEqual(make(4).samples);
  });

  it('shows white as white: daylight gains make a grey photo grey', () => {
    const grey = photoOf('grey', [64, 64], () => 0.5);
    for (const { id } of simulatedCameras) {
      const { truth, mosaic } = simulateMosaic(grey, {
        camera: id,
        iso: 800,
        ratio: 1,
        random: new Random(1),
      });
      for (let channel = 0; channel < 3; channel++)
        expect(truth.samples[channel]).toBeCloseTo(0.5, 3);
      expect(mosaic.colour.asShotGains).toEqual(daylightGains(simulatedCamera(id)));
      expect(mosaic.colour.asShotGains.every((gain) => gain > 0.8 && gain < 4)).toBe(true);
    }
  });

  it('keeps the colours of a photo from a RAW file, and takes a part of it', () => {
    const raw = photoOf('raw', [80, 70], waves, 'camera');
    const area = { left: 11, top: 7, width: 48, height: 40 };
    const { truth, mosaic } = simulateMosaic(raw, {
      camera: 'sony-a7s2',
      iso: 100,
      ratio: 1,
      random: new Random(1),
      area,
      whiteBalance: [2, 1, 3],
    });
    expect([truth.width, truth.height, mosaic.width, mosaic.height]).toEqual([48, 40, 48, 40]);
    for (const [x, y] of [
      [0, 0],
      [47, 39],
      [20, 3],
    ] as const) {
      for (let channel = 0; channel < 3; channel++) {
        const value = truth.samples[(y * 48 + x) * 3 + channel]!;
        expect(value).toBeCloseTo(waves(x + 11, y + 7, channel), 3);
      }
    }
    expect(mosaic.colour.asShotGains).toEqual([2, 1, 3]);
  });

  it.each([0, -1, Number.NaN, 0.5, Number.POSITIVE_INFINITY])(
    'is refused at a ratio of %d',
    async (ratio) => {
      const work = (): unknown =>
        simulateMosaic(flat, { camera: 'sony-a7s2', iso: 1600, ratio, random: new Random(1) });
      expect((await refusalOf(work)).code).toBe('bad-argument');
    },
  );
});

describe('nightglass simulate', () => {
  let folder = '';
  let clean = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-simulate-'));
    await writePhotos(folder, 1, 97);
    clean = path.join(folder, 'made-0.png');
    await writeFile(path.join(folder, 'broken.png'), 'no picture');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('writes a DNG that decodes to the very mosaic, beside its truth', async () => {
    const out = path.join(folder, 'dark.dng');
    const truthFile = path.join(folder, 'truth.dng');
    const run = await nightglass([
      'simulate', clean, '--ratio', '40', '--camera', 'nikon-d850-bggr', '--iso', '3200', '--seed', '9',
      '--out', out, '--truth', truthFile, '--noise-profile', '--json',
    ]); // prettier-ignore
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(eventsOf(run.stdout)).toMatchObject([
      { event: 'result', width: 97, height: 97, ratio: 40 },
    ]);

    const { mosaic, truth } = simulateMosaic(await loadLinearPhoto(clean), {
      camera: 'nikon-d850-bggr',
      iso: 3200,
      ratio: 40,
      random: new Random(9),
      withNoiseProfile: true,
    });
    const back = await decoded(out);
    expect(back.samples).toEqual(mosaic.samples);
    expect(back).toMatchObject({
      width: 97,
      height: 97,
      cfa: 'BGGR',
      blackLevel: [400, 400, 400, 400],
      whiteLevel: 15_520,
      orientation: 1,
      shot: { make: 'NIKON CORPORATION', model: 'NIKON D850', iso: 3200, exposureSeconds: 0.25 },
    });
    mosaic.colour.asShotGains.forEach((gain, at) => {
      expect(back.colour.asShotGains[at]! / gain).toBeCloseTo(1, 5);
    });
    mosaic.colour.xyzToCamera.forEach((value, at) => {
      expect(back.colour.xyzToCamera[at]).toBeCloseTo(value, 6);
    });
    expect(back.noiseProfile!.slope / mosaic.noiseProfile!.slope).toBeCloseTo(1, 5);

    const raw = await decodeRaw(truthFile);
    if (raw.kind !== 'linear') throw new Error('expected a linear DNG');
    const scale = 2 ** raw.frame.baselineExposureStops;
    const worst = raw.frame.samples.reduce(
      (most, value, at) => Math.max(most, Math.abs(value * scale - truth.samples[at]!)),
      0,
    );
    expect(worst).toBeLessThan(1e-4);
    expect(raw.frame.shot.exposureSeconds).toBe(10);
  });

  it('is what info then describes', async () => {
    const out = path.join(folder, 'for-info.dng');
    const made = await nightglass([
      'simulate', clean, '--ratio', '100', '--camera', 'sony-a7s2', '--iso', '1600', '--out', out,
      '--kelvin', '3000',
    ]); // prettier-ignore
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toContain('simulated darkness');
    const text = await nightglass(['info', out]);
    expect(text).toMatchObject({ status: 0, stderr: '' });
    for (const fact of [
      'ILCE-7SM2',
      'ISO 1600',
      '1/10 s',
      '97 × 97',
      'RGGB',
      '512',
      '16383',
      '3000 K',
    ]) {
      expect(text.stdout).toContain(fact);
    }
    const json = await nightglass(['info', out, '--json']);
    const [facts] = eventsOf(json.stdout);
    expect(facts).toMatchObject({
      content: 'mosaic',
      cfa: 'RGGB',
      blackLevel: [512, 512, 512, 512],
      whiteLevel: 16_383,
      shot: { iso: 1600, exposureSeconds: 0.1 },
      noise: { source: 'table' },
    });
    expect(facts?.['autoRatio']).toBeGreaterThan(20);
    expect(facts?.['autoRatio']).toBeLessThan(100);
  });

  const good = { ratio: '100', camera: 'sony-a7s2', iso: '1600', out: '@/refused.dng' };
  const cases: [string, string, Partial<typeof good>, number, string][] = [
    ['a ratio of 0', 'made-0.png', { ratio: '0' }, 2, '--ratio'],
    ['a ratio that is no number', 'made-0.png', { ratio: 'NaN' }, 2, '--ratio'],
    ['an unknown camera', 'made-0.png', { camera: 'leica' }, 2, 'sony-a7s2'],
    ['an ISO without calibration', 'made-0.png', { iso: '9000000' }, 2, '9000000'],
    ['a name that is no DNG', 'made-0.png', { out: '@/refused.jpg' }, 2, 'refused.jpg'],
    ['to overwrite the photo', 'dark.dng', { out: '@/dark.dng' }, 2, 'dark.dng'],
    ['a photo that is none', 'broken.png', {}, 1, 'broken.png'],
    ['a photo that is not there', 'nowhere.png', {}, 1, 'nowhere.png'],
  ];
  it.each(cases)('refuses %s', async (_, photo, wrong, status, message) => {
    const before = (await readdir(folder)).sort();
    const options = Object.entries({ ...good, ...wrong }).flatMap(([name, value]) => [
      `--${name}`,
      value.replace('@', folder),
    ]);
    const refused = await nightglass(['simulate', path.join(folder, photo), ...options]);
    expect(refused).toMatchObject({ status, stdout: '' });
    expect(refused.stderr).toContain(message);
    expect(refused.stderr).not.toContain('    at ');
    expect((await readdir(folder)).sort()).toEqual(before);
  });

  it('info refuses what is no RAW file', async () => {
    const refused = await nightglass(['info', clean]);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('made-0.png');
    expect((await readFile(clean)).length).toBeGreaterThan(0);
  });
});
