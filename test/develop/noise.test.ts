/** The noise of a frame: what it is measured as, and which source is believed. */

import { describe, expect, test } from 'vitest';
import { estimateNoise, frameNoise, varianceAt } from '../../main/develop/noise.ts';
import { calibratedNoise, typicalNoise } from '../../main/raw/noise-table.ts';
import type { Mosaic, NoiseProfile } from '../../main/raw/mosaic.ts';
import { Random } from '../../main/darkness/random.ts';
import { darknessOf, simulatedCamera } from '../../main/darkness/cameras.ts';
import { tukeyStandardDeviation } from '../../main/darkness/tukey.ts';
import { expose, mosaicOf, patches, street } from './scenes.ts';

const daylight = [2.2, 1, 1.6] as const;

function sigmaAt(profile: NoiseProfile, x: number): number {
  return Math.sqrt(varianceAt(profile, x));
}

/** What `darken` really adds, without the row noise that the diagonal band cannot see. */
function truth(camera: string, iso: number): NoiseProfile {
  const { blackLevel, whiteLevel } = simulatedCamera(camera);
  const range = whiteLevel - blackLevel;
  const d = darknessOf(simulatedCamera(camera), iso, new Random(1, iso));
  const read = d.tukeyScaleDn * tukeyStandardDeviation(d.tukeyLambda);
  return { slope: d.gainDnPerElectron / range, offset: (read * read + 1 / 12) / range ** 2 };
}

describe('the blind estimate', () => {
  test.each([
    ['sony-a7s2', 1600, 100, 0.08],
    ['sony-a7s2', 6400, 100, 0.05],
    ['sony-a7s2', 25_600, 300, 0.12],
    ['sony-a7s2', 25_600, 20, 0.05],
    ['canon-5d4', 6400, 50, 0.1],
    // Tails as heavy as these (λ = −0.26) are half of its σ, and a quartile does not see them.
    ['nikon-d850-bggr', 3200, 250, 0.22],
  ])('of a %s at ISO %i, darkened ×%i', (camera, iso, ratio, tolerance) => {
    const mosaic = expose(street, 700, 500, { camera, iso, ratio, gains: daylight });
    const estimate = estimateNoise(mosaic);
    const expected = truth(camera, iso);
    const level = estimate?.level ?? Number.NaN;
    expect(
      Math.abs(sigmaAt(estimate?.profile ?? expected, level) / sigmaAt(expected, level) - 1),
    ).toBeLessThan(tolerance);
    expect(estimate?.purity).toBeLessThan(1.06);
  });

  test('finds the slope too where there are levels to see it by', () => {
    const mosaic = expose(patches, 960, 800, {
      camera: 'sony-a7s2',
      iso: 6400,
      ratio: 1,
      gains: [1, 1, 1],
    });
    const estimate = estimateNoise(mosaic);
    expect((estimate?.profile.slope ?? 0) / truth('sony-a7s2', 6400).slope).toBeGreaterThan(0.9);
    expect((estimate?.profile.slope ?? 0) / truth('sony-a7s2', 6400).slope).toBeLessThan(1.1);
  });

  test('does not see row noise, steps or offsets of a site', () => {
    const random = new Random(2);
    const width = 400;
    const samples = new Uint16Array(width * 300);
    for (let y = 0; y < 300; y++) {
      const row = 40 * random.gaussian();
      for (let x = 0; x < width; x++) {
        samples[y * width + x] = 1000 + row + 8 * random.gaussian() + (y % 2) * 30 + (x % 2) * 20;
      }
    }
    const estimate = estimateNoise(mosaicOf(width, 300, samples));
    expect(
      16_383 * sigmaAt(estimate?.profile ?? typicalNoise(), estimate?.level ?? 0),
    ).toBeGreaterThan(7.7);
    expect(
      16_383 * sigmaAt(estimate?.profile ?? typicalNoise(), estimate?.level ?? 0),
    ).toBeLessThan(8.3);
  });

  test('counts in the steps of a file whose numbers come in sixteens', () => {
    const random = new Random(3);
    const samples = Uint16Array.from(
      { length: 400 * 300 },
      () => 16 * Math.round(60 + 1.2 * random.gaussian()),
    );
    const estimate = estimateNoise(mosaicOf(400, 300, samples));
    const sigma = 16_383 * sigmaAt(estimate?.profile ?? typicalNoise(), estimate?.level ?? 0);
    expect(sigma / Math.hypot(16 * 1.2, 16 / Math.sqrt(12))).toBeGreaterThan(0.95);
    expect(sigma / Math.hypot(16 * 1.2, 16 / Math.sqrt(12))).toBeLessThan(1.05);
  });

  test.each([
    ['flat', () => 700],
    ['one pixel', () => 700],
    ['rounded away', (random: Random) => Math.round(700.2 + 0.15 * random.gaussian())],
    ['cut at zero', (random: Random) => Math.max(0, Math.round(5 * random.gaussian()))],
    ['white', () => 16_383],
  ])('says nothing of a frame that is %s', (name, sample) => {
    const random = new Random(4);
    const [width, height] = name === 'one pixel' ? [1, 1] : [300, 200];
    const samples = Uint16Array.from({ length: width * height }, () => sample(random));
    expect(estimateNoise(mosaicOf(width, height, samples))).toBeUndefined();
  });
});

