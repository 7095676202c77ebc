/** The lint rules of this house find what they are there for, and leave the rest alone. */

import { ESLint, Linter } from 'eslint';
import path from 'node:path';
import { expect, it } from 'vitest';
import { houseRules } from './rules.ts';

const root = path.join(import.meta.dirname, '../..');

function complaints(code: string): readonly (string | null)[] {
  const linter = new Linter();
  return linter
    .verify(code, {
      plugins: { house: houseRules },
      rules: { 'house/one-raw-list': 'error', 'house/opens-with-a-sentence': 'error' },
    })
    .map(({ ruleId }) => ruleId);
}

it.each([
  ['an array', "const list = ['.arw', '.cr2'];"],
  ['a set', "const list = new Set(['arw', 'RWL']);"],
  ['a string to split', "const list = 'arw cr2 nef'.split(' ');"],
  ['a string with commas', "const accepted = '.arw,.cr2';"],
  ['a template', 'const list = `arw\n  nef`;'],
  ['a pattern', String.raw`const pattern = /\.(arw|cr2|nef)$/i;`],
  ['a pattern of whole endings', String.raw`const pattern = /\.arw$|\.nef$/;`],
  ["an object's keys", 'const kinds = { arw: 1, nef: 2 };'],
])('a second list of RAW endings is found: %s', (_, code) => {
  expect(complaints(`// Planted.\n${code}`)).toEqual(['house/one-raw-list']);
});

it.each([
  ['formats to write', "const formats = ['tiff', 'png', 'jpeg', 'dng'];"],
  ['file names', "const files = ['a.arw', 'b.nef', 'c.dng'];"],
  ['prose', "const words = 'This folder holds no ARW, CR2, NEF or DNG files.';"],
  ['prose in a pattern', String.raw`const pattern = /short\.ARW is no RAW file/;`],
  ['one ending', String.raw`const pattern = /\.dng$/i;`],
])('what is no list of RAW endings passes: %s', (_, code) => {
  expect(complaints(`// Planted.\n${code}`)).toEqual([]);
});

it('a file that does not say what it is is found', () => {
  expect(complaints('const a = 1;')).toEqual(['house/opens-with-a-sentence']);
});

it.each(['main/training/photos/photos.ts', 'main/library/folder.ts', 'renderer/Root.svelte'])(
  'a second list fails the check in %s, and only the one list is exempt',
  async (file) => {
    const eslint = new ESLint({ cwd: root });
    const rulesOf = async (name: string): Promise<unknown> => {
      const config: unknown = await eslint.calculateConfigForFile(path.join(root, name));
      return config;
    };
    expect(await rulesOf(file)).toMatchObject({ rules: { 'house/one-raw-list': [2] } });
    expect(await rulesOf('main/raw/endings.ts')).toMatchObject({
      rules: { 'house/one-raw-list': [0] },
    });
  },
);
