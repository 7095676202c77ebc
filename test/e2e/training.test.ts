/** From a folder of clean photos to an export with a model of one's own, in the window, with the real runner. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readRun, writeRun } from '../../main/training/run/folder.ts';
import { smallDng, temporaryFolder } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { writePhotos } from '../training/photos/made-photos.ts';
import { enhanceAll, expectAccessible, openWindow, type OpenWindow } from './window.ts';

/** Waits longer than vitest would by itself: the machine may have other work. */
const patienceMs = 90_000;
vi.setConfig({ testTimeout: 3 * patienceMs, hookTimeout: 2 * patienceMs });
const soon = <T>(what: () => T) => expect.poll(what, { timeout: patienceMs });

describe.skipIf(chromiumPath === undefined)('a model of one’s own', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const clean = path.join(photos, 'clean');
  const nights = path.join(photos, 'nights');
  let opened: OpenWindow;

  beforeAll(async () => {
    mkdirSync(nights, { recursive: true });
    await writePhotos(clean, 4, 300);
    const whole = readFileSync(path.join(clean, 'made-0.png'));
    writeFileSync(path.join(clean, 'cut.png'), whole.subarray(0, whole.length / 2));
    writeFileSync(
      path.join(nights, 'a.dng'),
      smallDng({ width: 320, height: 240, orientation: 1 }),
    );
    opened = await openWindow(root);
    opened.page.setDefaultTimeout(patienceMs);
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const button = (name: string | RegExp) => opened.page.getByRole('button', { name });
  const chooseFolder = async (...names: readonly string[]): Promise<void> => {
    const dialog = opened.page.getByRole('dialog');
    for (const name of names) await dialog.getByRole('button', { name, exact: true }).click();
    await expect
      .poll(() => dialog.getByLabel('Path of a folder').inputValue())
      .toMatch(new RegExp(`${names.at(-1) ?? ''}$`));
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
  };

  test('asks what there is, and takes a folder', async () => {
    const { page } = opened;
    await page.getByRole('navigation', { name: 'Screens' }).getByText('Train').click();
    await page.getByRole('heading', { name: 'What do you have?' }).waitFor();
    expect(await button('Next').isDisabled()).toBe(true);
    await page.getByRole('radio', { name: /Clean photos/ }).check();
    await expectAccessible(page, 'train-have-photos');
    await button('Choose').click();
    await chooseFolder('photos', 'clean');
    await button('Next').click();
  });

  test('shows every photo, says what is wrong, and leaves out what is not wanted', async () => {
    const { page } = opened;
    await page.getByText('4 photos to learn from').waitFor();
    await page.getByText('1 file cannot be read and is left out').waitFor();
    const picture = page.getByRole('list', { name: 'Photos to learn from' }).locator('img').first();
    await soon(() =>
      picture.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth > 0),
    ).toBe(true);
    await page.getByLabel('Leave out made-3.png').uncheck();
    await page.getByText('3 photos to learn from').waitFor();
    await page.getByLabel('Take in made-3.png').check();
    await page.getByText('4 photos to learn from').waitFor();
    await expectAccessible(page, 'train-check-photos');
    await button('Next').click();
  });

  test('measures a step here, and lets every number be set', async () => {
    const { page } = opened;
    await page.getByText(/measured just now on this computer/).waitFor();
    await expectAccessible(page, 'train-long');
    await page.getByText('More', { exact: true }).click();
    const steps = page.getByLabel('Steps', { exact: true });
    await steps.fill('many');
    await page.getByText('from 1 to 100,000,000').waitFor();
    await expectAccessible(page, 'train-long-wrong');
    for (const [name, value] of [
      ['Steps', '30'],
      ['Patches in a step', '1'],
      ['Side of a patch, packed pixels (a multiple of 16)', '32'],
      ['Steps between checkpoints', '5'],
      ['Steps between validations', '10'],
    ] as const) {
      await page.getByLabel(name, { exact: true }).fill(value);
    }
    await steps.press('Enter');
    await page.getByText(/^30 steps of/).waitFor();
    await button('Next').click();
  });

  test('trains, and draws how it goes', async () => {
    const { page } = opened;
    await page.getByLabel(/Name of the model/).fill('My camera');
    await expectAccessible(page, 'train-start');
    await button('Start training').click();
    await page.getByRole('heading', { name: 'My camera', level: 1 }).waitFor();
    await page.getByRole('heading', { name: 'Your model' }).waitFor();
    await page.getByRole('img', { name: /^Quality on pictures .* at step 30/ }).waitFor();
    await page.getByRole('img', { name: /^Training loss: .* at step 30/ }).waitFor();
    const example = page.getByRole('img', { name: /^Developed: .* at step 30/ }).first();
    await soon(() =>
      example.evaluate((image) => image instanceof HTMLImageElement && image.naturalWidth),
    ).toBe(256);
    await expectAccessible(page, 'train-done');
  });

  test('has curves that keys look closer at', async () => {
    const { page } = opened;
    const curve = page.getByRole('img', { name: /^Training loss/ });
    await curve.focus();
    await page.keyboard.press('+');
    await page.keyboard.press('ArrowRight');
    await curve.getByText(/^step \d+: /).waitFor();
    const figure = page.getByRole('figure', { name: 'Training loss' });
    await figure.getByRole('button', { name: 'Show all' }).click();
    expect(await figure.getByRole('button', { name: 'Show all' }).isDisabled()).toBe(true);
  });

  test('is used for all photos from then on, and exports with it', async () => {
    const { page, app } = opened;
    await button('Use from now on').click();
    await soon(() => app.settings.current.model).toBe('my-camera');
    await page.getByText('Used for all photos', { exact: true }).waitFor();
    await page
      .getByRole('button', { name: /Open folder/ })
      .first()
      .click();
    await chooseFolder('photos', 'nights');
    await enhanceAll(page);
    await soon(() => existsSync(path.join(nights, 'Nightglass', 'a.tif'))).toBe(true);
    await soon(() => app.queue.state.items.map(({ state }) => state)).toEqual(['done']);
  });

  test('goes on after the page was loaded again, rests, and stops with a model', async () => {
    const { page, app } = opened;
    await page.getByRole('navigation', { name: 'Screens' }).getByText('Train').click();
    await button('New training').click();
    await button('Next').click();
    await button('Next').click();
    await page.getByText(/steps of/).waitFor();
    await page.getByText('More', { exact: true }).click();
    await page.getByLabel('Steps', { exact: true }).fill('100000');
    await button('Next').click();
    await page.getByLabel(/Name of the model/).fill('A long one');
    await button('Start training').click();
    await button('Pause').waitFor();
    await page.reload();
    await button(/^Training \d+ %$/).click();
    await page.getByRole('heading', { name: 'A long one', level: 1 }).waitFor();
    await page.getByRole('img', { name: /^Training loss/ }).waitFor();
    await button('Pause').click();
    await page
      .getByRole('status')
      .getByText(/^Paused/)
      .or(page.locator('.state.paused'))
      .first()
      .waitFor();
    await page.setViewportSize({ width: 1024, height: 700 });
    await expectAccessible(page, 'train-paused-small');
    await button('Go on').click();
    await button('Pause').waitFor();
    await button('Stop').click();
    await expectAccessible(page, 'train-stop');
    await page.getByRole('dialog').getByRole('button', { name: 'Stop and keep the best' }).click();
    await page.getByRole('heading', { name: 'Your model' }).waitFor();
    expect((await app.models.list()).map(({ id }) => id)).toContain('a-long-one');
  });

  test('goes on after its last step too, for the model that it lacks', async () => {
    const { page, app } = opened;
    const folder = path.join(root, 'data', 'runs', 'a-long-one');
    const { description } = await readRun(folder);
    const { step, recipe } = description;
    await writeRun(folder, { ...description, recipe: { ...recipe, steps: step }, models: [] });
    await page.reload();
    await page.getByRole('navigation', { name: 'Screens' }).getByText('Train').click();
    await button(/A long one/).click();
    await button('Go on').click();
    const stateOf = async () =>
      (await app.desk.runs()).find(({ id }) => id === 'a-long-one')?.state;
    await soon(stateOf).toBe('done');
    await page.getByRole('heading', { name: 'Your model' }).waitFor();
  });

  test('lists the runs, in light too, and deletes one', async () => {
    const { page, app } = opened;
    await app.settings.write({ theme: 'light' });
    await expectAccessible(page, 'train-light');
    await app.settings.write({ theme: 'dark' });
    await page.setViewportSize({ width: 3840, height: 2160 });
    await expectAccessible(page, 'train-4k');
    await page.setViewportSize({ width: 1280, height: 800 });
    await button('Delete').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await soon(async () => (await app.desk.runs()).map(({ id }) => id)).toEqual(['my-camera']);
    await page.getByRole('heading', { name: 'What do you have?' }).waitFor();
  });
});
