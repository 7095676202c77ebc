/** A measured camera's frames: better where the measurement holds, untouched where the frame contradicts it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { camerasFolder } from '../../main/base/app-folder.ts';
import { calibrated, type FrameCalibration } from '../../main/develop/calibrated.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { clippingLevel, normalisation } from '../../main/develop/normalise.ts';
import { calibratedFrame, frameCalibration } from '../../main/calibration/kept.ts';
import type { Mosaic, PerSite } from '../../main/raw/mosaic.ts';
import { Cameras } from '../../main/runs/cameras.ts';
import { loadExposure } from '../../main/training/pairs/load.ts';
import { darkOf, profileOf } from '../calibration/made-camera.ts';
import { madeMosaic, writeFrames, type MadeFrame } from '../calibration/made-frames.ts';
import { calibrate } from '../../main/calibration/calibrate.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';

const size = { width: 384, height: 256 };
const level: PerSite = [512.37, 511.8, 512.05, 513.21];

const calibrationOf = (changes: Partial<FrameCalibration> = {}): FrameCalibration => ({
  ...size,
  black: { level },
  readSigmaDn: 4,
  rowSigmaDn: 0.4,
  gainDnPerElectron: 1.5,
  hotPixels: [],
  ...changes,
});

const frame = (changes: Partial<MadeFrame> = {}): Mosaic =>
  madeMosaic({ blackLevel: level, ...changes });

/** Means above black in thirds from left to right, normalised times 15,871: DN of 14 bits. */
function thirds(mosaic: Mosaic): number[] {
  const { samples, width } = mosaic;
  const { black, scale } = normalisation(mosaic);
  const sums = [0, 0, 0];
  samples.forEach((sample, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    const site = (y & 1) * 2 + (x & 1);
    sums[Math.floor((3 * x) / width)]! += (sample - black[site]!) * scale[site]! * 15_871;
  });
  return sums.map((sum) => sum / (samples.length / 3));
}

describe('black', () => {
  it('is the measured one', () => {
    expect(calibrated(frame(), calibrationOf()).blackLevel).toEqual(level);
  });

  it('follows the frame’s own margins, by what lay between them and the picture', () => {
    const optical: PerSite = [520, 520, 520, 520];
    const warm = { ...frame({ blackLevel: [530, 530, 530, 530] }), opticalBlack: optical };
    const measured = { level, optical: [512, 512, 512, 512] as const };
    const { opticalBlack } = calibrated(warm, calibrationOf({ black: measured }));
    [520.37, 519.8, 520.05, 521.21].forEach((black, site) => {
      expect(opticalBlack![site]).toBeCloseTo(black, 10);
    });
    // Margins that were not measured leave nothing to go by.
    expect(calibrated(warm, calibrationOf())).toBe(warm);
  });

  it('is left alone where the frame lies below it', () => {
    const cold = frame({ blackLevel: [510, 510, 510, 510] });
    expect(calibrated(cold, calibrationOf())).toBe(cold);
  });

  it('holds in a lit frame too', () => {
    const lit = frame({ lightDn: 300 });
    expect(calibrated(lit, calibrationOf()).blackLevel).toEqual(level);
  });
});

describe('shading', () => {
  // Three cells of −3, 0 and 3 DN.
  const shading = { columns: 3, rows: 1, sites: [0, 1, 2, 3].map(() => [-3, 0, 3]) };
  const calibration = calibrationOf({ black: { level, shading } });
  const shaded = (changes: Partial<MadeFrame> = {}): Mosaic =>
    frame({
      ...changes,
      spoil: (samples, width) => {
        for (let at = 0; at < samples.length; at++) {
          const place = (((at % width) + 0.5) / width) * 3 - 0.5;
          const dn = 3 * (Math.max(0, Math.min(2, place)) - 1);
          // Fractions by turns, so that rounding has a mean.
          samples[at] = Math.min(16_383, samples[at]! + Math.floor(dn + ((at * 0.618) % 1)));
        }
      },
    });

  it('is taken off in fractions', () => {
    const before = thirds({ ...shaded(), blackLevel: level });
    expect(before[2]! - before[0]!).toBeGreaterThan(4);
    const after = calibrated(shaded(), calibration);
    for (const mean of thirds(after)) expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(after.whiteLevel).toBe(4 * 16_383);
  });

  it('leaves white white', () => {
    const mosaic = shaded({ lightDn: 40_000 });
    const { samples, whiteLevel } = calibrated(mosaic, calibration);
    mosaic.samples.forEach((sample, at) => {
      if (sample === 16_383) expect(samples[at]).toBe(whiteLevel);
    });
  });

  it('stays where this frame has none of it, and black is corrected all the same', () => {
    const other = frame();
    const result = calibrated(other, calibration);
    expect(result.samples).toBe(other.samples);
    expect(result.blackLevel).toEqual(level);
  });

  it('stays in frames of another size', () => {
    const small = frame({ width: 256 });
    expect(calibrated(small, calibration).samples).toBe(small.samples);
  });
});

