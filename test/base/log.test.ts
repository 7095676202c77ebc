/** The log file: what is in it after errors of the app, a child and a page, and that it stays small. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import { Log } from '../../main/base/log.ts';
import { temporaryFolder } from '../engine/small.ts';

const folder = temporaryFolder();
let count = 0;
const freshFolder = (): string => path.join(folder, String(count++));
const textOf = ({ file }: Log): string => readFileSync(file, 'utf8');

it('keeps an error with its stack and its cause', () => {
  const log = new Log(freshFolder());
  log.write('app', new Error('outer', { cause: new TypeError('inner') }));
  expect(textOf(log)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z app: Error: outer\n {4} +at /);
  expect(textOf(log)).toMatch(/caused by TypeError: inner/);
});

it('never has more than two files of a megabyte', () => {
  const log = new Log(freshFolder());
  for (let index = 0; index < 400; index++) log.write('page', `${index} ${'x'.repeat(20_000)}`);
  const logs = path.dirname(log.file);
  expect(readdirSync(logs).sort()).toEqual(['nightglass.log', 'nightglass.old.log']);
  // One entry of 8000 characters may go over.
  for (const name of readdirSync(logs)) {
    expect(statSync(path.join(logs, name)).size).toBeLessThan(1_010_000);
  }
  expect(textOf(log)).toContain('page: 399 ');
});

it('survives a folder that cannot be written', () => {
  const file = freshFolder();
  writeFileSync(file, 'a file where the folder should be');
  const log = new Log(file);
  log.write('app', new Error('lost'));
  expect(existsSync(log.file)).toBe(false);
});

it('has a file to show before there is an error', () => {
  const log = new Log(freshFolder());
  expect(existsSync(log.touch())).toBe(true);
});

it('records what ends a process, and lets it end', () => {
  const data = freshFolder();
  const program = `
    import { Log } from ${JSON.stringify(path.join(import.meta.dirname, '../../main/base/log.ts'))};
    new Log(process.argv[1]).watchProcess('child');
    Promise.reject(new RangeError('nobody caught this'));`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program, data]);
  expect(status).toBe(1);
  expect(textOf(new Log(data))).toMatch(/ child: RangeError: nobody caught this\n/);
});
