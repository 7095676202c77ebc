/** Bad photos among good ones, in one run: each costs only itself, and the originals stay as they are. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';

import { smallDng, temporaryFolder, writeSmallModel } from '../engine/small.ts';
import { arw } from '../raw/arw.ts';
import { noisySamples, seeded } from '../raw/written.ts';
import { events, failures, livingProcesses, run, written, type Event } from './program.ts';

const folder = temporaryFolder();
const originals = path.join(folder, 'in');
const out = path.join(folder, 'out');
const model = writeSmallModel(path.join(folder, 'model'));
mkdirSync(originals);

const put = (name: string, bytes: Uint8Array | string): void => {
  writeFileSync(path.join(originals, name), bytes);
};

const dng = smallDng();
const goodNames = ['a.dng', 'm.dng', 'z.dng'];
for (const name of goodNames) put(name, dng);
put('good.arw', smallArw());

/** What the error must say of each, its name aside. */
const bad = new Map([
  ['empty.dng', /empty/],
  ['cut.dng', /./],
  ['header.dng', /./],
  ['text.ARW', /./],
  ['zeros.nef', /./],
  ['folder.dng', /folder/],
  ['dangling.dng', /no such file/],
]);
put('empty.dng', '');
put('cut.dng', dng.subarray(0, dng.length - 5000));
put('header.dng', dng.subarray(0, 8));
put('text.ARW', 'The night is dark and full of photons.\n'.repeat(100));
put('zeros.nef', new Uint8Array(50_000));
mkdirSync(path.join(originals, 'folder.dng'));
symlinkSync(path.join(originals, 'nothing'), path.join(originals, 'dangling.dng'));

const hasPipes = spawnSync('mkfifo', [path.join(originals, 'pipe.dng')]).status === 0;
if (hasPipes) bad.set('pipe.dng', /no regular file/);
const hasProc = process.platform === 'linux';
if (hasProc) {
  symlinkSync('/proc/self/mem', path.join(originals, 'memory.dng'));
  bad.set('memory.dng', /empty/);
  symlinkSync('/dev/zero', path.join(originals, 'device.dng'));
  bad.set('device.dng', /no regular file/);
}

const mutants = 36;
const next = seeded(30_303);
for (let i = 0; i < mutants; i++)
  put(`mutant-${i}.${i % 2 === 0 ? 'dng' : 'arw'}`, mutant(i % 2 === 0 ? dng : smallArw()));

function smallArw(): Uint8Array {
  return arw({
    width: 96,
    height: 80,
    data: { kind: 'uncompressed', samples: noisySamples(96 * 80, 500, 4000) },
    black: [512, 512, 512, 512],
    balance: [2356, 1024, 1024, 1640],
  });
}

/** A few bytes of the structure changed, or a tail cut off. */
function mutant(source: Uint8Array): Uint8Array {
  const bytes = source.slice();
  for (let left = 1 + (next() % 6); left > 0; left--) bytes[next() % 800] = next() % 256;
  return next() % 5 === 0 ? bytes.subarray(0, next() % bytes.length) : bytes;
}

/** Everything about the originals that a program could change. */
function fingerprint(): string[] {
  return readdirSync(originals).map((name) => {
    const file = path.join(originals, name);
    const stats = lstatSync(file, { bigint: true });
    const content = stats.isFile()
      ? createHash('sha256').update(readFileSync(file)).digest('hex')
      : '';
    return `${name} ${stats.mode} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${content}`;
  });
}

let status: number | null;
let stderr: string;
let all: readonly Event[];
let before: readonly string[];
let after: readonly string[];

beforeAll(async () => {
  before = fingerprint();
  const ended = await run([
    'enhance',
    originals,
    '--out',
    out,
    '--model',
    model,
    '--device',
    'cpu',
    '--ratio',
    '4',
    '--json',
  ]);
  after = fingerprint();
  ({ status, stderr } = ended);
  all = events(ended.stdout);
}, 120_000);

it('ends with status 1, says nothing outside of its JSON, and leaves no process', () => {
  expect(status).toBe(1);
  expect(stderr).toBe('');
  expect(livingProcesses()).toEqual([]);
});

it('writes every good photo', async () => {
  const names = written(all);
  expect(names).toEqual(expect.arrayContaining(['a.tif', 'm.tif', 'z.tif', 'good.tif']));
  for (const name of names) {
    const { width, height } = await sharp(path.join(out, name)).metadata();
    expect(width * height).toBeGreaterThan(0);
    const { dominant } = await sharp(path.join(out, name)).stats();
    expect(dominant).toBeDefined();
  }
});

it('names each bad photo in one line that says what is wrong', () => {
  const failed = failures(all);
  for (const [name, what] of bad) {
    const failure = failed.get(name);
    expect(failure, name).toBeDefined();
    expect(failure?.error).toContain(name);
    expect(failure?.error).toMatch(what);
  }
});

it('takes no failure for a bug, and every photo ends one way', () => {
  const failed = failures(all);
  for (const { error, code, photo } of failed.values()) {
    expect(code, error).toMatch(/^(damaged-file|unsupported-file|disk)$/);
    expect(error).toContain(path.basename(photo));
    expect(error).not.toContain('\n');
  }
  const good = written(all);
  expect(failed.size + good.length).toBe(bad.size + goodNames.length + 1 + mutants);
  // Some mutants are harmless and some are not, or they were no test.
  expect(failed.size - bad.size).toBeGreaterThan(5);
  expect(good.length - goodNames.length - 1).toBeGreaterThan(5);
  expect(all.at(-1)).toMatchObject({ event: 'summary', done: good.length, failed: failed.size });
});

it('leaves the pictures it told of in the folder, and nothing else', () => {
  expect(readdirSync(out).sort()).toEqual(written(all));
});

it('leaves the originals as they were', () => {
  expect(after).toEqual(before);
});
