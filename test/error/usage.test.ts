/** Wrong usage: status 2, one line that says what was expected and what came instead. */

import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import { refusal } from './program.ts';

const folder = temporaryFolder();
const model = writeSmallModel(path.join(folder, 'model'));
const [photo = ''] = writeSmallDngs(path.join(folder, 'in'), 1);
const out = path.join(folder, 'out');

it.each([
  ['--ratio', '0'],
  ['--ratio', '-1'],
  ['--ratio', 'NaN'],
  ['--ratio', 'abc'],
  ['--ratio', '1e9'],
  ['--device', 'warp'],
])('%s %s', async (option, value) => {
  const { status, line } = await refusal([
    'enhance',
    photo,
    '--out',
    out,
    '--model',
    model,
    option,
    value,
  ]);
  expect(status).toBe(2);
  expect(line).toContain(option);
  expect(line).toContain(value);
  expect(existsSync(out)).toBe(false);
});

it.each([
  ['a model of no known name', 'nope', '"nope"'],
  ['a model that is not there', path.join(folder, 'no.json'), path.join(folder, 'no.json')],
])('%s', async (_, which, named) => {
  const { status, line } = await refusal(['enhance', photo, '--out', out, '--model', which]);
  expect(status).toBe(2);
  expect(line).toContain(named);
});

it('a photo that is not there, a link to nothing, an empty folder', async () => {
  const missing = path.join(folder, 'missing.dng');
  const link = path.join(folder, 'link.dng');
  symlinkSync(missing, link);
  const empty = path.join(folder, 'empty');
  mkdirSync(empty);
  for (const given of [missing, link, empty]) {
    const { status, line } = await refusal([
      'enhance',
      photo,
      given,
      '--out',
      out,
      '--model',
      model,
    ]);
    expect(status).toBe(2);
    expect(line).toContain(given);
  }
  expect(existsSync(out)).toBe(false);
});
