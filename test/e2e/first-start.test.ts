/**
 * The first minutes with the app: the welcome, the keys, the sample night with the shipped model, and
 * hints that go for good. With NIGHTGLASS_DOCS=1 the README's pictures of the app are taken on the way.
 */

import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultModelId } from '../../main/network/manifest.ts';
import { temporaryFolder } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { developKeys, libraryKeys, windowKeys } from '../../renderer/keys.ts';
import { strings } from '../../renderer/strings.ts';
import { brightness, expectAccessible, openWindow, type OpenWindow } from './window.ts';

const home = path.join(import.meta.dirname, '../..');
const night = path.join(home, 'test/fixtures/night.dng');
const isDocs = process.env['NIGHTGLASS_DOCS'] === '1';

const soon = <T>(what: () => T) => expect.poll(what, { timeout: 100_000 });

describe.skipIf(chromiumPath === undefined)('a first start', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let opened: OpenWindow;

  beforeAll(async () => {
    mkdirSync(photos);
    opened = await openWindow(root, { modelsFolder: path.join(home, 'models') });
    await opened.app.settings.write({ model: defaultModelId, threads: 0 });
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const settled = () =>
    opened.page.locator('.busy').waitFor({ state: 'detached', timeout: 120_000 });
  const seen = () => opened.app.settings.current.hintsSeen;

  async function takePicture(name: string): Promise<void> {
    if (!isDocs) return;
    const { page } = opened;
    const before = page.viewportSize() ?? { width: 1280, height: 800 };
    await page.setViewportSize({ width: 1320, height: 825 });
    await settled();
    // What fades is over.
    await page.waitForTimeout(1500);
    const shot = await page.screenshot();
    await sharp(shot)
      .jpeg({ quality: 80, mozjpeg: true })
      .toFile(path.join(home, 'docs', name));
    await page.setViewportSize(before);
    await settled();
  }

  test('shows what it does, and every key there is', async () => {
    const { page } = opened;
    const picture = page.getByRole('img', { name: strings.sampleSays });
    await soon(() =>
      picture.evaluate((image) => (image instanceof HTMLImageElement ? image.naturalWidth : 0)),
    ).toBeGreaterThan(500);
    await expectAccessible(page, 'first-start');
    await page.keyboard.press('?');
    const sheet = page.getByRole('dialog', { name: strings.help });
    for (const { command } of [...windowKeys, ...libraryKeys, ...developKeys]) {
      const row = sheet.getByText(strings.commands[command], { exact: true });
      expect(await row.count(), command).toBeGreaterThan(0);
    }
    await expectAccessible(page, 'help');
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
  });

  test('opens the sample night in one click, and hints go with what they ask for', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: strings.trySample }).click();
    await page.getByRole('img', { name: /night\.dng/ }).waitFor();
    await settled();
    expect(await brightness(page)).toBeGreaterThan(30);
    await page.getByText(strings.hintDevelop).waitFor();
    await expectAccessible(page, 'sample');
    await page.getByRole('slider', { name: strings.ratio }).focus();
    await page.keyboard.press('ArrowRight');
    await soon(seen).toContain('develop');
    const hint = page.getByRole('complementary', { name: strings.hint });
    await hint.getByText('brightened only').waitFor();
    await settled();
    // The slider keeps its arrows, and lets go of the other keys.
    await page.keyboard.press('y');
    await soon(seen).toContain('compare');
    await soon(() => hint.count()).toBe(0);
    await settled();
    await takePicture('develop.jpg');
  });

  test('shows before and after side by side, and moves both together', async () => {
    const { page } = opened;
    await page.keyboard.press('Shift+Y');
    await settled();
    await page.keyboard.press('z');
    await settled();
    await takePicture('side-by-side.jpg');
    /** Of one half of the picture, so blurred that its grain is gone. */
    const half = async (left: number): Promise<Buffer> => {
      const box = await page.locator('canvas').boundingBox();
      if (box === null) throw new Error('expected a picture on the screen');
      const clip = {
        x: box.x + left * box.width + 4,
        y: box.y + 60,
        width: box.width * 0.4,
        height: box.height - 120,
      };
      return sharp(await page.screenshot({ clip }))
        .greyscale()
        .resize(12, 12, { fit: 'fill' })
        .raw()
        .toBuffer();
    };
    const apart = (a: Buffer, b: Buffer): number =>
      a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
    const first = await half(0);
    await soon(async () => apart(await half(0), await half(0.5))).toBeLessThan(30);
    for (let press = 0; press < 2; press++) await page.keyboard.press('Shift+ArrowRight');
    await settled();
    await soon(async () => apart(first, await half(0))).toBeGreaterThan(5);
    await soon(async () => apart(await half(0), await half(0.5))).toBeLessThan(30);
    await page.keyboard.press('Shift+Y');
    expect(readFileSync(night).length).toBeGreaterThan(1e6);
  });

  test.runIf(isDocs)('has a library to show', async () => {
    const { page, app } = opened;
    for (let index = 0; index < 11; index++)
      copyFileSync(night, path.join(photos, `DSC_0${412 + index}.dng`));
    await page.keyboard.press('g');
    await page.getByRole('button', { name: 'Sample night' }).click();
    await page.getByLabel(strings.folderPath).fill(photos);
    await page.getByRole('dialog').getByRole('button', { name: strings.open, exact: true }).click();
    await page.locator('.cell').nth(10).waitFor();
    const ids = app.library.current.photos.map(({ id }) => id);
    for (const [index, id] of ids.entries()) {
      const side = 0.5 + (index % 3) * 0.25;
      await app.library.writeEdits([id], {
        ratio: 44 + 3 * index,
        whiteBalance: { kelvin: 3000 + 260 * index, tint: (index % 4) * 6 },
        crop: {
          x: ((index * 0.37) % 1) * (1 - side),
          y: ((index * 0.23) % 1) * (1 - side),
          width: side,
          height: side,
        },
      });
      await app.library.rate([id], (index * 7) % 6);
    }
    await expect
      .poll(() => page.locator('img.bright').count(), { timeout: 120_000 })
      .toBeGreaterThan(10);
    await page.setViewportSize({ width: 1320, height: 825 });
    await takePicture('library.jpg');
  });
});
