/** A command loads what it needs and nothing else: the program answers quickly because of that. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

/** Preloaded into the program: names on stderr every file that is loaded. */
const tellFiles = `data:text/javascript,
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    process.stderr.write('loaded ' + url + String.fromCharCode(10));
    return next(url, context);
  },
});`;

/** The repository's files and packages that a command line loads into the main thread. */
function loadedBy(...args: readonly string[]): string[] {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', encodeURI(tellFiles), path.join(root, 'main/cli.ts'), ...args],
    { cwd: root, encoding: 'utf8', timeout: 60_000 },
  );
  expect(status).toBe(0);
  return [...stderr.matchAll(/^loaded file:.*\/((?:main|preload|node_modules)\/.*)$/gm)].map(
    ([, file = '']) => file,
  );
}

const packagesOf = (files: readonly string[]): string[] => [
  ...new Set(files.flatMap((file) => /^node_modules\/([^/]+)/.exec(file)?.[1] ?? [])),
];

it('loads no command for --version', () => {
  const files = loadedBy('--version');
  expect(files).toContain('main/commands/program.ts');
  expect(packagesOf(files)).toEqual(['commander']);
});

it('loads no network and no picture encoder for info', () => {
  const files = loadedBy('info', 'test/fixtures/night.dng');
  expect(files).toContain('main/commands/info.ts');
  expect(packagesOf(files).sort()).toEqual(['commander', 'zod']);
  for (const folder of ['network', 'training', 'jobs']) {
    expect(files.filter((file) => file.startsWith(`main/${folder}/`))).toEqual([]);
  }
  // Only what finds the RAW files of a folder.
  const ofLibrary = files.filter((file) => file.startsWith('main/library/'));
  expect(ofLibrary.sort()).toEqual(['main/library/folder.ts', 'main/library/raw-photos.ts']);
});

it('loads every command to list them', () => {
  const files = loadedBy('--help');
  for (const name of ['enhance', 'info', 'devices', 'train/train', 'serve']) {
    expect(files).toContain(`main/commands/${name}.ts`);
  }
});
