/** What a person at a terminal reads of bad photos among good ones. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { smallDng, temporaryFolder, writeSmallModel } from '../engine/small.ts';
import { run } from './program.ts';

it('a line for each, with its name, and a summary', async () => {
  const folder = temporaryFolder();
  const model = writeSmallModel(path.join(folder, 'model'));
  const originals = path.join(folder, 'in');
  mkdirSync(originals);
  writeFileSync(path.join(originals, 'a.dng'), smallDng());
  writeFileSync(path.join(originals, 'empty.dng'), '');
  writeFileSync(path.join(originals, 'text.ARW'), 'The night is dark and full of photons.');
  const out = path.join(folder, 'out');
  const ended = await run([
    'enhance',
    originals,
    '--out',
    out,
    '--model',
    model,
    '--device',
    'cpu',
  ]);
  expect(ended.status).toBe(1);
  expect(ended.stdout).toBe('');
  const lines = ended.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  const failed = lines.filter((line) => line.startsWith('failed: ')).sort();
  expect(failed[0]).toContain('empty.dng');
  expect(failed[1]).toContain('text.ARW');
  expect(lines.at(-1)).toMatch(/^1 done, 2 failed in .* \(model small, cpu\)$/);
  expect(readdirSync(out)).toEqual(['a.tif']);
});
