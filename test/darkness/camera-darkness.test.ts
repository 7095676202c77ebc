/** Training in one measured camera's darkness: what is drawn, what patches hold, and `train --camera`. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cameraDarkness } from '../../main/darkness/camera-darkness.ts';
import { writeCameraProfile } from '../../main/darkness/camera-file.ts';
import { cameraNoiseAt } from '../../main/darkness/camera-noise.ts';
import { makeBatch, PatchMaker, poolOf } from '../../main/training/photos/patches.ts';
import { Random } from '../../main/darkness/random.ts';
import { tukeyStandardDeviation } from '../../main/darkness/tukey.ts';
import { darkOf, profileOf } from '../calibration/made-camera.ts';
import { photoOf, waves, writePhotos } from '../training/photos/made-photos.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';

const figure = (value: number, error = 0) => ({ value, error });
const [first] = profileOf().isos;

/** ISO 400 to 6400: K 0.5 to 8, read noise 2 to 8, λ 0.1 to −0.1; ISO 6400 has 10 s too. */
const wide = profileOf({
  isos: [
    {
      ...first!,
      iso: 400,
      dark: [darkOf({ readSigmaDn: figure(2), tukeyLambda: figure(0.1) })],
      gain: { gainDnPerElectron: figure(0.5), source: 'flats' },
    },
    {
      ...first!,
      iso: 6400,
      dark: [
        darkOf({ readSigmaDn: figure(8), tukeyLambda: figure(-0.1) }),
        darkOf({ exposureSeconds: 10, readSigmaDn: figure(9), tukeyLambda: figure(-0.1) }),
      ],
      gain: { gainDnPerElectron: figure(8), source: 'flats' },
    },
  ],
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('noise between measured ISOs', () => {
  it('is interpolated by their logarithm', () => {
    const { gainDnPerElectron, readSigmaDn, tukeyLambda, blackLevel } = cameraNoiseAt(wide, 1600);
    expect(gainDnPerElectron!.value).toBeCloseTo(2, 10);
    expect(readSigmaDn.value).toBeCloseTo(4, 10);
    expect(tukeyLambda.value).toBeCloseTo(0, 10);
    expect(blackLevel).toEqual([512, 512.25, 511.75, 513]);
  });

  it('stays with the last beyond them, the gain in proportion, and takes the nearest exposure', () => {
    expect(cameraNoiseAt(wide, 100).readSigmaDn.value).toBe(2);
    expect(cameraNoiseAt(wide, 100).gainDnPerElectron!.value).toBeCloseTo(0.125, 10);
    expect(cameraNoiseAt(wide, 12_800).readSigmaDn.value).toBe(8);
    expect(cameraNoiseAt(wide, 12_800).gainDnPerElectron!.value).toBeCloseTo(16, 10);
    expect(cameraNoiseAt(wide, 6400, 20).readSigmaDn.value).toBe(9);
    expect(cameraNoiseAt(wide, 6400, 2).readSigmaDn.value).toBe(8);
    expect(cameraNoiseAt(wide, 400, 20).readSigmaDn.value).toBe(2);
  });
});

describe('what is drawn', () => {
  const draw = cameraDarkness(profileOf());
  const draws = Array.from({ length: 2000 }, (_, index) => draw(new Random(3, index)));

  it('lies around what was measured, and no wider than is said', () => {
    const reads = draws.map(({ parameters: { tukeyScaleDn, tukeyLambda } }) =>
      Math.log(tukeyScaleDn * tukeyStandardDeviation(tukeyLambda)),
    );
    const gains = draws.map(({ parameters }) => Math.log(parameters.gainDnPerElectron));
    const spread = (values: readonly number[]): number => {
      const middle = mean(values);
      return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
    };
    expect(mean(reads)).toBeCloseTo(Math.log(4), 2);
    expect(spread(reads)).toBeCloseTo(0.07, 2);
    expect(mean(gains)).toBeCloseTo(Math.log(2), 2);
    expect(spread(gains)).toBeCloseTo(0.03, 2);
    expect(mean(draws.map(({ parameters }) => parameters.tukeyLambda))).toBeCloseTo(0, 2);
    const bias = draws.flatMap(({ parameters }) => [...parameters.biasDn]);
    // 0.015 of the read noise is more than the measured drift.
    expect(spread(bias)).toBeGreaterThan(0.05);
    expect(spread(bias)).toBeLessThan(0.07);
  });

  it('has the levels of the camera, from RGGB on', () => {
    const shifted = cameraDarkness(profileOf({ cfa: 'BGGR' }))(new Random(1));
    expect(draws[0]!.parameters.blackLevel).toEqual([512, 512.25, 511.75, 513]);
    expect(shifted.parameters.blackLevel).toEqual([513, 511.75, 512.25, 512]);
    expect(shifted.parameters.whiteLevel).toBe(16_383);
  });

  it('asks for a ratio that the slope and the ISO give', () => {
    for (const { ratio, parameters } of draws) {
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(ratio).toBeLessThanOrEqual(300);
      const slope = (parameters.gainDnPerElectron * ratio) / 15_871;
      expect(slope).toBeLessThan(0.71);
    }
    // A camera of many ISOs reaches all slopes but the steepest by a ratio below 300.
    const many = cameraDarkness(wide);
    const limits = Array.from({ length: 2000 }, (_, index) => many(new Random(4, index)).ratio);
    expect(limits.filter((ratio) => ratio >= 300).length).toBeLessThan(1000);
    expect(mean(limits)).toBeGreaterThan(30);
  });

  it('tries every gain that fits the read noise where none was measured', () => {
    const { gain, ...without } = first!;
    expect(gain).toBeDefined();
    const blind = cameraDarkness(profileOf({ isos: [without] }));
    const gains = Array.from(
      { length: 2000 },
      (_, index) => blind(new Random(5, index)).parameters.gainDnPerElectron,
    );
    expect(Math.min(...gains)).toBeLessThan(1.1);
    expect(Math.max(...gains)).toBeGreaterThan(8);
  });

  it('leaves shading and hot pixels in for half of the patches', () => {
    const dark = darkOf({
      shading: { columns: 2, rows: 1, sites: [[-9, 9], [-9, 9], [-9, 9], [-9, 9]], errorDn: 0.01 },
      hot: { share: 0.01, excessDn: [100, 200] },
    }); // prettier-ignore
    const warm = cameraDarkness(profileOf({ isos: [{ ...first!, dark: [dark] }] }));
    const frames = Array.from({ length: 1000 }, (_, index) => warm(new Random(6, index)));
    const hot = frames.filter((frame) => frame.hot !== undefined);
    expect(Math.abs(hot.length - 500)).toBeLessThan(80);
    const shadingOf = (some: typeof frames): number =>
      mean(some.map(({ parameters }) => Math.abs(parameters.biasDn[0])));
    expect(shadingOf(hot)).toBeGreaterThan(3.5);
    expect(shadingOf(frames.filter((frame) => frame.hot === undefined))).toBeLessThan(0.1);

    const pool = poolOf([photoOf('black', [64, 64], () => 0)]);
    const patches = Array.from({ length: 40 }, (_, step) =>
      makeBatch({ pool, seed: 1, step, batch: 1, maker: new PatchMaker(16, warm) }),
    );
    // 100 DN and more are far beyond the noise of 4 DN; clamped to 4 where the ratio is high.
    const bright = patches.map(({ input }) => input.filter((value) => value > 0.1).length);
    expect(bright.filter((count) => count > 2).length).toBeGreaterThan(5);
  });

  it('follows from seed, step and index alone', () => {
    const pool = poolOf([photoOf('waves', [96, 96], waves)]);
    const batchOf = (step: number) =>
      makeBatch({ pool, seed: 1, step, batch: 2, maker: new PatchMaker(16, cameraDarkness(wide)) });
    batchOf(1);
    expect(batchOf(7)).toEqual(batchOf(7));
    expect(batchOf(7).input).not.toEqual(batchOf(8).input);
  });

  it('takes the stated black off each site: without light the mean is 0', () => {
    const pool = poolOf([photoOf('black', [64, 64], () => 0)]);
    const maker = new PatchMaker(32, cameraDarkness(profileOf()));
    const { input } = makeBatch({ pool, seed: 2, step: 0, batch: 16, maker });
    const area = 32 * 32;
    for (let site = 0; site < 4; site++) {
      const values = Array.from({ length: 16 }, (_, patch) =>
        Array.from(input.subarray((patch * 4 + site) * area, (patch * 4 + site + 1) * area)),
      ).flat();
      const sigma = Math.sqrt(mean(values.map((value) => value ** 2)));
      // A black of 512 for all would leave the last site a quarter of σ too bright.
      expect(Math.abs(mean(values)) / sigma).toBeLessThan(0.06);
    }
  });
});

describe('nightglass train --camera', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-train-camera-'));
    await writePhotos(path.join(folder, 'photos'), 1, 160);
    await writeCameraProfile(path.join(folder, 'owl.json'), wide);
    await writeCameraProfile(path.join(folder, 'other.json'), profileOf({ name: 'Bat 2' }));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says whose noise it learns, goes on with the same, and not with another', async () => {
    const at = (name: string): string => path.join(folder, name);
    const sizes = ['--base', '4', '--batch', '1', '--patch', '32', '--threads', '1', '--json'];
    const train = ['train', '--photos', at('photos'), '--out', at('run'), ...sizes];
    const whole = await nightglass([...train, '--steps', '2', '--camera', at('owl.json')]);
    expect(whole).toMatchObject({ status: 0, stderr: '' });
    expect(eventsOf(whole.stdout)[0]!['dataset']).toContain('in the noise of Owl 1');
    const card = await readFile(at('run/trained-model.md'), 'utf8');
    expect(card).toContain('in the noise of Owl 1');

    const resume = ['train', '--out', at('run'), '--resume', '--steps', '3', '--json'];
    const other = await nightglass([...resume, '--camera', at('other.json')]);
    expect(other.status).toBe(1);
    expect(other.stderr).toContain('in the noise of Owl 1');
    expect(await nightglass(resume)).toMatchObject({ status: 0, stderr: '' });

    const missing = await nightglass([...train, '--out', at('no'), '--camera', at('no.json')]);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('no.json');
    const wrong = await nightglass([...train, '--out', at('no'), '--camera', at('run/run.json')]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('camera profile');
  });
});
