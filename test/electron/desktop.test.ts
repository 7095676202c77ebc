/** The desktop app itself: its one shut window, its wire, its menu, and how it lives through a crash. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';

import { smallDng, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { enhanceAll } from '../e2e/window.ts';
import { electronPath, environment, openDesktop, switches, type Desktop } from './desktop.ts';

const patienceMs = 90_000;
vi.setConfig({ testTimeout: 2 * patienceMs, hookTimeout: 2 * patienceMs });
const soon = <T>(what: () => T) => expect.poll(what, { timeout: patienceMs });
const home = path.join(import.meta.dirname, '../..');

const answerSchema = z.object({
  kind: z.string(),
  code: z.string().optional(),
  output: z.unknown(),
});

describe.skipIf(electronPath === undefined)('the desktop app', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const others = path.join(root, 'others');
  const data = path.join(root, 'data');
  let desktop: Desktop;
  let nextId = 1_000_000;

  const cell = (name: string) => desktop.page.locator('.cell', { hasText: name });

  /** A call over Electron's IPC, as the page's own client would make it, whatever its input. */
  const ask = async (name: string, input: unknown): Promise<z.infer<typeof answerSchema>> => {
    const id = nextId++;
    const answer: unknown = await desktop.page.evaluate(
      `new Promise((resolve) => {
        window.nightglass.listen((message) => {
          if (message.id !== ${id} || message.kind === 'progress') return;
          resolve({ kind: message.kind, code: message.failure?.code, output: message.output });
        });
        window.nightglass.post({ kind: 'call', id: ${id}, name: ${JSON.stringify(name)}, input: ${JSON.stringify(input)} });
      })`,
    );
    return answerSchema.parse(answer);
  };
  const fails = (script: string): Promise<unknown> =>
    desktop.page.evaluate(
      `(async () => { try { await (${script}); return 'done'; } catch (error) { return error.name; } })()`,
    );

  beforeAll(async () => {
    for (const file of ['out/renderer/index.html', 'out/preload/index.cjs']) {
      if (!existsSync(path.join(home, file))) throw new Error(`expected ${file}: npm run build`);
    }
    writeSmallDngs(photos, 2, { width: 640, height: 426 });
    writeSmallDngs(others, 1);
    mkdirSync(path.join(root, 'outside'));
    writeFileSync(path.join(root, 'outside', 'secret.dng'), smallDng());
    desktop = await openDesktop(data, photos);
  });

  afterAll(async () => {
    await desktop.electron.close();
  });

  test('opens the folder named on the command line, and brightens its photos', async () => {
    await cell('1.dng').locator('img.bright').waitFor();
    await cell('2.dng').locator('.ratio').waitFor();
    expect(existsSync(path.join(data, 'recent.json'))).toBe(true);
  });

  test('has a window that is shut', async () => {
    const { electron, page } = desktop;
    expect(await page.evaluate('[typeof require, typeof process, typeof module]')).toEqual(
      Array.from({ length: 3 }, () => 'undefined'),
    );
    expect(await page.evaluate('Object.keys(window.nightglass).sort()')).toEqual([
      'listen',
      'onClose',
      'post',
    ]);
    const preferences = await electron.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      // Electron's own, without a type.
      const read: unknown = contents && Reflect.get(contents, 'getLastWebPreferences');
      const found: unknown = typeof read === 'function' ? Reflect.apply(read, contents, []) : {};
      return found;
    });
    expect(preferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
    });
    expect(await fails(`new Function('return 1')()`)).toBe('EvalError');
    expect(await fails(`fetch('https://example.com/')`)).toBe('TypeError');
    expect(await fails(`fetch('file:///etc/hosts')`)).toBe('TypeError');
    expect(await fails(`navigator.mediaDevices.getUserMedia({ audio: true })`)).not.toBe('done');
    expect(await page.evaluate('Notification.requestPermission()')).toBe('denied');
    expect(await page.evaluate(`window.open('https://example.com/') === null`)).toBe(true);
    await page.evaluate(`void (location.href = 'https://example.com/')`).catch(() => undefined);
    expect(await page.evaluate('location.origin')).toBe('app://nightglass');
    expect(electron.windows()).toHaveLength(1);
  });

  test('answers over IPC as over every other carrier', async () => {
    const info = await ask('app.info', {});
    expect(info).toMatchObject({ kind: 'reply', output: { host: 'electron', hasDialogs: true } });
    const outside = path.join(root, 'outside');
    for (const [name, input] of [
      ['library.open', { path: outside, subfolders: true }],
      ['library.open', { path: `${photos}/../outside`, subfolders: true }],
      ['library.browse', { path: outside }],
      ['library.rate', { photos: ['0'.repeat(24)], rating: 3 }],
      ['library.rate', { photos: [], rating: 1e308 }],
      ['no.such.call', {}],
      ['__proto__', {}],
      ['app.info', { more: 1 }],
    ] as const) {
      expect(await ask(name, input), name).toMatchObject({ kind: 'fail', code: 'bad-argument' });
    }
    for (const garbage of [
      '1',
      'null',
      '"text"',
      '{ kind: "call" }',
      '{ kind: "cancel", id: -1 }',
    ]) {
      await desktop.page.evaluate(`window.nightglass.post(${garbage})`);
    }
    expect((await ask('library.current', {})).kind).toBe('reply');
  });

  test('develops what is opened, from tiles of another origin', async () => {
    const { page } = desktop;
    await cell('1.dng').dblclick();
    await page.getByRole('img', { name: /1\.dng/ }).waitFor();
    await page.locator('.placeholder').waitFor({ state: 'detached' });
    await page.locator('.busy').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
  });

  test('exports although its engine is killed', async () => {
    const { electron, page } = desktop;
    await enhanceAll(page);
    const killed = await electron.evaluate(({ app }) => {
      const engine = app.getAppMetrics().find(({ name }) => name === 'Nightglass engine');
      if (engine !== undefined) process.kill(engine.pid);
      return engine !== undefined;
    });
    expect(killed).toBe(true);
    for (const name of ['1.tif', '2.tif']) {
      await soon(() => existsSync(path.join(photos, 'Nightglass', name))).toBe(true);
    }
  });

  test('has a menu that does what its words say', async () => {
    const { electron, page } = desktop;
    const labels = await electron.evaluate(({ Menu }) =>
      (Menu.getApplicationMenu()?.items ?? []).map(({ label }) => label),
    );
    expect(labels).toEqual(expect.arrayContaining(['File', 'Edit', 'View']));
    const help = await electron.evaluate(({ Menu }) => {
      const items = Menu.getApplicationMenu()?.items ?? [];
      return items.find(({ label }) => label === 'Help')?.submenu?.items.map(({ label }) => label);
    });
    expect(help).toContain('Show Log');
    await electron.evaluate(({ Menu }) => {
      const items = (Menu.getApplicationMenu()?.items ?? []).flatMap(
        ({ submenu }) => submenu?.items ?? [],
      );
      items.find(({ label }) => label === 'Settings…')?.click();
    });
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('is one: another start opens what it names here, and so does the system', async () => {
    const { electron } = desktop;
    const second = spawn(electronPath ?? '', [...switches, home, others], {
      env: { ...environment(), NIGHTGLASS_DATA: data },
      stdio: 'ignore',
    });
    await once(second, 'exit');
    await cell('2.dng').waitFor({ state: 'detached' });
    await cell('1.dng').locator('img.bright').waitFor();
    await electron.evaluate(
      ({ app }, file) => {
        app.emit('open-file', { preventDefault: () => undefined }, file);
      },
      path.join(photos, '2.dng'),
    );
    await cell('2.dng').waitFor();
  });

  test('stands where it stood, and remembers', async () => {
    const place = { x: 40, y: 30, width: 1100, height: 740 };
    await desktop.electron.evaluate(({ BrowserWindow }, bounds) => {
      BrowserWindow.getAllWindows()[0]?.setBounds(bounds);
    }, place);
    await desktop.electron.close();
    desktop = await openDesktop(data);
    const bounds = await desktop.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.getNormalBounds(),
    );
    expect(bounds).toMatchObject({ width: 1100, height: 740 });
    // Without a folder named, it greets with those opened last.
    await desktop.page.getByRole('main').getByText('photos', { exact: true }).first().waitFor();
  });
});