describe('the source', () => {
  const dark = expose(street, 500, 400, {
    camera: 'sony-a7s2',
    iso: 3200,
    ratio: 60,
    gains: daylight,
  });
  const scaled = (mosaic: Mosaic, factor: number): Mosaic => ({
    ...mosaic,
    samples: mosaic.samples.map((sample) => Math.max(0, Math.round(512 + (sample - 512) * factor))),
  });

  test("the file's own profile counts first", () => {
    const noiseProfile = { slope: 1e-4, offset: 1e-7 };
    expect(frameNoise({ ...dark, noiseProfile })).toMatchObject({
      profile: noiseProfile,
      source: 'dng',
    });
  });

  test('but not one that is no profile', () => {
    expect(frameNoise({ ...dark, noiseProfile: { slope: -1e-4, offset: 1e-7 } }).source).toBe(
      'table',
    );
    expect(frameNoise({ ...dark, noiseProfile: { slope: Number.NaN, offset: 0 } }).source).toBe(
      'table',
    );
    expect(frameNoise({ ...dark, noiseProfile: { slope: 0, offset: 0 } }).source).toBe('table');
  });

  test('then the calibration of the camera, which is near the truth', () => {
    const { profile, source } = frameNoise(dark);
    expect(source).toBe('table');
    expect(profile.slope / truth('sony-a7s2', 3200).slope).toBeCloseTo(1, 2);
    expect(Math.abs(sigmaAt(profile, 0) / sigmaAt(truth('sony-a7s2', 3200), 0) - 1)).toBeLessThan(
      0.05,
    );
  });

  test('which yields to the frame where its ISO was pushed', () => {
    const { profile, source } = frameNoise(scaled(dark, 4));
    expect(source).toBe('estimate');
    const ratio =
      sigmaAt(profile, 0.003) / Math.sqrt(16 * varianceAt(truth('sony-a7s2', 3200), 0.003 / 4));
    expect(Math.abs(ratio - 1)).toBeLessThan(0.15);
    expect(frameNoise(scaled(dark, 0.4)).source).toBe('estimate');
  });

  test('but not to fine texture', () => {
    const random = new Random(9);
    const leaves: readonly number[] = Array.from({ length: 4096 }, () =>
      random.logUniform(0.02, 1),
    );
    const forest = expose(
      (x, y) => {
        const light = leaves[((x >> 1) * 31 + (y >> 1) * 97) % 4096]!;
        return [light, light, light];
      },
      500,
      400,
      { camera: 'sony-a7s2', iso: 100, ratio: 1.5, gains: daylight },
    );
    const estimate = estimateNoise(forest);
    expect(sigmaAt(estimate?.profile ?? typicalNoise(), 0.2)).toBeGreaterThan(
      3 * sigmaAt(truth('sony-a7s2', 100), 0.2),
    );
    expect(frameNoise(forest).source).toBe('table');
  });

  test('the estimate, for a camera that nobody calibrated', () => {
    const { profile, source } = frameNoise({
      ...dark,
      shot: { make: 'Acme', model: 'X1', iso: 3200 },
    });
    expect(source).toBe('estimate');
    expect(
      Math.abs(sigmaAt(profile, 0.003) / sigmaAt(truth('sony-a7s2', 3200), 0.003) - 1),
    ).toBeLessThan(0.1);
  });

  test('and what is usual where the frame says nothing, or less than any sensor could', () => {
    const flat = mosaicOf(300, 200, new Uint16Array(60_000).fill(700));
    expect(frameNoise(flat)).toEqual({
      profile: typicalNoise(1600),
      source: 'fallback',
      ceiling: typicalNoise(1600),
    });
    const random = new Random(5);
    const smoothed = mosaicOf(
      300,
      200,
      Uint16Array.from({ length: 60_000 }, () => 700 + random.gaussian()),
    );
    expect(frameNoise({ ...smoothed, shot: { iso: 6400 } })).toMatchObject({
      profile: typicalNoise(6400),
      source: 'fallback',
    });
  });

  test('has a ceiling as high as a frame that is noisier than its file says', () => {
    const stated = { slope: 1e-5, offset: 1e-8 };
    const { profile, ceiling } = frameNoise({ ...dark, noiseProfile: stated });
    expect(profile).toEqual(stated);
    for (const level of [0.001, 0.003, 0.01]) {
      const ratio = sigmaAt(ceiling, level) / sigmaAt(truth('sony-a7s2', 3200), level);
      expect(ratio).toBeGreaterThan(0.95);
      expect(ratio).toBeLessThan(1.25);
    }
  });
});

