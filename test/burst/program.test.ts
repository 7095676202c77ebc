/** Bursts on the command line: simulated, listed, merged, and read again by other readers and this one. */

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { lightOfCode } from '../../main/darkness/linear-photo.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { noiseMap } from '../../main/develop/noise-map.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { run } from '../error/program.ts';
import { boxes, size } from './scene.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-burst-test-'));
const clean = path.join(folder, 'clean.png');
const shots = path.join(folder, 'shots');
const out = path.join(folder, 'out');
const dark = ['--ratio', '100', '--camera', 'sony-a7s2', '--iso', '6400', '--seed', '4'];

beforeAll(async () => {
  const { codes, width, height } = boxes(size.width, size.height);
  const bytes = Uint8Array.from(codes, (code) => {
    const light = Math.min(1, lightOfCode(code));
    return Math.round(
      255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055),
    );
  });
  await sharp(bytes, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(clean);
  const target = path.join(shots, 'NIGHT.dng');
  const ended = await run(['simulate', clean, ...dark, '--burst', '4', '--out', target]);
  expect(ended.status, ended.stderr).toBe(0);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const resultSchema = z.object({
  event: z.literal('result'),
  path: z.string(),
  merged: z.number(),
  frames: z.array(z.object({ name: z.string(), kind: z.string() })),
});

const lastLine = (stdout: string): unknown => JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

describe('simulate --burst', () => {
  it('writes the same bytes for the same seed', async () => {
    const again = path.join(folder, 'again');
    await run(['simulate', clean, ...dark, '--burst', '4', '--out', path.join(again, 'NIGHT.dng')]);
    expect(readdirSync(again)).toEqual([1, 2, 3, 4].map((n) => `NIGHT-${n}.dng`));
    for (const name of readdirSync(again)) {
      expect(readFileSync(path.join(again, name))).toEqual(readFileSync(path.join(shots, name)));
    }
  });
});

describe('info --bursts', () => {
  it('finds the burst', async () => {
    const { stdout } = await run(['info', shots, '--bursts', '--json']);
    const { bursts } = z
      .object({ bursts: z.array(z.object({ frames: z.array(z.string()) })) })
      .parse(lastLine(stdout));
    expect(bursts.map(({ frames }) => frames.length)).toEqual([4]);
  });
});

describe('merge', () => {
  it('writes one DNG that says what it was made from', async () => {
    const before = readdirSync(shots).map((name) => readFileSync(path.join(shots, name)));
    const { stdout, stderr, status } = await run(['merge', shots, '--out', out, '--json']);
    expect(status, stderr).toBe(0);
    const result = resultSchema.parse(lastLine(stdout));
    expect(result.merged).toBe(4);
    expect(readdirSync(out)).toEqual([path.basename(result.path)]);
    expect(readdirSync(shots).map((name) => readFileSync(path.join(shots, name)))).toEqual(before);

    const raw = await decodeRaw(result.path);
    if (raw.kind !== 'mosaic') throw new Error('expected a mosaic');
    const { mosaic } = raw;
    expect(mosaic.merged?.frames).toEqual([1, 2, 3, 4].map((n) => `NIGHT-${n}.dng`));
    expect(mosaic.merged?.exposureSeconds).toBeCloseTo(0.4, 6);
    expect(mosaic.shot.iso).toBe(6400);
    expect(mosaic.shot.exposureSeconds).toBeCloseTo(0.1, 6);
    const single = await decodeRaw(path.join(shots, 'NIGHT-1.dng'));
    if (single.kind !== 'mosaic') throw new Error('expected a mosaic');
    const [many, one] = [frameNoise(mosaic).profile, frameNoise(single.mosaic).profile];
    expect(many.offset / one.offset).toBeLessThan(0.4);
    // Behind a corner stand fewer frames than behind the middle.
    const { factors } = noiseMap(mosaic, many);
    expect(Math.max(...factors)).toBeGreaterThan(1.5);
  });

  it('does not write over what is there', async () => {
    const frames = [1, 2].map((n) => path.join(shots, `NIGHT-${n}.dng`));
    const there = path.join(folder, 'there');
    for (let turn = 0; turn < 2; turn++) {
      const args = ['--reference', frames[0] ?? '', '--motion', 'blur'];
      expect((await run(['merge', ...frames, '--out', there, ...args])).status).toBe(0);
    }
    expect(readdirSync(there)).toEqual(['NIGHT-1-2frames-2.dng', 'NIGHT-1-2frames.dng']);
  });

  it('leaves out what an earlier merge wrote beside the frames', async () => {
    const beside = path.join(folder, 'beside');
    mkdirSync(beside);
    for (const name of ['NIGHT-1.dng', 'NIGHT-2.dng'])
      copyFileSync(path.join(shots, name), path.join(beside, name));
    for (let turn = 0; turn < 2; turn++) {
      const { stderr, status } = await run(['merge', beside, '--out', beside, '--motion', 'blur']);
      expect(status, stderr).toBe(0);
    }
    expect(readdirSync(beside)).toHaveLength(4);
  });

  it('refuses a merged file as a frame, and a single frame', async () => {
    const [name = ''] = readdirSync(out);
    const frame = path.join(shots, 'NIGHT-1.dng');
    const merged = await run(['merge', path.join(out, name), frame, '--out', folder]);
    expect(merged.status).toBe(1);
    expect(merged.stderr).toContain('was merged from 4 frames already');
    const lone = await run(['merge', frame, '--out', folder]);
    expect(lone.status).toBe(2);
    expect(lone.stderr).toContain('expected at least two frames');
  });
});

describe('enhance --bursts', () => {
  it('looks whether it can write before it merges anything', async () => {
    const ended = await run(['enhance', shots, '--bursts', '--json', '--out', clean]);
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain('expected a folder to write to');
    expect(ended.stdout).toBe('');
  });
});
