/** Wrong usage: status 2, one line that says what was expected and what came instead. */

import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';
import { events, refusal, run } from './program.ts';

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

it('a photo that is not there, a link to nothing', async () => {
  const missing = path.join(folder, 'missing.dng');
  const link = path.join(folder, 'link.dng');
  symlinkSync(missing, link);
  for (const given of [missing, link]) {
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

it('nothing but empty folders', async () => {
  const empty = path.join(folder, 'empty');
  mkdirSync(empty);
  const { status, line } = await refusal(['enhance', empty, '--out', out, '--model', model]);
  expect(status).toBe(2);
  expect(line).toContain(empty);
  expect(existsSync(out)).toBe(false);
});

it('an empty folder among photos is named, and the photos are done all the same', async () => {
  const empty = path.join(folder, 'empty-too');
  mkdirSync(empty);
  const [a = '', b = ''] = writeSmallDngs(path.join(folder, 'some'), 2);
  const given = ['enhance', a, empty, b, '--model', model, '--device', 'cpu', '--ratio', '4'];
  const made = path.join(folder, 'made');
  const told = await run([...given, '--out', made]);
  expect(told.status).toBe(1);
  expect(told.stdout + told.stderr).toContain(`expected RAW photos in the folder ${empty}`);
  expect(readdirSync(made).sort()).toEqual(['1.tif', '2.tif']);
  const ended = await run([...given, '--out', made, '--on-conflict', 'skip', '--json']);
  expect(ended.status).toBe(1);
  const [first] = events(ended.stdout);
  expect(first).toMatchObject({ event: 'empty-folder', code: 'bad-argument' });
});
