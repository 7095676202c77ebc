/** Pictures that go where the originals are: no original is ever replaced. */

import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import { run } from './program.ts';

const folder = temporaryFolder();
const model = writeSmallModel(path.join(folder, 'model'));

it.each([
  { policy: 'rename', rounds: 1 },
  { policy: 'overwrite', rounds: 2 },
])('DNG beside DNG, with $policy, $rounds times', async ({ policy, rounds }) => {
  const shared = path.join(folder, policy);
  const photos = writeSmallDngs(shared, 2);
  const originals = photos.map((photo) => readFileSync(photo));
  const args = [
    '--out',
    shared,
    '--model',
    model,
    '--device',
    'cpu',
    '--ratio',
    '4',
    '--format',
    'dng',
  ];
  for (let round = 0; round < rounds; round++) {
    const { status, stderr } = await run(['enhance', ...photos, ...args, '--on-conflict', policy]);
    expect(stderr).toContain('2 done');
    expect(status).toBe(0);
    for (const [at, photo] of photos.entries())
      expect(readFileSync(photo).equals(originals[at]!)).toBe(true);
  }
  // What the first round made is ours to replace, and only that.
  expect(readdirSync(shared).sort()).toEqual(['1-2.dng', '1.dng', '2-2.dng', '2.dng']);
});

it('an original behind a link, or a pipe of the picture’s name, is no target either', async ({
  skip,
}) => {
  const [photo = ''] = writeSmallDngs(path.join(folder, 'camera'), 1);
  const original = readFileSync(photo);
  const out = path.join(folder, 'links');
  mkdirSync(out);
  symlinkSync(photo, path.join(out, '1.dng'));
  linkSync(photo, path.join(out, '1-2.dng'));
  if (spawnSync('mkfifo', [path.join(out, '1-3.dng')]).status !== 0) skip('needs named pipes');
  const { status } = await run([
    'enhance',
    photo,
    '--out',
    out,
    '--model',
    model,
    '--device',
    'cpu',
    '--format',
    'dng',
    '--on-conflict',
    'overwrite',
  ]);
  expect(status).toBe(0);
  expect(readFileSync(photo).equals(original)).toBe(true);
  expect(readdirSync(out).sort()).toEqual(['1-2.dng', '1-3.dng', '1-4.dng', '1.dng']);
});
