/** An evening when things go wrong: bad files, an engine that dies, a disk that is pulled, a host that is killed. */

import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import type { Connect } from '../../main/process/port.ts';
import {
  smallDng,
  takenAtHour,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import {
  enhanceAll,
  buildPage,
  openPage,
  openWindow,
  type OpenPage,
  type OpenWindow,
} from './window.ts';

/** Waits longer than vitest would by itself: the machine may have other work. */
const patienceMs = 90_000;
vi.setConfig({ testTimeout: 3 * patienceMs, hookTimeout: 2 * patienceMs });
const soon = <T>(what: () => T) => expect.poll(what, { timeout: patienceMs });
const fixtures = path.join(import.meta.dirname, '../fixtures/raw');

const cell = (page: Page, name: string) => page.locator('.cell', { hasText: name });
/** An engine's message about a photo that is in the network. */
const inNetwork = z.object({
  kind: z.literal('progress'),
  progress: z.object({ stage: z.literal('network') }),
});
const queuePanel = (page: Page) => page.getByRole('complementary', { name: 'Export queue' });
const settled = (page: Page) => page.locator('.busy').waitFor({ state: 'detached' });

describe.skipIf(chromiumPath === undefined)('a folder of good, bad and odd files', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const written = path.join(photos, 'Nightglass');
  /** Named as their pictures will be. */
  const good = ['Canon', 'Kodak', 'UPPER', 'upright', 'wide', 'with space · 夜'];
  const bad = {
    'cut.dng': 'Cut short: its samples run past the end of the file',
    'empty.NEF': 'It is empty, no camera RAW file',
    'letter.ARW': 'It holds text, no camera RAW file',
  } as const;
  const badNames = ['cut.dng', 'empty.NEF', 'letter.ARW'] as const;
  let opened: OpenWindow;
  /** Engines that are to be killed still, in the middle of a photo. */
  let killsLeft = 0;

  const spawnWatched: Connect = (listener) => {
    const child = spawnNodeEngine({
      receive: (message) => {
        if (killsLeft > 0 && inNetwork.safeParse(message).success) {
          killsLeft -= 1;
          child.kill();
        }
        listener.receive(message);
      },
      exit: listener.exit,
    });
    return child;
  };

  beforeAll(async () => {
    mkdirSync(path.join(photos, 'folder.dng'), { recursive: true });
    const put = (name: string, bytes: Uint8Array | string): void => {
      writeFileSync(path.join(photos, name), bytes);
    };
    put('wide.dng', smallDng({ width: 640, height: 200, orientation: 1 }));
    put('upright.dng', smallDng({ ...takenAtHour(1), orientation: 6 }));
    put('UPPER.DNG', smallDng({ ...takenAtHour(2), cfa: 'GBRG' }));
    put('with space · 夜.dng', smallDng());
    put('cut.dng', smallDng().subarray(0, 300));
    put('empty.NEF', '');
    put('letter.ARW', 'Dear Nightglass, this is no photo.');
    put('notes.txt', 'not looked at');
    copyFileSync(
      path.join(fixtures, 'Kodak_DC50_DC50IMG_DC0008L.KDC'),
      path.join(photos, 'Kodak.KDC'),
    );
    copyFileSync(
      path.join(fixtures, 'Canon_PowerShot_S40_CRW_0113.CRW'),
      path.join(photos, 'Canon.CRW'),
    );
    symlinkSync(path.join(root, 'nowhere'), path.join(photos, 'dangling.dng'));
    opened = await openWindow(root, { startFolder: photos, spawn: spawnWatched });
    opened.page.setDefaultTimeout(patienceMs);
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  test('shows each that is a photo, and says of each that is none why', async () => {
    const { page } = opened;
    for (const name of good) await cell(page, name).locator('img.bright').waitFor();
    for (const name of badNames) {
      await cell(page, name).locator('.failed').first().waitFor();
      expect(await cell(page, name).locator('.second').textContent()).toContain(bad[name]);
    }
    expect(await page.locator('.cell').count()).toBe(good.length + badNames.length);
  });

  test('goes on when the engine is killed in mid-export, and says so', async () => {
    const { page } = opened;
    await page.keyboard.press('q');
    await queuePanel(page).waitFor();
    killsLeft = 1;
    await enhanceAll(page);
    await page.getByRole('status').getByText('the engine ended by SIGKILL').waitFor();
    const all = good.length + badNames.length;
    await queuePanel(page).getByText(`${all} / ${all}`).waitFor();
    expect(killsLeft).toBe(0);
    for (const name of badNames) {
      await queuePanel(page).locator('li.failed', { hasText: name }).waitFor();
    }
    // Whole, under their own names, once each, and nothing else.
    expect(readdirSync(written).sort()).toEqual(good.map((name) => `${name}.tif`).sort());
    const { width, height } = await sharp(path.join(written, 'upright.tif')).metadata();
    expect([width, height]).toEqual([80, 96]);
    await page.keyboard.press('q');
    await cell(page, 'wide.dng').locator('.state.exported').waitFor();
    // The engine that was started again serves the view as well.
    await cell(page, 'wide.dng').dblclick();
    await page.getByRole('img', { name: /wide\.dng/ }).waitFor();
    await settled(page);
    await page.keyboard.press('g');
  });

  test('says that the folder is gone, fails what is asked of it, and goes on when it is back', async () => {
    const { page } = opened;
    const away = path.join(root, 'unplugged');
    renameSync(photos, away);
    await page.getByText('photos is not there any more').waitFor();
    // The photos stay to be seen.
    expect(await page.locator('.cell').count()).toBe(good.length + badNames.length);
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('3');
    await soon(() => cell(page, 'Canon').locator('.given').count()).toBe(3);
    await page.keyboard.press('q');
    await page.getByRole('button', { name: /^Export → / }).click();
    await queuePanel(page).locator('li.failed', { hasText: 'there is no such file' }).waitFor();
    await cell(page, 'Canon').locator('.failed').first().waitFor();
    expect(existsSync(photos)).toBe(false);

    renameSync(away, photos);
    await page.getByText('photos is not there any more').waitFor({ state: 'detached' });
    await cell(page, 'Canon').locator('.failed').first().waitFor({ state: 'detached' });
    await soon(() => cell(page, 'Canon').locator('.given').count()).toBe(3);
    await queuePanel(page).getByRole('button', { name: 'Try Canon.CRW again' }).click();
    await soon(() => existsSync(path.join(written, 'Canon-2.tif'))).toBe(true);
    await queuePanel(page).locator('li.done', { hasText: 'Canon-2.tif' }).waitFor();
    await page.keyboard.press('q');
  });
});

describe.skipIf(chromiumPath === undefined)('a host that is killed', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const written = path.join(photos, 'Nightglass');
  const count = 5;
  let window: OpenPage | undefined;
  let host: ChildProcess | undefined;

  const start = (): Promise<string> => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'host.ts'), root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    host = child;
    const lines = createInterface(child.stdout);
    return new Promise((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', () => {
        reject(new Error('expected an address of the host but it ended'));
      });
    });
  };

  beforeAll(async () => {
    writeSmallModel(path.join(root, 'models'));
    writeSmallDngs(photos, count, { width: 320, height: 240 });
    await buildPage(root);
  });

  afterAll(async () => {
    await window?.close();
    host?.kill('SIGKILL');
  });

  test('in mid-queue goes on where it was when it is started again', async () => {
    window = await openPage(await start());
    const { page } = window;
    page.setDefaultTimeout(patienceMs);
    await cell(page, '1.dng').waitFor();
    await enhanceAll(page);
    await soon(() => existsSync(path.join(written, '1.tif'))).toBe(true);
    host?.kill('SIGKILL');
    await page.getByRole('heading', { name: 'Nightglass cannot be reached' }).waitFor();

    await page.goto(await start());
    await cell(page, '1.dng').waitFor();
    // The same queue, nobody asked anew.
    await page.keyboard.press('q');
    await queuePanel(page).getByText(`${count} / ${count}`).waitFor();
    expect(await queuePanel(page).locator('li.failed').count()).toBe(0);
    // No picture twice, none half-written. An engine that lived a little longer than its host may
    // have left a temporary file, which the next export into this folder takes away.
    const names = Array.from({ length: count }, (_, index) => `${index + 1}.tif`);
    const there = readdirSync(written).filter((name) => !name.startsWith('.nightglass-'));
    expect(there.sort()).toEqual(names.sort());
    for (const name of names) {
      const { width, height } = await sharp(path.join(written, name)).metadata();
      expect([width, height].sort()).toEqual([240, 320]);
    }
  });

  test('while nothing is asked of it is missed all the same', async () => {
    window ??= await openPage(await start());
    const { page } = window;
    await cell(page, '1.dng').locator('img.bright').waitFor();
    await page.waitForLoadState('networkidle');
    host?.kill('SIGKILL');
    await page.getByRole('heading', { name: 'Nightglass cannot be reached' }).waitFor();
  });
});