describe('calibrations', () => {
  test.each([
    ['SONY', 'ILCE-7SM2', 1600, 1.5301, 6.299, 15_871],
    ['Sony', 'A7S II', 25_600, 24.48, 25.85, 15_871],
    ['NIKON CORPORATION', 'NIKON D850', 800, 3.32, 4.37, 15_120],
    ['Nikon', 'D850', 800, 3.32, 4.37, 15_120],
    ['Canon', 'Canon EOS 700D', 400, 1.79, 11.7, 13_312],
  ])('%s %s at ISO %i', (make, model, iso, gainDn, readDn, range) => {
    const profile = calibratedNoise({ make, model, iso });
    expect((profile?.slope ?? 0) * range).toBeCloseTo(gainDn, 1);
    expect(Math.sqrt(profile?.offset ?? 0) * range).toBeCloseTo(readDn, 0.5);
  });

  test('are between their rows, and beyond them, what the ISO says', () => {
    const read = (iso: number): number =>
      Math.sqrt(calibratedNoise({ make: 'SONY', model: 'ILCE-7SM2', iso })?.offset ?? 0);
    expect(read(4525)).toBeGreaterThan(read(3200));
    expect(read(4525)).toBeLessThan(read(6400));
    expect(read(102_400) / read(25_600)).toBeGreaterThan(3);
    expect(read(50) / read(100)).toBeCloseTo(0.5, 5);
  });

  test('of a like-named camera are not taken', () => {
    expect(
      calibratedNoise({ make: 'Canon', model: 'Canon EOS 5D Mark III', iso: 1600 }),
    ).toBeUndefined();
    expect(calibratedNoise({ make: 'Sony', model: 'ILCE-7SM3', iso: 1600 })).toBeUndefined();
    expect(calibratedNoise({ make: 'SONY', model: 'ILCE-7SM2' })).toBeUndefined();
  });
});
