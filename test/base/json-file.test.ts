/** The app's own small files, after somebody or something else wrote them. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { JsonFile } from '../../main/base/json-file.ts';
import { temporaryFolder } from '../engine/small.ts';

const folder = temporaryFolder();
let count = 0;
let file: string;

beforeEach(() => {
  file = path.join(folder, `${String(count++)}.json`);
});

const read = (): Promise<unknown> => new JsonFile<unknown>(file, z.unknown(), 'fallback').read();

it('is read as it was written', async () => {
  await new JsonFile(file, z.unknown(), {}).write({ theme: 'light' });
  expect(await read()).toEqual({ theme: 'light' });
});

it.each([
  ['is no JSON', '{'],
  ['is nested a million levels deep', '['.repeat(1e6)],
  ['is nested deeply, and valid', '['.repeat(1000) + ']'.repeat(1000)],
])('is set aside if it %s', async (_, text) => {
  writeFileSync(file, text);
  expect(await read()).toBe('fallback');
  expect(existsSync(`${file}.damaged`)).toBe(true);
});

it('is set aside unread if it is larger than such a file can be', async () => {
  writeFileSync(file, '{}');
  truncateSync(file, 300 << 20);
  expect(await read()).toBe('fallback');
  expect(existsSync(`${file}.damaged`)).toBe(true);
});

it('is set aside if it is a pipe that nobody writes to', async ({ skip }) => {
  if (spawnSync('mkfifo', [file]).status !== 0) skip('needs named pipes');
  expect(await read()).toBe('fallback');
  await new JsonFile(file, z.unknown(), {}).write({ theme: 'dark' });
  expect(await read()).toEqual({ theme: 'dark' });
});

it('is not there if it is a folder, and stays', async () => {
  mkdirSync(file);
  expect(await read()).toBe('fallback');
});