describe('hot pixels', () => {
  const hotPixels = [100, 50, 201, 121, 383, 255];
  const at = (index: number): number => hotPixels[2 * index + 1]! * 384 + hotPixels[2 * index]!;
  const hot = (changes: Partial<MadeFrame> = {}): Mosaic =>
    frame({
      ...changes,
      spoil: (samples) => {
        for (const index of [0, 1, 2]) samples[at(index)] = samples[at(index)]! + 300;
        // Not listed: it is not ours to judge.
        samples[7777] = samples[7777]! + 300;
      },
    });

  it('are mended where they stand out, also at the corner', () => {
    const mosaic = hot();
    const before = mosaic.samples.slice();
    const { samples } = calibrated(mosaic, calibrationOf({ hotPixels }));
    for (const index of [0, 1, 2]) expect(Math.abs(samples[at(index)]! - 512)).toBeLessThan(12);
    expect(samples[7777]).toBe(before[7777]);
    expect(mosaic.samples).toEqual(before);
  });

  it('are left alone where they are not hot, where light is as bright, and in other sizes', () => {
    for (const mosaic of [frame(), hot({ lightDn: 9000 }), hot({ width: 400 })]) {
      const { samples } = calibrated(mosaic, calibrationOf({ hotPixels }));
      expect(samples).toBe(mosaic.samples);
    }
  });

  it('that are the edge of a lamp are left alone', () => {
    const lamp = frame({
      spoil: (samples, width) => {
        for (let y = 40; y < 60; y++) for (let x = 100; x < 140; x++) samples[y * width + x] = 9000;
      },
    });
    const { samples } = calibrated(lamp, calibrationOf({ hotPixels: [100, 50, 100, 40] }));
    expect(samples).toBe(lamp.samples);
  });
});

describe('what of a profile holds for a frame', () => {
  const profile = profileOf({ ...size });
  const holds = (shot: Mosaic['shot'], changes: Partial<Mosaic> = {}) =>
    frameCalibration(profile, { ...frame(), ...changes, shot });

  it('all of it at its ISO and exposure', () => {
    const calibration = holds({ iso: 1600, exposureSeconds: 1 / 30 });
    expect(calibration).toMatchObject({ readSigmaDn: 4, gainDnPerElectron: 2 });
    expect(calibration?.black?.level).toEqual([512, 512.25, 511.75, 513]);
    // Shading of 0 is none.
    expect(calibration?.black?.shading).toBeUndefined();
    const { slope = 0, offset = 0 } = calibration?.noise ?? {};
    const range = 16_383 - 512.25;
    expect(slope).toBeCloseTo(2 / range, 12);
    expect(offset).toBeCloseTo((16 + 0.25 + 1 / 12) / range ** 2, 12);
  });

  it('no black after a long exposure, nothing at another ISO, CFA or scale of numbers', () => {
    const long = holds({ iso: 1600, exposureSeconds: 30 });
    expect(long?.noise).toBeDefined();
    expect(long?.black).toBeUndefined();
    expect(holds({ iso: 1600 })?.black).toBeUndefined();
    expect(holds({ iso: 6400, exposureSeconds: 1 })).toBeUndefined();
    expect(holds({ iso: 800, exposureSeconds: 1 })).toBeUndefined();
    expect(holds({ exposureSeconds: 1 })).toBeUndefined();
    expect(holds({ iso: 1600 }, { cfa: 'BGGR' })).toBeUndefined();
    expect(holds({ iso: 1600 }, { whiteLevel: 4095 })).toBeUndefined();
  });

  it('no black that was clipped, or of too few frames', () => {
    for (const dark of [darkOf({ clippedShare: 0.4 }), darkOf({ frames: 2 })]) {
      const isos = [{ ...profile.isos[0]!, dark: [dark] }];
      const shot = { iso: 1600, exposureSeconds: 1 };
      expect(frameCalibration({ ...profile, isos }, { ...frame(), shot })?.black).toBeUndefined();
    }
  });
});

