/** Pairs of every kind of fault, dark frames, and a host that is killed while it trains: all in the window. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { temporaryFolder, writeSmallModel } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { writeFrames } from '../calibration/made-frames.ts';
import {
  burntOut,
  movedBy,
  pairOf,
  sceneOf,
  writePair,
  writeRaw,
} from '../training/pairs/made-pairs.ts';
import { writePhotos } from '../training/photos/made-photos.ts';
import {
  buildPage,
  expectAccessible,
  openPage,
  openWindow,
  type OpenPage,
  type OpenWindow,
} from './window.ts';

/** Waits longer than vitest would by itself: the machine may have other work. */
const patienceMs = 90_000;
vi.setConfig({ testTimeout: 3 * patienceMs, hookTimeout: 2 * patienceMs });
const soon = <T>(what: () => T) => expect.poll(what, { timeout: patienceMs });

const toTrain = (page: Page) =>
  page.getByRole('navigation', { name: 'Screens' }).getByText('Train').click();

async function chooseFolder(page: Page, label: string, ...names: readonly string[]): Promise<void> {
  await page.getByRole('group', { name: label }).getByRole('button').click();
  const dialog = page.getByRole('dialog');
  for (const name of names) await dialog.getByRole('button', { name, exact: true }).click();
  const last = names.at(-1) ?? '';
  await soon(() => dialog.getByLabel('Path of a folder').inputValue()).toMatch(
    new RegExp(`[/\\\\]${last}$`),
  );
  await dialog.getByRole('button', { name: 'Open', exact: true }).click();
}

async function setNumbers(page: Page, numbers: Readonly<Record<string, string>>): Promise<void> {
  await page.getByText('More', { exact: true }).click();
  for (const [name, value] of Object.entries(numbers)) {
    await page.getByLabel(name, { exact: true }).fill(value);
  }
}

const quick = {
  'Patches in a step': '1',
  'Side of a patch, packed pixels (a multiple of 16)': '32',
  'Steps between checkpoints': '5',
};

