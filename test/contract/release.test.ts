/** What a release is made by: pinned actions, one version everywhere, notes from the changelog, an SBOM. */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { expect, it } from 'vitest';

import packageJson from '../../package.json' with { type: 'json' };

const root = path.join(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');

const notes = (...args: readonly string[]) =>
  spawnSync(process.execPath, [path.join(root, '.ci/release-notes.mjs'), ...args], {
    encoding: 'utf8',
  });

it('runs no action that somebody else could change', () => {
  const workflows = globSync('.github/workflows/*.yml', { cwd: root });
  expect(workflows.length).toBeGreaterThanOrEqual(3);
  const uses = workflows.flatMap((name) =>
    [...read(name).matchAll(/\buses: (.*)$/gm)].map(([, action = '']) => action),
  );
  expect(uses.length).toBeGreaterThanOrEqual(10);
  for (const action of uses) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

it('takes its notes from the changelog', () => {
  const { status, stdout } = notes(`v${packageJson.version}`);
  expect(status).toBe(0);
  expect(stdout.length).toBeGreaterThan(100);
  expect(stdout).not.toMatch(/^## |^\[.*\]: /m);
});

it.each(['v9.9.9', '0.1.0'])('refuses a tag of another version: %s', (tag) => {
  const { status, stderr } = notes(tag);
  expect(status).toBe(1);
  expect(stderr).toMatch(`expected the tag v${packageJson.version}`);
});

it('is signed only by secrets, and has an SBOM, checksums and the update channel', () => {
  const workflow = read('.github/workflows/release.yml');
  for (const part of [
    'npm sbom --package-lock-only --omit dev --sbom-format cyclonedx',
    'SHA256SUMS',
    'dist/latest*.yml',
    '-c.publish.provider=github',
    'secrets.APPLE_ID',
    'secrets.WINDOWS_CERTIFICATE',
  ]) {
    expect(workflow).toContain(part);
  }
});