describe('a camera that the user measured', () => {
  let folder = '';
  const before = process.env['NIGHTGLASS_DATA'];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-cameras-'));
    process.env['NIGHTGLASS_DATA'] = path.join(folder, 'data');
  });
  afterAll(async () => {
    if (before === undefined) delete process.env['NIGHTGLASS_DATA'];
    else process.env['NIGHTGLASS_DATA'] = before;
    await rm(folder, { recursive: true, force: true });
  });

  it('is measured, kept, and its photos come out as black as they were', async () => {
    const photo = { blackLevel: level, seed: 9 };
    const night = madeMosaic(photo);
    expect(await calibratedFrame(night)).toBe(night);
    const dark = writeFrames(folder, 'dark', 4, { blackLevel: level });
    const flat = writeFrames(folder, 'flat', 2, { blackLevel: level, lightDn: 6000, seed: 2 });
    const profile = await calibrate({ dark, flat });
    const cameras = new Cameras(camerasFolder());
    // The latest counts.
    const loud = darkOf({ readSigmaDn: { value: 9, error: 0 } });
    const isos = [{ ...profileOf().isos[0]!, dark: [loud] }];
    await cameras.add(profileOf({ isos, measuredAt: '2000-01-01T00:00:00.000Z' }));
    await cameras.add(profile);

    const mosaic = await calibratedFrame(night);
    mosaic.blackLevel.forEach((black, site) => {
      expect(Math.abs(black - level[site]!)).toBeLessThan(0.1);
    });
    const { profile: noise, source } = frameNoise(mosaic);
    expect(source).toBe('camera');
    const slopeDn = (noise.slope * 15_871) / clippingLevel(mosaic);
    expect(slopeDn / 1.5).toBeGreaterThan(0.95);
    expect(slopeDn / 1.5).toBeLessThan(1.05);
    // Pairs are trained on and scored as photos are developed.
    const [file = ''] = writeFrames(folder, 'night', 1, photo);
    const loaded = await loadExposure(file, undefined);
    expect(loaded.blackLevel).toEqual(mosaic.blackLevel);
    expect(frameNoise(loaded).source).toBe('camera');
    // Another camera's photos are not touched; nor are this one's that were denoised.
    const bat = madeMosaic({ ...photo, model: 'Bat 2' });
    expect(await calibratedFrame(bat)).toBe(bat);
    const smooth = await calibratedFrame(madeMosaic({ ...photo, readSigmaDn: 1, rowSigmaDn: 0.1 }));
    expect(frameNoise(smooth).source).not.toBe('camera');

    const info = await nightglass(['info', dark[0]!, '--json']);
    expect(eventsOf(info.stdout)[0]).toMatchObject({ noise: { source: 'camera' } });

    await rm(camerasFolder(), { recursive: true });
    expect(await calibratedFrame(night)).toBe(night);
  });

  it('is kept by calibrate --keep', async () => {
    const dark = writeFrames(folder, 'kept', 2, { model: 'Bat 2' });
    const out = path.join(folder, 'bat.json');
    const kept = await nightglass(['calibrate', '--dark', ...dark, '--out', out, '--keep']);
    expect(kept).toMatchObject({ status: 0, stderr: '' });
    expect(kept.stdout).toContain('from now on');
    const cameras = await new Cameras(camerasFolder()).list();
    expect(cameras.map(({ camera }) => camera)).toEqual(['NIGHT Bat 2']);
  });
});
