/** What `nightglass train` refuses, each before a step is made and in one line. */

import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writePhotos } from '../photos/made-photos.ts';
import { nightglass } from '../nightglass.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-train-refusals-'));
  await writePhotos(path.join(folder, 'photos'), 1, 64);
  await mkdir(path.join(folder, 'empty'));
  await mkdir(path.join(folder, 'garbage'));
  await writeFile(path.join(folder, 'garbage', 'broken.png'), 'no picture');
  await writeFile(path.join(folder, 'a-file'), 'in the way');
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const cases: [string, string[], number, string][] = [
  ['no photos', ['--photos', '@/empty', '--out', '@/out'], 1, '/empty'],
  ['a folder that is not there', ['--photos', '@/nowhere', '--out', '@/out'], 1, '/nowhere'],
  ['photos of which none can be read', ['--photos', '@/garbage', '--out', '@/garbage-out'], 1, 'readable'],
  ['all photos left out', ['--photos', '@/photos', '--exclude', 'made-0.png', '--out', '@/out'], 1, 'left out'],
  ['an output folder that is a file', ['--photos', '@/photos', '--out', '@/a-file/run'], 1, 'a-file'],
  ['a patch that the network cannot halve', ['--photos', '@/photos', '--out', '@/out', '--patch', '40'], 2, '--patch'],
  ['no steps', ['--photos', '@/photos', '--out', '@/out', '--steps', '0'], 2, '--steps'],
  ['more photos to validate on than are tried', ['--photos', '@/photos', '--out', '@/out', '--validation-photos', '13'], 2, '12'],
  ['a learning rate that is no number', ['--photos', '@/photos', '--out', '@/out', '--learning-rate', 'fast'], 2, 'fast'],
  ['a name that leaves no id', ['--photos', '@/photos', '--out', '@/out', '--name', '夜'], 2, '--id'],
  ['a name of nothing', ['--photos', '@/photos', '--out', '@/out', '--name', ''], 2, '--name'],
  ['a name that fills a page', ['--photos', '@/photos', '--out', '@/out', '--name', 'x'.repeat(101)], 2, '--name'],
  ['a licence of nothing', ['--photos', '@/photos', '--out', '@/out', '--licence', ''], 2, '--licence'],
  ['to go on with nothing', ['--photos', '@/photos', '--out', '@/out', '--resume'], 2, 'no'],
  ['to start from what is no checkpoint', ['--photos', '@/photos', '--out', '@/out', '--from', '@/a-file'], 1, 'a-file'],
  ['to make a network wider that is no multiple', ['--photos', '@/photos', '--out', '@/out', '--from', 'fast', '--base', '24'], 2, 'or a multiple of it'],
  ['to start from a network with another first level', ['--photos', '@/photos', '--out', '@/out', '--from', 'fast', '--first-level', 'half'], 2, '--first-level full'],
  ['Muon for a width that it cannot train', ['--photos', '@/photos', '--out', '@/out', '--base', '6', '--optimizer', 'muon'], 2, 'multiple of 4'],
  ['a loss of nothing', ['--photos', '@/photos', '--out', '@/out', '--loss', 'toned:0'], 2, '--loss'],
  ['a teacher that nobody knows', ['--photos', '@/photos', '--out', '@/out', '--teacher', 'nobody'], 2, 'nobody'],
  ['a share of no teacher', ['--photos', '@/photos', '--out', '@/out', '--teacher-share', '0.5'], 2, '--teacher'],
  ['an unknown option', ['--photos', '@/photos', '--out', '@/out', '--stepz', '3'], 2, '--stepz'],
]; // prettier-ignore

it.each(cases)('%s', async (_, args, status, message) => {
  const refused = await nightglass(['train', ...args.map((arg) => arg.replace('@', folder))]);
  expect(refused.status).toBe(status);
  expect(refused.stdout).toBe('');
  expect(refused.stderr).toContain(message);
  expect(refused.stderr).not.toContain('    at ');
  const left = await readdir(path.join(folder, 'out')).catch(() => []);
  expect(left).toEqual([]);
});

it.skipIf(process.getuid?.() === 0)('an output folder that cannot be written to', async () => {
  const out = path.join(folder, 'read-only');
  await mkdir(out);
  await chmod(out, 0o500);
  const refused = await nightglass([
    'train',
    '--photos',
    path.join(folder, 'photos'),
    '--out',
    out,
  ]);
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('read-only');
});
