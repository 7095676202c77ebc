/** What the desktop app is packed from is there, and packed by rules that electron-builder knows. */

import { existsSync, globSync, readFileSync, statSync, type Stats } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { isRawName, rawEndings } from '../../main/raw/endings.ts';

const root = path.join(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);
// electron-builder's own reader and checker, which it does not export from its front door.
const builder = createRequire(require.resolve('electron-builder/package.json'));
const loader = z
  .object({
    getConfig: z.custom<(folder: string, file: string, config: null) => Promise<unknown>>(),
    validateConfiguration: z.custom<(config: unknown, log: unknown) => Promise<void>>(),
  })
  .parse(builder('app-builder-lib/out/util/config/config'));

const fileMatcher = z
  .object({
    FileMatcher: z.custom<
      new (
        from: string,
        to: string,
        expand: (text: string) => string,
      ) => {
        addPattern(pattern: string): void;
        createFilter(): (file: string, stats: Stats) => boolean;
      }
    >(),
  })
  .parse(builder('app-builder-lib/out/fileMatcher'));

const appImage = z
  .object({
    default:
      z.custom<
        new (
          name: string,
          packager: object,
          helper: object,
          outDir: string,
        ) => { readonly desktopEntry: { readonly value: Promise<string> } }
      >(),
  })
  .parse(builder('app-builder-lib/out/targets/appimage/AppImageTarget'));

/** The command that electron-builder writes into the AppImage's desktop entry. */
async function appImageExec(unknown: unknown): Promise<string> {
  const config = z.looseObject({ linux: z.looseObject({}) }).parse(unknown);
  const packager = {
    config,
    platformSpecificBuildOptions: config.linux,
    appInfo: { buildVersion: '0' },
  };
  const helper = {
    computeDesktopEntry: (_options: unknown, exec: string) => Promise.resolve(exec),
  };
  return new appImage.default('appImage', packager, helper, root).desktopEntry.value;
}

const configSchema = z.object({
  files: z
    .array(z.object({ filter: z.array(z.string()) }))
    .transform((sets) => sets.flatMap(({ filter }) => filter)),
  electronFuses: z.record(z.string(), z.boolean()),
  fileAssociations: z.array(z.object({ ext: z.array(z.string()) })),
});

const log = { isEnabled: false, add: () => undefined };
const read = (): Promise<unknown> =>
  loader.getConfig(root, path.join(root, 'electron-builder.yml'), null);

describe('the desktop app', () => {
  it('is packed by rules that electron-builder knows', async () => {
    await expect(loader.validateConfiguration(await read(), log)).resolves.toBeUndefined();
    const wrong = { ...z.looseObject({}).parse(await read()), electronFuses: { runAsNod: false } };
    await expect(loader.validateConfiguration(wrong, log)).rejects.toThrow(/electronFuses/);
  });

  it('is packed whole: the bundle, the window, models, the sample', async () => {
    const { files } = configSchema.parse(await read());
    for (const folder of ['out/main', 'out/preload', 'out/renderer', 'models']) {
      expect(files).toContain(`${folder}/**`);
    }
    // The sample night: main/library/sample.ts.
    expect(files).toContain('test/fixtures/night.dng');
    expect(existsSync(path.join(root, 'test/fixtures/night.dng'))).toBe(true);
    // test/electron/bundle.test.ts builds it.
    const { main } = z
      .object({ main: z.string() })
      .parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));
    expect(main).toBe('out/main/electron.js');
  });

  it('leaves out the code of packages that are in the bundle, not their licences', async () => {
    const { files } = configSchema.parse(await read());
    const matcher = new fileMatcher.FileMatcher(root, root, (text: string) => text);
    for (const rule of ['**/*', ...files.filter((rule) => rule.startsWith('!'))]) {
      matcher.addPattern(rule);
    }
    const isPacked = matcher.createFilter();
    for (const name of ['commander', 'electron-store', 'hdrify', 'ws', 'zod']) {
      const folder = path.join(root, 'node_modules', name);
      const packed = globSync('**/*', { cwd: folder, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .filter((file) => isPacked(file, statSync(file)))
        .map((file) => path.relative(folder, file).toLowerCase());
      expect(packed.sort(), name).toEqual(
        expect.arrayContaining([expect.stringMatching(/^license/), 'package.json']),
      );
      expect(packed.length, name).toBe(2);
    }
  });

  it('takes the native code of its own system alone', async () => {
    const config = z.looseObject({}).parse(await read());
    const folder = path.join(root, 'node_modules/onnxruntime-node/bin');
    const files = globSync('**/*', { cwd: folder, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    for (const [key, system, arch] of [
      ['linux', 'linux', 'x64'],
      ['linux', 'linux', 'arm64'],
      ['win', 'win32', 'x64'],
      ['mac', 'darwin', 'arm64'],
    ] as const) {
      const { files: rules } = z.object({ files: z.array(z.string()) }).parse(config[key]);
      const matcher = new fileMatcher.FileMatcher(root, root, (text: string) =>
        text.replaceAll('${arch}', arch),
      );
      for (const rule of ['**/*', ...rules]) matcher.addPattern(rule);
      const isPacked = matcher.createFilter();
      const packed = files.filter((file) => isPacked(file, statSync(file)));
      expect(packed.length, system).toBeGreaterThan(0);
      const own = path.join('napi-v6', system, arch);
      for (const file of packed) expect(path.relative(folder, file)).toContain(own);
    }
  });

  it('cannot be turned into Node, nor loaded from elsewhere', async () => {
    const { electronFuses } = configSchema.parse(await read());
    expect(electronFuses).toMatchObject({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      enableEmbeddedAsarIntegrityValidation: true,
      onlyLoadAppFromAsar: true,
    });
  });

  it('starts with its sandbox from the menu of a Linux desktop', async () => {
    const exec = await appImageExec(await read());
    expect(exec).toContain('AppRun');
    expect(exec).not.toContain('--no-sandbox');
    // The test would see one: electron-builder's default toolset adds it.
    expect(await appImageExec({ linux: {} })).toContain('--no-sandbox');
  });

  it('offers itself for exactly the RAW files that it opens', async () => {
    const { fileAssociations } = configSchema.parse(await read());
    const endings = fileAssociations.flatMap(({ ext }) => ext);
    expect(endings).toEqual([...rawEndings]);
    for (const ending of endings) expect(isRawName(`a.${ending}`), ending).toBe(true);
  });

  it('opens its window with everything shut', () => {
    const source = readFileSync(path.join(root, 'main/electron.ts'), 'utf8');
    for (const setting of [
      'contextIsolation: true',
      'sandbox: true',
      'nodeIntegration: false',
      'webviewTag: false',
    ]) {
      expect(source).toContain(setting);
    }
    // One place alone speaks to the window's own world.
    const exposing = globSync('{main,preload,renderer}/**/*.ts', { cwd: root }).filter((file) =>
      readFileSync(path.join(root, file), 'utf8').includes('contextBridge'),
    );
    expect(exposing).toEqual([path.join('preload', 'index.ts')]);
  });
});
