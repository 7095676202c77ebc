/** The packed app: natives unpacked, threads and engine out of the archive, and a picture at the end. */

import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { chromium, type Browser } from 'playwright-core';
import { afterAll, describe, expect, test, vi } from 'vitest';

import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { environment, switches } from './desktop.ts';

/** The program that electron-builder packed, `dist/linux-unpacked/nightglass` for example. */
const packaged = process.env['NIGHTGLASS_PACKAGED'];
if (packaged === undefined) {
  console.warn(
    'skipped: the test of the packed app wants its program named by NIGHTGLASS_PACKAGED',
  );
}

const patienceMs = 120_000;
vi.setConfig({ testTimeout: 2 * patienceMs });

describe.skipIf(packaged === undefined)('the packed app', () => {
  const root = temporaryFolder();
  let child: ChildProcess | undefined;
  let browser: Browser | undefined;

  afterAll(async () => {
    await browser?.close();
    child?.kill();
  });

  test('opens a folder and brightens a photo', async () => {
    const photos = path.join(root, 'photos');
    writeSmallDngs(photos, 1, { width: 640, height: 426 });
    // Its fuses shut Node's inspector, which Playwright would come in by; Chromium's own stays.
    const started = spawn(
      packaged ?? '',
      [...switches, '--remote-debugging-port=0', path.resolve(photos)],
      {
        env: { ...environment(), NIGHTGLASS_DATA: path.join(root, 'data') },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    child = started;
    const address = await new Promise<string>((resolve, reject) => {
      createInterface(started.stderr).on('line', (line) => {
        const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
      started.once('exit', (code) => {
        reject(new Error(`expected a window but the app ended with status ${String(code)}`));
      });
    });
    browser = await chromium.connectOverCDP(address);
    const context = browser.contexts()[0];
    if (context === undefined) throw new Error('expected a window');
    const page = context.pages()[0] ?? (await context.waitForEvent('page'));
    page.setDefaultTimeout(patienceMs);
    await page.locator('.cell', { hasText: '1.dng' }).locator('img.bright').waitFor();
    expect(await page.evaluate('location.origin')).toBe('app://nightglass');
  });
});
