/** An evening with the app: open a folder of good, bad and odd files, look, develop, compare, export, cancel. */

import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, onTestFinished } from 'vitest';
import { smallDng, takenAtHour, temporaryFolder } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { enhanceAll, brightness, expectAccessible, openWindow, type OpenWindow } from './window.ts';

/** Waits longer than vitest would by itself: the machine may have other work. */
const soon = <T>(what: () => T) => expect.poll(what, { timeout: 100_000 });

describe.skipIf(chromiumPath === undefined)('an evening', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const written = path.join(photos, 'Nightglass');
  let opened: OpenWindow;

  beforeAll(async () => {
    mkdirSync(photos, { recursive: true });
    for (const [hour, name] of ['a.dng', 'b.dng', 'c.dng'].entries()) {
      const size = { width: 640, height: 426, orientation: 1 } as const;
      writeFileSync(path.join(photos, name), smallDng({ ...takenAtHour(hour), ...size }));
    }
    writeFileSync(path.join(photos, 'upright.dng'), smallDng({ orientation: 6 }));
    writeFileSync(path.join(photos, 'cut.dng'), smallDng().subarray(0, 300));
    writeFileSync(path.join(photos, 'letter.ARW'), 'Dear Nightglass, this is no photo.');
    const raw = path.join(import.meta.dirname, '../fixtures/raw/Kodak_DC50_DC50IMG_DC0008L.KDC');
    copyFileSync(raw, path.join(photos, 'old.KDC'));
    opened = await openWindow(root);
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const cell = (name: string) => opened.page.locator('.cell', { hasText: name });
  const settled = () => opened.page.locator('.busy').waitFor({ state: 'detached' });

  test('begins with a welcome and opens a folder that is named', async () => {
    const { page } = opened;
    await page.getByRole('heading', { name: 'See in the dark' }).waitFor();
    await expectAccessible(page, 'welcome');
    await page.getByRole('main').getByRole('button', { name: 'Open folder' }).click();
    await page.getByRole('dialog').getByText('photos', { exact: true }).click();
    await page.getByText('7 RAW photos in this folder').waitFor();
    await expectAccessible(page, 'browse');
    await page.getByRole('dialog').getByRole('button', { name: 'Open', exact: true }).click();
    await cell('a.dng').waitFor();
    expect(await page.locator('.cell').count()).toBe(7);
  });

  test('shows what each photo was taken with, and why a bad one is bad', async () => {
    const { page } = opened;
    await cell('a.dng').locator('.ratio').waitFor();
    await cell('cut.dng').locator('.failed').first().waitFor();
    await cell('letter.ARW').locator('.failed').first().waitFor();
    expect(await cell('letter.ARW').locator('.second').textContent()).toContain('It holds text');
    await cell('a.dng').locator('img.bright').waitFor();
    const isDrawn = await cell('a.dng')
      .locator('img.bright')
      .evaluate((image) =>
        image instanceof HTMLImageElement
          ? image.decode().then(() => image.naturalWidth)
          : Promise.resolve(0),
      );
    expect(isDrawn).toBeGreaterThan(100);
    await expectAccessible(page, 'library');
  });

  test('is moved through, rated, searched and selected by keyboard', async () => {
    const { page } = opened;
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('4');
    await soon(() => cell('b.dng').locator('.given').count()).toBe(4);
    await page.keyboard.press('Shift+ArrowRight');
    expect(await page.locator('.cell[aria-selected=true]').count()).toBe(2);
    await page.keyboard.press('Control+a');
    expect(await page.locator('.cell[aria-selected=true]').count()).toBe(7);
    // By what stands in the files, which are all looked into for it; those that cannot be come last.
    await page.getByLabel('Sort by').selectOption('iso');
    await soon(() => page.locator('.cell').first().textContent()).toContain('old.KDC');
    await soon(() => page.locator('.cell').last().textContent()).toContain('letter.ARW');
    await page.getByLabel('Sort by').selectOption('name');
    await page.keyboard.press('Control+f');
    await page.keyboard.type('upr');
    await soon(() => page.locator('.cell').count()).toBe(1);
    await page.keyboard.press('Escape');
    await soon(() => page.locator('.cell').count()).toBe(7);
    await page.getByLabel('Rating').selectOption('4');
    await soon(() => page.locator('.cell').count()).toBe(1);
    await page.getByLabel('Rating').selectOption('0');
  });

  test('says of a bad photo that it cannot be developed, and goes on to the next', async () => {
    const { page } = opened;
    await cell('cut.dng').dblclick();
    await page.getByRole('heading', { name: 'cut.dng cannot be developed' }).waitFor();
    await expectAccessible(page, 'develop-failed');
    await page.keyboard.press('g');
    await cell('a.dng').waitFor();
  });

  test('develops a photo; the ratio answers before the network does, and can be undone', async () => {
    const { page } = opened;
    await cell('a.dng').dblclick();
    const ratio = page.getByRole('slider', { name: 'Exposure ratio' });
    await page.getByRole('img', { name: /a\.dng/ }).waitFor();
    await settled();
    await expectAccessible(page, 'develop');
    const number = page.getByRole('textbox', { name: 'Exposure ratio' });
    await number.fill('2');
    // The network follows a moment after the slider rests.
    const followed = page.waitForResponse(/\/photo\/tile\/\w+\/small\/2\//);
    await number.press('Enter');
    await followed;
    await settled();
    const dark = await brightness(page);
    await ratio.focus();
    // No tile of another ratio may come: what is seen now is the shader's own.
    const gate = Promise.withResolvers<void>();
    await page.route('**/photo/tile/**', async (route) => {
      await gate.promise;
      await route.continue().catch(() => undefined);
    });
    const openGate = async (): Promise<void> => {
      gate.resolve();
      await page.unroute('**/photo/tile/**');
    };
    // Whatever happens: the tests that follow want their tiles.
    onTestFinished(openGate);
    // At once, however busy the machine is: presses seconds apart would be runs of their own.
    await ratio.evaluate(async (slider) => {
      for (let step = 0; step < 6; step++) {
        const press = { key: 'ArrowRight', shiftKey: true, bubbles: true, cancelable: true };
        slider.dispatchEvent(new KeyboardEvent('keydown', press));
        slider.dispatchEvent(new KeyboardEvent('keyup', press));
        await new Promise((resolve) => setTimeout(resolve));
      }
    });
    const before = Number((await number.inputValue()).replace('×', ''));
    expect(before).toBeGreaterThan(6);
    await soon(() => brightness(page)).toBeGreaterThan(dark * 1.1);
    await openGate();
    // The presses were one run, and are undone as one.
    await page.keyboard.press('Control+z');
    await soon(() => number.inputValue()).toBe('×2');
    await settled();
    await soon(async () => Math.abs((await brightness(page)) - dark)).toBeLessThan(2);
  });

  test('compares with the plain picture, zooms, turns and crops', async () => {
    const { page } = opened;
    await page.keyboard.press('y');
    const line = page.getByRole('slider', { name: 'Line between before and after' });
    await line.waitFor();
    const [x, box] = [await line.boundingBox(), await page.locator('canvas').boundingBox()];
    if (x === null || box === null) throw new Error('expected a line over the picture');
    await page.mouse.move(x.x + 11, x.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.25, x.y + 60);
    await page.mouse.up();
    expect(Number(await line.getAttribute('aria-valuenow'))).toBe(25);
    await settled();
    await expectAccessible(page, 'compare');

    await page.keyboard.press('Shift+Y');
    const second = await page.locator('.tag', { hasText: 'After' }).boundingBox();
    expect(second?.x).toBeGreaterThan(box.x + box.width / 2);
    await settled();
    await expectAccessible(page, 'beside');
    await page.keyboard.press('Shift+Y');
    await page.keyboard.press('o');
    await page.getByText('the network guessed').waitFor();
    await expectAccessible(page, 'guessed');
    await page.keyboard.press('j');
    await page.getByText('White without detail').waitFor();
    await page.keyboard.press('j');

    await page.getByRole('button', { name: '200 %' }).click();
    await page.getByText('200 %').nth(1).waitFor();
    await settled();
    await page.keyboard.press('z');
    // This small photo fits above 100 %, and is shown at 100 % all the same.
    const percent = page.locator('.percent');
    await soon(async () => parseFloat((await percent.textContent()) ?? '')).toBeGreaterThan(100);
    await page.keyboard.press('z');
    await soon(() => percent.textContent()).toBe('100 %');
    await page.keyboard.press('z');

    await page.keyboard.press(']');
    await page.keyboard.press('r');
    await page.getByRole('button', { name: 'Top left corner' }).focus();
    for (let step = 0; step < 3; step++) await page.keyboard.press('Shift+ArrowRight');
    await expectAccessible(page, 'crop');
    await page.keyboard.press('Escape');
  });

  test('asks how to export, and writes a TIFF as framed', async () => {
    const { page } = opened;
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('For example a.tif').waitFor();
    await expectAccessible(page, 'export');
    await dialog.getByText('TIFF', { exact: true }).click();
    await dialog.getByText('16 bit').click();
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByText('1 / 1').first().waitFor();
    const file = path.join(written, 'a.tif');
    await soon(() => existsSync(file)).toBe(true);
    const { width, height, depth } = await sharp(file).metadata();
    // Turned by a quarter and a little narrower for the crop.
    expect(depth).toBe('ushort');
    expect(height).toBe(640);
    expect(width).toBeGreaterThan(200);
    expect(width).toBeLessThan(426);
  });

  test('writes a PNG with one click, once a preset of it was made', async () => {
    const { page } = opened;
    await page.keyboard.press('e');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('PNG', { exact: true }).click();
    await dialog.getByText('8 bit').click();
    await dialog.getByLabel('Name of the preset').fill('Quick PNG');
    await dialog.getByRole('button', { name: 'Save as new preset' }).click();
    await dialog.getByLabel('Let one click do this from now on').check();
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await soon(() => existsSync(path.join(written, 'a.png'))).toBe(true);
    await page.keyboard.press('ArrowRight');
    await page.getByRole('img', { name: /b\.dng/ }).waitFor();
    await settled();
    await page
      .getByRole('toolbar', { name: 'View and tools' })
      .getByRole('button', { name: 'Export → Quick PNG' })
      .click();
    await soon(() => existsSync(path.join(written, 'b.png'))).toBe(true);
    const { width, height } = await sharp(readFileSync(path.join(written, 'b.png'))).metadata();
    expect([width, height]).toEqual([640, 426]);
  });

  test('pauses, cancels and leaves nothing half-written', async () => {
    const { page, app } = opened;
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    const panel = page.getByRole('complementary', { name: 'Export queue' });
    await panel.waitFor();
    app.queue.pause();
    await enhanceAll(page);
    await panel.getByText('Paused').waitFor();
    await panel.getByText('Waiting').first().waitFor();
    await expectAccessible(page, 'queue-paused');
    const files = readdirSync(written).sort();
    await panel.getByRole('button', { name: 'Cancel', exact: true }).click();
    await panel.getByText('Cancelled').first().waitFor();
    expect(await panel.getByText('Waiting').count()).toBe(0);
    expect(readdirSync(written).sort()).toEqual(files);
    app.queue.resume();
    await panel.getByRole('button', { name: 'Try the failed again', exact: true }).click();
    await soon(() => existsSync(path.join(written, 'c.png'))).toBe(true);
    await panel.getByText('It holds text, no camera RAW file').first().waitFor();
    await expectAccessible(page, 'queue-failed');
    await page.keyboard.press('q');
  });

  test('has settings that can be read and changed', async () => {
    const { page, app } = opened;
    await page.getByRole('button', { name: 'Settings' }).click();
    const dialog = page.getByRole('dialog');
    for (const name of ['Export', 'Processing', 'Models', 'About']) {
      await dialog.getByRole('navigation').getByRole('button', { name }).click();
      if (name === 'Processing')
        await dialog.getByText('Processor', { exact: true }).last().waitFor();
      if (name === 'Models') await dialog.getByText('Untrained, for tests.').waitFor();
      if (name === 'About') await dialog.getByText('LibRaw').first().waitFor();
      await expectAccessible(page, `settings-${name.toLowerCase()}`);
    }
    await dialog.getByRole('navigation').getByRole('button', { name: 'General' }).click();
    await dialog.getByText(/^[1-9]\d* thumbnails?, /).waitFor();
    const thumbnails = path.join(root, 'data', 'thumbnails');
    const kept = globSync('**/*.jpg', { cwd: thumbnails });
    expect(kept.length).toBeGreaterThan(5);
    await dialog.getByRole('button', { name: 'Clear', exact: true }).click();
    await soon(() => kept.some((name) => existsSync(path.join(thumbnails, name)))).toBe(false);
    await dialog.getByText('Light', { exact: true }).click();
    await soon(() => app.settings.current.theme).toBe('light');
    await expectAccessible(page, 'settings-light');
    await page.keyboard.press('Escape');
    await expectAccessible(page, 'library-light');
    await cell('b.dng').dblclick();
    await settled();
    await expectAccessible(page, 'develop-light');
  });

  test('comes back as it was when the window is loaded again', async () => {
    const { page } = opened;
    await page.setViewportSize({ width: 1024, height: 700 });
    await page.reload();
    await cell('a.dng').locator('.state.exported').waitFor();
    await cell('a.dng').dblclick();
    await settled();
    expect(await page.getByRole('textbox', { name: 'Exposure ratio' }).inputValue()).toBe('×2');
    await expectAccessible(page, 'develop-small');
  });
});
