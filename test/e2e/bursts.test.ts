/** Bursts in the window: folded, unfolded, chosen about, merged, and enhanced, with the real engine. */

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeBurst } from '../burst/written.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { expectAccessible, openWindow, type OpenWindow } from './window.ts';

const soon = <T>(what: () => T) => expect.poll(what, { timeout: 100_000 });

describe.skipIf(chromiumPath === undefined)('bursts', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let opened: OpenWindow;
  let frames: string[];
  let before: Buffer[];

  beforeAll(async () => {
    frames = writeBurst(photos);
    before = frames.map((file) => readFileSync(file));
    writeSmallDngs(photos, 2);
    opened = await openWindow(root, { startFolder: photos });
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
    expect(frames.map((file) => readFileSync(file))).toEqual(before);
  });

  const cell = (name: string) => opened.page.locator('.cell', { hasText: name });
  const names = () => opened.page.locator('.cell .first > .ellipsis').allTextContents();
  const dialog = () => opened.page.getByRole('dialog');
  const ratings = () =>
    opened.app.library.current.photos.map(({ name, rating }) => `${name} ${rating}`).sort();
  const press = (key: string) => opened.page.keyboard.press(key);
  const folded = ['1.dng', '2.dng', 'NIGHT-1.dng'];
  const unfolded = ['1.dng', '2.dng', 'NIGHT-1.dng', 'NIGHT-2.dng', 'NIGHT-3.dng'];

  test('are one cell with their number, which B and a click unfold and fold', async () => {
    const { page } = opened;
    await soon(names).toEqual(folded);
    await page.getByRole('option', { name: 'NIGHT-1.dng New, Burst of 3 frames' }).waitFor();
    await page.getByText('5 photos, 1 burst').waitFor();
    await cell('NIGHT-1').click();
    await page.getByText('3 of 5 photos selected, 1 burst').waitFor();
    await expectAccessible(page, 'burst-folded');
    await press('b');
    await soon(names).toEqual(unfolded);
    await page.getByText('3 of 5 photos selected, 1 burst').waitFor();
    await press('ArrowRight');
    await page.getByRole('option', { name: /NIGHT-2.*Frame 2 of 3/, selected: true }).waitFor();
    await expectAccessible(page, 'burst-unfolded');
    await press('b');
    await soon(names).toEqual(folded);
    await page.getByRole('option', { name: /NIGHT-1\.dng/, selected: true }).waitFor();
    await press('ArrowLeft');
    await page.getByRole('option', { name: /(^| )2\.dng/, selected: true }).waitFor();
    await cell('NIGHT-1').locator('.burst').click();
    await soon(names).toEqual(unfolded);
    // The cell that has the focus vanishes; keys go on working.
    await cell('NIGHT-3').click();
    await press('b');
    await soon(names).toEqual(folded);
    await press('Shift+B');
    await soon(names).toEqual(unfolded);
    await press('Shift+B');
    await soon(names).toEqual(folded);
  });

  test('are rated and filtered together', async () => {
    const { page } = opened;
    await cell('NIGHT-1').click();
    await press('4');
    await soon(ratings).toEqual([
      '1.dng 0',
      '2.dng 0',
      'NIGHT-1.dng 4',
      'NIGHT-2.dng 4',
      'NIGHT-3.dng 4',
    ]);
    await page.getByLabel('Rating').selectOption('3');
    await soon(names).toEqual(['NIGHT-1.dng']);
    await page.getByText('3 of 3 photos selected, 1 burst').waitFor();
    await page.getByLabel('Rating').selectOption('0');
  });

  test('leave a rejected frame out of the merge, unless the user puts it in again', async () => {
    await press('Shift+B');
    await cell('NIGHT-3').click();
    await press('x');
    await cell('NIGHT-3').locator('.flag').waitFor();
    await press('m');
    await dialog().getByText('NIGHT-1.dng: 2 frames to merge').waitFor();
    const third = dialog().getByRole('checkbox', { name: 'NIGHT-3.dng' });
    expect(await third.isChecked()).toBe(false);
    await third.check();
    await dialog().getByText('NIGHT-1.dng: 3 frames to merge').waitFor();
    await press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await press('Control+z');
    await cell('NIGHT-3').locator('.flag').waitFor({ state: 'detached' });
    await press('Shift+B');
    await soon(names).toEqual(folded);
  });

  test('are flicked through in one place, and say there what is left out', async () => {
    const { page } = opened;
    await cell('NIGHT-1').click();
    await press('m');
    await dialog().getByText('NIGHT-1.dng: 3 frames to merge').waitFor();
    await expectAccessible(page, 'merge-dialog');
    // Keys go on in the grid once a dialog is closed.
    await press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await press('ArrowLeft');
    await page.getByRole('option', { name: /(^| )2\.dng/, selected: true }).waitFor();
    await press('ArrowRight');
    await press('m');
    await dialog().getByRole('button', { name: 'Look at NIGHT-2.dng at 100 %' }).click();
    await page.getByRole('img', { name: /NIGHT-2\.dng/ }).waitFor();
    await page.getByText('Frame 2 of 3 of a burst').waitFor();
    await page.getByText('Enhancing what you see').waitFor({ state: 'detached' });
    await expectAccessible(page, 'burst-frame');
    await press('ArrowRight');
    await page.getByText('Frame 3 of 3 of a burst').waitFor();
    await page.getByRole('button', { name: 'Leave out' }).click();
    await page.getByRole('button', { name: 'Merge 2 frames…' }).waitFor();
    await press('ArrowLeft');
    await page.getByText('Frame 2 of 3 of a burst').waitFor();
    await page.getByRole('button', { name: 'Reference' }).click();
    await page.getByRole('button', { name: 'Reference', pressed: true }).waitFor();
    await press('b');
    await page.getByText('Frame 2 of 3 of a burst').waitFor();
    await press('g');
    await soon(names).toEqual(['1.dng', '2.dng', 'NIGHT-2.dng']);
  });

  test('are merged by the queue into a photo that the library shows', async () => {
    const { page } = opened;
    await cell('NIGHT-2').click();
    await page.getByRole('button', { name: 'Merge burst' }).click();
    await dialog().getByLabel('NIGHT-2.dng is the reference').waitFor();
    expect(await dialog().getByLabel('NIGHT-2.dng is the reference').isChecked()).toBe(true);
    expect(await dialog().getByRole('checkbox', { name: 'NIGHT-3.dng' }).isChecked()).toBe(false);
    await dialog().getByText('Allow blur').click();
    await soon(() => opened.app.bursts.current[0]?.motion).toBe('blur');
    await dialog().getByRole('checkbox', { name: 'NIGHT-3.dng' }).check();
    await dialog().getByText('NIGHT-1.dng: 3 frames to merge').waitFor();
    await dialog().getByText('One DNG → beside the frames').waitFor();
    await dialog().getByRole('button', { name: 'Merge burst' }).click();
    await page.getByText('NIGHT-2.dng and 2 frames more').waitFor();
    const file = path.join(photos, 'NIGHT-2-3frames.dng');
    await page.getByText('NIGHT-2-3frames.dng · photos').waitFor();
    await soon(names).toEqual(['1.dng', '2.dng', 'NIGHT-2-3frames.dng', 'NIGHT-2.dng']);
    await expectAccessible(page, 'burst-merged');
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(photos).filter((name) => name.includes('tmp'))).toEqual([]);
  });

  test('show in develop where the merged photo rests on few frames', async () => {
    const { page } = opened;
    await cell('NIGHT-2-3frames').dblclick();
    await page.getByRole('img', { name: /3frames/ }).waitFor();
    await page.getByText('Enhancing what you see').waitFor({ state: 'detached' });
    await press('o');
    await page.getByText('Rests on few of the 3 frames').waitFor();
    await expectAccessible(page, 'burst-overlay');
    await press('o');
    await press('g');
    await press('q');
  });

  test('become a picture each by Enhance all, if the user says so once', async () => {
    const { page } = opened;
    rmSync(path.join(photos, 'NIGHT-2-3frames.dng'));
    await soon(names).toEqual(['1.dng', '2.dng', 'NIGHT-2.dng']);
    await page.getByRole('listbox').focus();
    await press('Escape');
    await page.getByRole('button', { name: 'Enhance all 5' }).click();
    await dialog()
      .getByText('Archive TIFF: 5 photos → TIFF 16-bit, Nightglass beside them.')
      .waitFor();
    await dialog().getByLabel('Merge the burst into one picture').check();
    await dialog().getByText('3 photos, 1 of them a burst of 3 frames, → TIFF').waitFor();
    await expectAccessible(page, 'enhance-bursts');
    await dialog().getByRole('button', { name: 'Enhance 3', exact: true }).click();
    const out = path.join(photos, 'Nightglass');
    await soon(() => (existsSync(out) ? readdirSync(out).sort() : [])).toEqual([
      '1.tif',
      '2.tif',
      'NIGHT-2-burst.tif',
    ]);
    await soon(() => opened.app.queue.state.items.every(({ state }) => state === 'done')).toBe(
      true,
    );
    expect(opened.app.settings.current.mergesBursts).toBe(true);
    await page.getByRole('button', { name: 'Enhance all 5' }).click();
    await page.getByText('All of these photos are exported already').waitFor();
  });
});
