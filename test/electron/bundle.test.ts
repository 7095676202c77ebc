/** The main process as the package has it: bundled to JavaScript, started under plain Node. */

import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';
import { build } from 'vite';

import packageJson from '../../package.json' with { type: 'json' };
import { temporaryFolder, writeSmallDngs, writeSmallModel } from '../engine/small.ts';

const root = path.join(import.meta.dirname, '../..');
/** Within the repository, because it looks for package.json and node_modules above itself. */
const bundle = path.join(root, '.cache/test-bundle');
const folder = temporaryFolder();

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(bundle, 'cli.js'), ...args],
    { encoding: 'utf8', timeout: 60_000, env: { ...process.env, NIGHTGLASS_DATA: folder } },
  );
  return { status, stdout, stderr };
}

/** The bundle's files and their text. */
const files = (): [string, string][] =>
  globSync('**/*.js', { cwd: bundle }).map((name) => [
    name,
    readFileSync(path.join(bundle, name), 'utf8'),
  ]);

describe('the bundle', () => {
  beforeAll(async () => {
    await build({
      root,
      configFile: path.join(root, 'vite.main.config.ts'),
      logLevel: 'error',
      build: { outDir: bundle },
    });
  });

  it('says its version', () => {
    expect(run('--version')).toEqual({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  it('decodes a RAW file in a thread of its own', () => {
    const { status, stdout, stderr } = run('info', path.join(root, 'test/fixtures/night.dng'));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('SONY ILCE-7SM2');
  });

  it('develops a photo in its engine', () => {
    const [photo = ''] = writeSmallDngs(path.join(folder, 'in'), 1);
    const model = writeSmallModel(path.join(folder, 'model'));
    const out = path.join(folder, 'out');
    const { status, stderr } = run(
      'enhance',
      photo,
      '--out',
      out,
      '--model',
      model,
      '--device',
      'cpu',
    );
    expect(stderr).not.toContain('Error');
    expect(status).toBe(0);
    expect(existsSync(path.join(out, `${path.parse(photo).name}.tif`))).toBe(true);
  });

  it('has every program and file that it names by address', () => {
    const named = files().flatMap(([name, text]) =>
      [...text.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map(([, file = '']) =>
        path.join(path.dirname(name), file),
      ),
    );
    const endings = named.map((file) => path.basename(file).replace(/-[\w-]{8}\.js$/, '.js'));
    expect(endings).toEqual(expect.arrayContaining(['child.js', 'decode-worker.js', 'adam.wasm']));
    expect(named.filter((file) => !existsSync(path.join(bundle, file)))).toEqual([]);
    // Sources, which the package does not have.
    expect(named.filter((file) => file.endsWith('.ts'))).toEqual([]);
  });

  it('takes from node_modules only native code, wasm and the updater', () => {
    const taken = files().flatMap(([, text]) =>
      [...text.matchAll(/^(?:import|export) .*from "([^".][^"]*)";$/gm)].map(
        ([, name = '']) => name,
      ),
    );
    const packages = taken.filter(
      (name) => !name.startsWith('node:') && !builtinModules.includes(name),
    );
    expect([...new Set(packages)].sort()).toEqual([
      'electron',
      'libraw-wasm/dist/libraw.js',
      'onnxruntime-node',
      'sharp',
      'wasm-vips',
    ]);
    const source = files().map(([, text]) => text);
    expect(source.some((text) => text.includes('import("electron-updater")'))).toBe(true);
  });
});
