/** A measured camera simulated: its black, noise and levels are in the file, and `simulate` takes its profile. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeRaw } from '../../main/raw/decode.ts';
import { writeCameraProfile } from '../../main/darkness/camera-file.ts';
import { measuredCamera } from '../../main/darkness/measured-camera.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { profileOf } from '../calibration/made-camera.ts';
import { photoOf, writePhotos } from '../training/photos/made-photos.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-measured-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { gain, ...withoutGain } = profileOf().isos[0]!;

it('has the black that was measured, states the camera’s own, and is as noisy', () => {
  expect(gain?.source).toBe('flats');
  const { mosaic } = simulateMosaic(
    photoOf('black', [256, 256], () => 0),
    { camera: measuredCamera(profileOf()), iso: 1600, ratio: 100, random: new Random(1) },
  );
  expect(mosaic.blackLevel).toEqual([512, 512, 512, 512]);
  expect(mosaic.shot).toMatchObject({ make: 'NIGHT', model: 'Owl 1', iso: 1600 });
  [512, 512.25, 511.75, 513].forEach((black, site) => {
    const values: number[] = [];
    for (let y = site >> 1; y < 256; y += 2)
      for (let x = site & 1; x < 256; x += 2) values.push(mosaic.samples[y * 256 + x]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    // σ 4 in 16,384 samples, rows of 0.5 in 128, a drift of 0.05: five standard errors of them all.
    expect(Math.abs(mean - black)).toBeLessThan(5 * Math.hypot(4 / 128, 0.5 / 11.3, 0.05));
    expect(variance / (16 + 0.25 + 1 / 12)).toBeGreaterThan(0.93);
    expect(variance / (16 + 0.25 + 1 / 12)).toBeLessThan(1.07);
  });
});

it('is what simulate --camera takes, within the ISOs that were measured', async () => {
  const profile = path.join(folder, 'owl.json');
  await writeCameraProfile(profile, profileOf());
  await writePhotos(folder, 1, 97);
  const out = path.join(folder, 'dark.dng');
  const simulate = ['simulate', path.join(folder, 'made-0.png'), '--ratio', '100', '--out', out];
  const made = await nightglass([...simulate, '--camera', profile, '--iso', '1600', '--json']);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  expect(eventsOf(made.stdout)[0]).toMatchObject({ camera: 'Owl 1' });
  const raw = await decodeRaw(out);
  expect(raw.kind === 'mosaic' && raw.mosaic.shot.model).toBe('Owl 1');

  const scored = await nightglass([
    'evaluate', path.join(folder, 'made-0.png'), '--camera', profile, '--crop', '64',
  ]); // prettier-ignore
  expect(scored).toMatchObject({ status: 0, stderr: '' });
  expect(scored.stdout).toMatch(/Owl 1 ISO 1600 ×100( +-?\d+\.\d+){8}\n/);
  expect(scored.stdout).toContain('measured camera');
  const own = ['--levels', 'mine:1600:30', '--json'];
  const level = await nightglass([
    'evaluate', path.join(folder, 'made-0.png'), '--camera', profile, '--crop', '64', ...own,
  ]); // prettier-ignore
  expect(eventsOf(level.stdout).at(-2)).toMatchObject({ level: 'mine:1600:30', camera: 'mine' });

  const beyond = await nightglass([...simulate, '--camera', profile, '--iso', '3200']);
  expect(beyond.status).toBe(2);
  expect(beyond.stderr).toContain('1600');
  await writeCameraProfile(profile, profileOf({ isos: [withoutGain] }));
  const blind = await nightglass([...simulate, '--camera', profile, '--iso', '1600']);
  expect(blind.status).toBe(2);
  expect(blind.stderr).toContain('--flat');
});
