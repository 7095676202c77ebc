/** Frames that cannot be calibrated with, and the command. */

import { copyFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PerSite } from '../../main/raw/mosaic.ts';
import { linearDng } from '../../main/raw/linear-dng.ts';
import { calibrate } from '../../main/calibration/calibrate.ts';
import { readCameraProfile } from '../../main/darkness/camera-file.ts';
import { bytesOf } from '../raw/written.ts';
import { madeMosaic, quiet, writeFrames } from './made-frames.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';
import { refusalOf } from '../training/refusal-of.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-calibrate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('frames that will not do', () => {
  it('none', async () => {
    const refusal = await refusalOf(() => calibrate({ dark: [], flat: [] }));
    expect(refusal.code).toBe('dataset');
    expect(refusal.message).toContain('expected dark frames');
  });

  it('one only: measured, with a warning', async () => {
    const profile = await calibrate({ dark: writeFrames(folder, 'one', 1, {}), flat: [] });
    const { value, error } = profile.isos[0]!.dark[0]!.readSigmaDn;
    expect(Math.abs(value - quiet.readSigmaDn)).toBeLessThan(5 * error);
    expect(profile.isos[0]!.dark[0]!.blackDriftDn).toBeUndefined();
    expect(profile.remarks.find(({ code }) => code === 'few-frames')?.level).toBe('warning');
  });

  it('of two cameras, or of two sizes', async () => {
    const one = writeFrames(folder, 'owl', 1, {});
    const other = writeFrames(folder, 'bat', 1, { model: 'Bat 2' });
    const cameras = await refusalOf(() => calibrate({ dark: [...one, ...other], flat: [] }));
    expect(cameras.code).toBe('dataset');
    expect(cameras.message).toMatch(/owl-0\.dng is from .*Owl 1 and bat-0\.dng from .*Bat 2/);
    const flats = await refusalOf(() => calibrate({ dark: one, flat: other }));
    expect(flats.code).toBe('dataset');
    const small = writeFrames(folder, 'small', 1, { width: 128 });
    const sizes = await refusalOf(() => calibrate({ dark: [...one, ...small], flat: [] }));
    expect(sizes.message).toContain('384 × 256');
  });

  it('lit, evenly or with something to be seen: left out, by name', async () => {
    const grey = writeFrames(folder, 'grey', 1, { lightDn: 3000 });
    const glimpse = writeFrames(folder, 'glimpse', 1, {
      spoil: (samples, width) => {
        for (let at = 0; at < samples.length; at++)
          if (at % width > width / 2) samples[at] = samples[at]! + 250;
      },
    });
    for (const lit of [grey, glimpse]) {
      const refusal = await refusalOf(() => calibrate({ dark: lit, flat: [] }));
      expect(refusal.code).toBe('dataset');
      expect(refusal.message).toContain('is not dark');
    }
    const dark = writeFrames(folder, 'beside', 2, {});
    const profile = await calibrate({ dark: [...grey, ...dark, ...glimpse], flat: [] });
    expect(profile.isos[0]!.dark[0]!.frames).toBe(2);
    const left = profile.remarks.filter(({ code }) => code === 'left-out');
    expect(left.map(({ message }) => /grey|glimpse/.exec(message)?.[0])).toEqual([
      'grey',
      'glimpse',
    ]);
  });

  it('copies of a frame: left out, by the name of what they are copies of', async () => {
    const dark = writeFrames(folder, 'night', 4, {});
    const lit = writeFrames(folder, 'wall', 2, { lightDn: 8000, seed: 2, exposureSeconds: 1 / 8 });
    const copyOf = (file: string, name: string): string => {
      const copy = path.join(folder, name);
      copyFileSync(file, copy);
      return copy;
    };
    const darkCopy = copyOf(dark[0]!, 'night-0 (1).dng');
    const litCopy = copyOf(lit[0]!, 'wall-0 (1).dng');
    const truth = await calibrate({ dark, flat: lit });
    const profile = await calibrate({
      dark: [darkCopy, ...dark],
      flat: [lit[0]!, litCopy, lit[1]!, dark[1]!],
    });
    const left = profile.remarks.filter(({ code }) => code === 'left-out');
    expect(left.map(({ message }) => message)).toEqual([
      'left out: night-0.dng is a copy of night-0 (1).dng: each frame has to be taken anew',
      'left out: wall-0 (1).dng is a copy of wall-0.dng: each frame has to be taken anew',
      `left out: night-1.dng is a copy of ${dark[1]!}: each frame has to be taken anew`,
    ]);
    expect(profile.isos[0]!.dark[0]!.frames).toBe(4);
    expect(profile.isos[0]!.gain).toEqual(truth.isos[0]!.gain);
  });

  it('a faint light over all of a frame is warned of', async () => {
    const profile = await calibrate({
      dark: writeFrames(folder, 'faint', 4, { lightDn: 60 }),
      flat: [],
    });
    expect(profile.remarks.find(({ code }) => code === 'light-leak')?.level).toBe('warning');
  });

  it('no RAW, a colour picture, damaged: left out, by name', async () => {
    const text = path.join(folder, 'notes.dng');
    await writeFile(text, 'not a picture');
    const { width, height, colour, shot } = madeMosaic({});
    const samples = new Float32Array(width * height * 3).fill(0.1);
    const linear = path.join(folder, 'linear.dng');
    await writeFile(
      linear,
      bytesOf(await linearDng({ width, height, samples, colour, orientation: 1 }, shot)),
    );
    const missing = path.join(folder, 'missing.dng');
    const bad = [text, linear, missing];
    const refusal = await refusalOf(() => calibrate({ dark: bad, flat: [] }));
    expect(refusal.code).toBe('dataset');
    expect(refusal.message).toContain('none of 3');
    const profile = await calibrate({
      dark: [...bad, ...writeFrames(folder, 'ok', 2, {})],
      flat: bad,
    });
    const left = profile.remarks.filter(({ code }) => code === 'left-out');
    expect(left).toHaveLength(6);
    expect(left.map(({ message }) => message).join()).toContain('without the sensor');
  });

  it('cancelled in the middle', async () => {
    const dark = writeFrames(folder, 'cancelled', 2, {});
    const controller = new AbortController();
    const refusal = await refusalOf(() =>
      calibrate(
        { dark, flat: [] },
        {
          signal: controller.signal,
          onProgress: () => {
            controller.abort();
          },
        },
      ),
    );
    expect(refusal.code).toBe('cancelled');
  });
});

