/** Output folders that are read-only, full, in the way, or gone in mid-run. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import {
  events,
  failures,
  livingProcesses,
  mountSmallDisk,
  refusal,
  run,
  start,
  written,
} from './program.ts';

const folder = temporaryFolder();
const model = writeSmallModel(path.join(folder, 'model'));
const photos = writeSmallDngs(path.join(folder, 'in'), 3);

const enhance = (out: string, ...more: string[]): string[] => [
  'enhance',
  ...photos,
  '--out',
  out,
  '--model',
  model,
  '--device',
  'cpu',
  '--ratio',
  '4',
  ...more,
];

it('a read-only disk is refused before the first photo', async ({ skip }) => {
  const disk = mountSmallDisk('size=1m,ro') ?? skip('needs the right to mount a small disk');
  const out = path.join(disk, 'new');
  const { status, line } = await refusal(enhance(out));
  expect(status).toBe(1);
  expect(line).toContain(out);
  expect(line).toContain('read-only');
  expect(livingProcesses()).toEqual([]);
});

it('a file in place of the folder is refused, and stays', async () => {
  const out = path.join(folder, 'file');
  writeFileSync(out, 'mine');
  const given = path.join(out, 'under');
  const { status, line } = await refusal(enhance(given));
  expect(status).toBe(1);
  expect(line).toContain(given);
  expect(readFileSync(out, 'utf8')).toBe('mine');
});

it('a full disk ends the batch: the rest is not developed for nothing, and is named', async ({
  skip,
}) => {
  const disk = mountSmallDisk('size=60k') ?? skip('needs the right to mount a small disk');
  const many = writeSmallDngs(path.join(folder, 'full'), 12);
  const out = ['--out', disk, '--compression', 'none', '--model', model, '--device', 'cpu'];
  const ended = await run(['enhance', ...many, ...out, '--ratio', '4', '--json']);
  expect(ended.status).toBe(1);
  const all = events(ended.stdout);
  const failed = failures(all);
  expect(failed.size + written(all).length).toBe(12);
  // Those under way when it filled up; none of the others was even decoded.
  const begun = new Set(all.filter(({ event }) => event === 'progress').map(({ photo }) => photo));
  expect(begun.size).toBeLessThanOrEqual(5);
  expect(failed.get('12.dng')?.error).toMatch(/^12\.tif is not made: .*the disk is full/);
  expect(all.at(-1)).toMatchObject({ event: 'summary', done: written(all).length });
  expect(readdirSync(disk).sort()).toEqual(written(all));
  const told = await run(['enhance', ...many, ...out, '--ratio', '4']);
  expect(told.status).toBe(1);
  const words = told.stdout + told.stderr;
  expect(words).toMatch(/not developed: .*12\.dng/);
  expect(words.match(/the disk is full/g)?.length).toBeLessThanOrEqual(2);
});

it('a full disk costs the photos that do not fit, and nothing half-written stays', async ({
  skip,
}) => {
  const disk = mountSmallDisk('size=60k') ?? skip('needs the right to mount a small disk');
  // Of 96 × 80 × 3 × 2 = 46 kB, one fits.
  const ended = await run(enhance(disk, '--compression', 'none', '--json'));
  expect(ended.status).toBe(1);
  const all = events(ended.stdout);
  const good = written(all);
  const failed = failures(all);
  expect(good.length).toBeLessThanOrEqual(1);
  expect(good.length + failed.size).toBe(3);
  for (const [name, { code, error }] of failed) {
    expect(code).toBe('disk');
    expect(error).toContain(name.replace('.dng', '.tif'));
    expect(error).toContain('the disk is full');
  }
  expect(readdirSync(disk).sort()).toEqual(good);
});

it('a folder that is gone in mid-run fails the rest, by name, and does not come back', async () => {
  // A second's work each: a busy machine may tell this process late of the first that is done.
  const many = writeSmallDngs(path.join(folder, 'many'), 8, { width: 1600, height: 1200 });
  const out = path.join(folder, 'gone');
  let isGone = false;
  const { ended } = start(
    [
      'enhance',
      ...many,
      '--out',
      out,
      '--model',
      model,
      '--device',
      'cpu',
      '--ratio',
      '4',
      '--json',
    ],
    {
      onLine: (line) => {
        if (isGone || !line.includes('"ok":true')) return;
        isGone = true;
        rmSync(out, { recursive: true });
      },
    },
  );
  const { status, stdout } = await ended;
  expect(isGone).toBe(true);
  expect(status).toBe(1);
  const all = events(stdout);
  const failed = failures(all);
  // All but those that were on their way when it went.
  expect(failed.size).toBeGreaterThanOrEqual(3);
  expect(failed.size + written(all).length).toBe(8);
  for (const { code, error } of failed.values()) {
    expect(code).toBe('disk');
    expect(error).toMatch(/could not write .*\.tif: the folder is gone/);
  }
  expect(readdirSync(folder)).not.toContain('gone');
});

it('a folder of the picture’s own name is neither replaced nor waited for', async () => {
  const out = path.join(folder, 'blocked');
  mkdirSync(path.join(out, '1.tif'), { recursive: true });
  const ended = await run(enhance(out, '--on-conflict', 'overwrite', '--json'));
  const failed = failures(events(ended.stdout));
  expect([...failed.keys()]).toEqual(['1.dng']);
  expect(failed.get('1.dng')?.error).toContain('1.tif');
  expect(ended.status).toBe(1);
  expect(readdirSync(out).sort()).toEqual(['1.tif', '2.tif', '3.tif']);
});
