/** Pairs in one folder of photos, found by their EXIF. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cfaDng } from '../../../main/raw/dng.ts';
import { findPairs } from '../../../main/training/pairs/find/find.ts';
import { Random } from '../../../main/darkness/random.ts';
import { simulateMosaic } from '../../../main/darkness/simulate.ts';
import { photoOf, waves } from '../photos/made-photos.ts';
import { refusalOf } from '../refusal-of.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'nightglass-exposures-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Files without content, beside which others may be written. */
async function folderOf(name: string, files: readonly string[]): Promise<string> {
  const folder = path.join(root, name);
  await mkdir(folder, { recursive: true });
  for (const file of files) await writeFile(path.join(folder, file), '');
  return folder;
}

/** A tiny photo that says when and how long it was taken. */
async function writeExposure(
  file: string,
  camera: string,
  exposureSeconds: number,
  takenAt: string,
): Promise<void> {
  const photo = photoOf('waves', [40, 40], waves);
  const { mosaic } = simulateMosaic(photo, { camera, iso: 1600, ratio: 1, random: new Random(1) });
  const shot = { ...mosaic.shot, exposureSeconds, takenAt: `2026-11-24T${takenAt}` };
  await writeFile(file, Buffer.concat([...cfaDng({ ...mosaic, shot }).chunks()]));
}

describe('one folder', () => {
  it('pairs exposures of one camera that follow each other', async () => {
    const folder = await folderOf('exif', []);
    const write = (name: string, ...more: [string, number, string]): Promise<void> =>
      writeExposure(path.join(folder, name), ...more);
    await write('1.dng', 'sony-a7s2', 0.1, '22:00:00');
    await write('2.dng', 'sony-a7s2', 10, '22:00:05');
    // Begun 25 s after the last one's end: the same series.
    await write('3.dng', 'sony-a7s2', 0.04, '22:00:40');
    await write('4.dng', 'sony-a7s2', 8, '22:00:44');
    await write('5.dng', 'nikon-d850-bggr', 0.1, '22:00:06');
    await write('6.dng', 'sony-a7s2', 0.1, '22:10:00');
    await write('7.dng', 'sony-a7s2', 20, '22:10:01');
    await writeFile(path.join(folder, '8.dng'), 'no photo');
    const done: number[] = [];
    const found = await findPairs([folder], { onProgress: (count) => done.push(count) });
    expect(found.layout).toBe('exif');
    expect(done.at(-1)).toBe(8);
    expect(
      found.pairs.map(({ id, scene, statedRatio }) => [id, scene, Math.round(statedRatio ?? 0)]),
    ).toEqual([
      ['1.dng', '2.dng', 100],
      ['3.dng', '4.dng', 200],
      ['6.dng', '7.dng', 200],
    ]);
    expect(found.unpaired.map(({ file }) => path.basename(file)).sort()).toEqual([
      '5.dng',
      '8.dng',
    ]);
    const cancelled = AbortSignal.abort();
    const refusal = await refusalOf(() => findPairs([folder], { signal: cancelled }));
    expect(refusal.code).toBe('cancelled');
  });

  // Each shot: its name, the second it was begun at, and for how long.
  it.each([
    [
      'short, then long',
      'a-short 0 0.1, a-long 2 10, b-short 25 0.1, b-long 27 10',
      ['a-short a-long', 'b-short b-long'],
      [],
    ],
    [
      'long, then short',
      'a-long 0 10, a-1 11 0.1, a-2 12 0.5, b-long 14 4, b-1 40 0.1',
      ['a-1 a-long', 'a-2 a-long', 'b-1 b-long'],
      [],
    ],
    [
      'short right after the long one before',
      'a-short 0 0.1, a-long 2 10, b-short 13 0.1, b-long 30 10',
      ['a-short a-long', 'b-short b-long'],
      [],
    ],
    [
      'now this way, now that',
      'a-short 0 0.1, a-long 2 10, b-long 30 10, b-short 42 0.1',
      ['a-short a-long', 'b-short b-long'],
      [],
    ],
    [
      'a bracket of three, and its long exposure again',
      'a-1 0 0.1, a-2 1 1, a-long 2 10, b-long 20 8',
      ['a-1 a-long', 'a-2 a-long'],
      ['b-long'],
    ],
    [
      'a bracket of five, a stop from one to the next',
      'a-1 0 0.6, a-2 1 1.2, a-3 3 2.5, a-4 6 5, a-long 12 10',
      ['a-1 a-long', 'a-2 a-long', 'a-3 a-long'],
      ['a-4'],
    ],
    [
      'a bracket of three that begins in the middle',
      'a-1 0 2, a-2 2 1, a-long 3 4, b-1 10 2, b-2 12 1, b-long 13 4',
      ['a-2 a-long', 'b-2 b-long'],
      ['a-1', 'b-1'],
    ],
  ])('tells scenes that follow each other apart: %s', async (order, shots, pairs, alone) => {
    const folder = await folderOf(order, []);
    for (const shot of shots.split(', ')) {
      const [name = '', begun = '', seconds] = shot.split(' ');
      const file = path.join(folder, `${name}.dng`);
      await writeExposure(file, 'sony-a7s2', Number(seconds), `22:00:${begun.padStart(2, '0')}`);
    }
    const found = await findPairs([folder]);
    const said = found.pairs.map(({ short, long }) => [short, long].map((f) => path.parse(f).name));
    expect(said.map((names) => names.join(' '))).toEqual(pairs);
    expect(found.unpaired.map(({ file }) => path.parse(file).name)).toEqual(alone);
  });

  it('is refused where it holds nothing to pair', async () => {
    const empty = await folderOf('nothing', ['readme.md']);
    expect((await refusalOf(() => findPairs([empty]))).message).toMatch(/neither RAW files, nor/);
    const bad = await folderOf('bad', ['a.dng']);
    expect((await refusalOf(() => findPairs([bad]))).message).toMatch(
      /a\.dng, for one, was passed/,
    );
    const missing = await refusalOf(() => findPairs([path.join(root, 'nowhere')]));
    expect(missing.code).toBe('dataset');
  });
});