describe('nightglass calibrate', () => {
  it('writes the profile and shows it, in words and as JSON', async () => {
    const blackLevel: PerSite = [512.37, 511.8, 512.05, 513.21];
    const dark = await mkdtemp(path.join(folder, 'dark-'));
    const flat = await mkdtemp(path.join(folder, 'flat-'));
    writeFrames(dark, 'd', 2, { blackLevel });
    writeFrames(flat, 'f', 2, { lightDn: 6000, seed: 3, blackLevel });
    const out = path.join(folder, 'profiles', 'owl.json');
    const args = ['calibrate', '--dark', dark, '--flat', flat, '--out', out];
    const plain = await nightglass([...args, '--name', 'Owl of mine']);
    expect(plain.stderr).toBe('');
    expect(plain.status).toBe(0);
    expect(plain.stdout).toContain('Owl of mine: 384 × 256, 14 bits, RGGB');
    expect(plain.stdout).toMatch(/1600 {2}1\/32 s {4}2 {7}512\.3\d 511\.\d\d/);
    expect((await readCameraProfile(out)).name).toBe('Owl of mine');
    const json = await nightglass([...args, '--json']);
    const events = eventsOf(json.stdout);
    expect(events.map(({ event }) => event)).toEqual([
      'progress', 'progress', 'progress', 'progress', 'result',
    ]); // prettier-ignore
    const { measuredAt, ...written } = await readCameraProfile(out);
    expect(Date.parse(measuredAt)).toBeGreaterThan(0);
    expect(events.at(-1)!['profile']).toEqual({ ...written, measuredAt });
    expect(await readdir(path.dirname(out))).toEqual(['owl.json']);
  });

  it('refuses folders without RAW files, wrong names, and one file for both', async () => {
    const empty = await mkdtemp(path.join(folder, 'empty-'));
    const out = path.join(folder, 'none.json');
    const [file] = writeFrames(folder, 'both', 1, {});
    for (const [args, words] of [
      [['--dark', empty, '--out', out], 'expected RAW photos in the folder'],
      [['--dark', file!, '--out', 'profile.txt'], 'ends in .json'],
      [['--dark', file!, '--flat', file!, '--out', out], 'different files'],
      [['--dark', file!, '--out', out, '--name', ' '], '--name'],
      [['--dark', file!], '--out'],
    ] as const) {
      const outcome = await nightglass(['calibrate', ...args]);
      expect(outcome.stderr).toContain(words);
      expect(outcome.status).toBe(2);
    }
  });
});