describe.skipIf(chromiumPath === undefined)('pairs and dark frames', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let opened: OpenWindow;

  beforeAll(async () => {
    const pairs = path.join(photos, 'pairs');
    const scene = (seed: number) => pairOf(sceneOf(seed, [288, 224]), { ratio: 20, seed });
    for (const seed of [1, 2, 3]) await writePair(pairs, `0000${seed}`, scene(seed));
    const moved = scene(4);
    await writePair(pairs, '00004', {
      short: movedBy(moved.short, 0, 0, 24),
      long: movedBy(moved.long, 12, 8, 24),
    });
    const burnt = scene(5);
    await writePair(pairs, '00005', { ...burnt, long: burntOut(burnt.long) });
    const cut = await writePair(pairs, '00006', scene(6));
    writeFileSync(cut.short, readFileSync(cut.short).subarray(0, 400));
    await writeRaw(path.join(pairs, 'short', '00008_00_0.1s.dng'), scene(8).short);
    for (const name of ['dark', 'flat']) mkdirSync(path.join(photos, name));
    writeFrames(path.join(photos, 'dark'), 'dark', 3, {});
    writeFrames(path.join(photos, 'flat'), 'flat', 2, { lightDn: 6000, seed: 3 });
    await writePhotos(path.join(photos, 'clean'), 3, 200);
    opened = await openWindow(root);
    opened.page.setDefaultTimeout(patienceMs);
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const button = (name: string | RegExp) => opened.page.getByRole('button', { name });

  test('shows every pair side by side and says what is wrong with it', async () => {
    const { page } = opened;
    await toTrain(page);
    await expectAccessible(page, 'train-have');
    await chooseFolder(page, 'Folder of exposures', 'photos', 'pairs');
    await button('Next').click();
    await page.getByText('3 pairs to learn from').waitFor();
    await page.getByText('3 pairs with a fault').waitFor();
    await page.getByText(/burnt out: nothing can be learned there/).waitFor();
    const picture = page.getByRole('img', { name: /^00001_00_.*, brightened$/ });
    await soon(() =>
      picture.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth > 0),
    ).toBe(true);
    await expectAccessible(page, 'train-check-pairs');
    await page.setViewportSize({ width: 1024, height: 700 });
    await expectAccessible(page, 'train-check-pairs-small');
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  test('takes a pair in by hand, leaves one out, and trains for the camera that took them', async () => {
    const { page, app } = opened;
    await page.getByLabel(/^Take in .*00004/).check();
    await page.getByText('4 pairs to learn from').waitFor();
    await page.getByLabel(/^Leave out .*00001/).uncheck();
    await page.getByText('3 pairs to learn from').waitFor();
    await page.getByText('1 file without a partner').click();
    await page.getByText('00008_00_0.1s.dng').waitFor();
    await button('Next').click();
    await page.getByText(/measured just now on this computer/).waitFor();
    await expectAccessible(page, 'train-long-pairs');
    await setNumbers(page, { ...quick, Steps: '12', 'Steps between validations': '6' });
    await button('Next').click();
    expect(await page.getByLabel(/Name of the model/).inputValue()).toBe('SONY ILCE-7SM2');
    await button('Start training').click();
    await page.getByRole('heading', { name: 'Your model' }).waitFor();
    await page.getByRole('heading', { name: 'Compared with what it began with' }).waitFor();
    await expectAccessible(page, 'train-done-pairs');
    await button('Use from now on').click();
    await soon(() => app.settings.current.cameraModels).toEqual({
      'SONY ILCE-7SM2': 'sony-ilce-7sm2',
    });
  });

  test('measures a camera from dark frames, with a guide, and draws its noise', async () => {
    const { page, app } = opened;
    await button('New training').click();
    await page.getByRole('radio', { name: /Clean photos/ }).check();
    await page.getByLabel(/Of my camera, measured from dark frames/).check();
    await page.getByText('Shut out all light', { exact: false }).waitFor();
    await expectAccessible(page, 'train-guide');
    await chooseFolder(page, 'Folder of clean photos', 'photos', 'clean');
    expect(await button('Next').isDisabled()).toBe(true);
    await chooseFolder(page, 'Folder of dark frames', 'The folder above', 'dark');
    await chooseFolder(page, 'Folder of flat frames', 'The folder above', 'flat');
    await button('Next').click();
    await page.getByRole('heading', { name: 'Measured noise: NIGHT Owl 1' }).waitFor();
    await page.getByRole('img', { name: /^Histogram of the noise at ISO 1600/ }).waitFor();
    await page.getByText('3 photos to learn from').waitFor();
    await expectAccessible(page, 'train-check-noise');
    await app.settings.write({ theme: 'light' });
    await expectAccessible(page, 'train-check-noise-light');
    await app.settings.write({ theme: 'dark' });
    await button('Back').click();
    await page.getByLabel(/NIGHT Owl 1, measured on/).waitFor();
  });
});

describe.skipIf(chromiumPath === undefined)('a host that is killed while it trains', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let page: OpenPage | undefined;
  let host: ChildProcess | undefined;

  const start = async (): Promise<Page> => {
    const program = path.join(import.meta.dirname, 'host.ts');
    host = spawn(process.execPath, [program, root], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (host.stdout === null) throw new Error('expected what the host prints');
    const address = await new Promise<string>((resolve) => {
      createInterface({ input: host?.stdout ?? process.stdin }).once('line', resolve);
    });
    page = await openPage(address);
    page.page.setDefaultTimeout(patienceMs);
    return page.page;
  };
  const kill = async (): Promise<void> => {
    const ended = new Promise((resolve) => host?.once('exit', resolve));
    host?.kill('SIGKILL');
    await ended;
    await page?.close();
  };

  beforeAll(async () => {
    writeSmallModel(path.join(root, 'models'));
    await writePhotos(path.join(photos, 'clean'), 3, 200);
    await buildPage(root);
  });
  afterAll(kill);

  test('finds the run again, and goes on from where it was', async () => {
    const first = await start();
    await toTrain(first);
    await first.getByRole('radio', { name: /Clean photos/ }).check();
    await chooseFolder(first, 'Folder of clean photos', 'clean');
    await first.getByRole('button', { name: 'Next' }).click();
    await first.getByText('3 photos to learn from').waitFor();
    await first.getByRole('button', { name: 'Next' }).click();
    await first.getByText(/measured just now on this computer/).waitFor();
    await setNumbers(first, { ...quick, Steps: '1000000' });
    await first.getByRole('button', { name: 'Next' }).click();
    await first.getByLabel(/Name of the model/).fill('Survivor');
    await first.getByRole('button', { name: 'Start training' }).click();
    await first.getByRole('img', { name: /^Training loss/ }).waitFor();
    await kill();

    const again = await start();
    await again.getByRole('button', { name: 'Training was interrupted' }).click();
    await again.getByRole('heading', { name: 'Survivor', level: 1 }).waitFor();
    await again
      .getByText(/^Interrupted/)
      .first()
      .waitFor();
    await expectAccessible(again, 'train-found-again');
    await again.getByRole('button', { name: 'Go on' }).click();
    await again.getByRole('button', { name: 'Pause' }).waitFor();
    await again.getByText('A step takes').waitFor();
    await again.getByRole('button', { name: 'Stop' }).click();
    await again.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
    await again
      .getByText(/^Stopped/)
      .first()
      .waitFor();
  });
});
