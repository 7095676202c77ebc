/** Nothing that is written by hand is hidden from the formatter or the linter. */

import { ESLint } from 'eslint';
import { globSync } from 'node:fs';
import path from 'node:path';
import { getFileInfo } from 'prettier';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');

/** Measured or generated data, and files that other programs write. */
const generated = ['main/darkness/noise/', 'models/', 'test/fixtures/'];

const files = globSync('{main,preload,renderer,test,models,docs}/**/*', {
  cwd: root,
  withFileTypes: true,
})
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
  .map((file) => file.replaceAll(path.sep, '/'));

it('the formatter sees every file that it can format', async () => {
  const formatted = files.filter((file) =>
    /\.(ts|cjs|js|svelte|css|html|json|md|ya?ml)$/.test(file),
  );
  expect(formatted.length).toBeGreaterThan(300);
  const hidden: string[] = [];
  for (const file of formatted) {
    const { ignored } = await getFileInfo(path.join(root, file), {
      ignorePath: [path.join(root, '.gitignore'), path.join(root, '.prettierignore')],
    });
    if (ignored) hidden.push(file);
  }
  const byHand = hidden.filter(
    (file) => !file.endsWith('.json') || !generated.some((folder) => file.startsWith(folder)),
  );
  expect(byHand.filter((file) => !file.startsWith('test/fixtures/'))).toEqual([]);
});

it('the linter sees every program', async () => {
  const eslint = new ESLint({ cwd: root });
  const programs = files.filter(
    (file) => /\.(ts|svelte|cjs)$/.test(file) && !file.startsWith('test/fixtures/'),
  );
  const hidden: string[] = [];
  for (const file of programs) {
    if (await eslint.isPathIgnored(path.join(root, file))) hidden.push(file);
  }
  expect(hidden).toEqual([]);
});
