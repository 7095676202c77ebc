/**
 * Commands on many photos: they act on what is selected or shown, say so first, and can be undone. One long file, because
 * each further one would start an app and a browser of its own.
 */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smallDng, smallModelNamed, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { chromiumPath } from '../renderer/browser.ts';
import { brightness, expectAccessible, openWindow, type OpenWindow } from './window.ts';

const soon = <T>(what: () => T) => expect.poll(what, { timeout: 100_000 });

describe.skipIf(chromiumPath === undefined)('batch commands', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const trashed = path.join(root, 'trash');
  let opened: OpenWindow;

  beforeAll(async () => {
    mkdirSync(photos, { recursive: true });
    writeSmallDngs(photos, 5);
    writeFileSync(path.join(photos, 'torn.dng'), smallDng().subarray(0, 300));
    smallModelNamed(path.join(root, 'data', 'models'), 'mine');
    mkdirSync(trashed);
    opened = await openWindow(root, {
      startFolder: photos,
      trash: (file) => rename(file, path.join(trashed, path.basename(file))),
    });
    opened.app.queue.pause();
  });

  afterAll(async () => {
    await opened.close();
    expect(opened.bugs).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });

  const cell = (name: string) => opened.page.locator('.cell', { hasText: name });
  const stars = (name: string) => cell(name).locator('.given').count();
  const dialog = () => opened.page.getByRole('dialog');
  const select = async (...names: readonly string[]): Promise<void> => {
    const [first, ...others] = names;
    await cell(first ?? '').click();
    for (const name of others) await cell(name).click({ modifiers: ['Control'] });
  };
  const queued = (): readonly string[] =>
    opened.app.queue.state.items.map(({ name }) => name).sort();

  test('Enhance all leaves hidden photos alone, and says how many it takes and what it writes', async () => {
    const { page } = opened;
    await cell('1.dng').waitFor();
    await select('2.dng', '3.dng');
    await page.keyboard.press('4');
    await soon(() => stars('3.dng')).toBe(4);
    await page.keyboard.press('Escape');
    await page.getByLabel('Rating').selectOption('3');
    await soon(() => page.locator('.cell').count()).toBe(2);
    await page.getByRole('button', { name: 'Enhance all 2' }).click();
    await dialog()
      .getByText('Archive TIFF: 2 photos → TIFF 16-bit, Nightglass beside them.')
      .waitFor();
    await dialog().getByText('4 other photos stay.').waitFor();
    await expectAccessible(page, 'enhance-question');
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(queued()).toEqual([]);
    await page.keyboard.press('Control+Shift+E');
    await dialog().waitFor();
    await page.keyboard.press('Enter');
    await soon(queued).toEqual(['2.dng', '3.dng']);
    opened.app.queue.cancel();
    opened.app.queue.clear();
  });

  test('a selection goes before the filter', async () => {
    const { page } = opened;
    await select('3.dng');
    await page.getByRole('button', { name: 'Enhance 1 selected' }).click();
    await dialog().getByRole('button', { name: 'Enhance 1', exact: true }).click();
    await soon(queued).toEqual(['3.dng']);
    opened.app.queue.cancel();
    opened.app.queue.clear();
    await page.getByRole('button', { name: 'Export → Archive TIFF' }).waitFor();
    await page.getByLabel('Rating').selectOption('0');
  });

  test('a rating for photos that nobody selected is asked about', async () => {
    const { page } = opened;
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Escape');
    await page.keyboard.press('5');
    await dialog().getByText('Mark all 6 photos shown?').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await stars('1.dng')).toBe(0);
    await page.getByRole('listbox').focus();
    await page.keyboard.press('1');
    await dialog().waitFor();
    await page.keyboard.press('Enter');
    await soon(() => stars('1.dng')).toBe(1);
    expect(await stars('2.dng')).toBe(1);
  });

  test('what is exported is the photo that is developed, also one that the filter hides', async () => {
    const { page } = opened;
    await page.keyboard.press('q');
    await page.getByLabel('Rating').selectOption('1');
    await cell('2.dng').dblclick();
    await page.getByRole('img', { name: /2\.dng/ }).waitFor();
    await page.keyboard.press('0');
    await page.keyboard.press('e');
    await dialog().getByText('Export 1 photo').waitFor();
    await dialog()
      .getByRole('checkbox', { name: /^Archive TIFF/, checked: true })
      .waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.getByLabel('Rating').selectOption('0');
  });

  test('exports with two presets at once, and keeps a changed one under a new name', async () => {
    const { page, app } = opened;
    await select('4.dng', '5.dng');
    await page.keyboard.press('e');
    await dialog().getByText('For example 4.tif').waitFor();
    await dialog()
      .getByRole('checkbox', { name: /^Web JPEG/ })
      .check();
    await dialog().getByRole('button', { name: 'Options of Web JPEG' }).click();
    await dialog().getByLabel('Longer side').fill('1600');
    await dialog().getByLabel('Longer side').press('Enter');
    await dialog().getByText('changed for this export').waitFor();
    await dialog().getByLabel('Name of the preset').fill('Small JPEG');
    await expectAccessible(page, 'export-presets');
    await dialog().getByRole('button', { name: 'Save as new preset' }).click();
    await dialog()
      .getByRole('checkbox', { name: /^Small JPEG/, checked: true })
      .waitFor();
    await dialog().getByLabel('Let one click do this from now on').check();
    await dialog().getByRole('button', { name: 'Export 4 pictures' }).click();
    await soon(() => app.queue.state.items.map(({ name, preset }) => `${name} ${preset ?? ''}`))
      .toEqual(['4.dng Archive TIFF', '5.dng Archive TIFF', '4.dng Small JPEG', '5.dng Small JPEG']); // prettier-ignore
    expect(app.settings.current.exportPresets).toHaveLength(5);
    await page.getByRole('button', { name: 'Export 2 → Archive TIFF + Small JPEG' }).waitFor();
    await page.getByRole('complementary', { name: 'Export queue' }).waitFor();
    await expectAccessible(page, 'queue-presets');
    await page.keyboard.press('q');
    app.queue.cancel();
    app.queue.clear();
    await page.keyboard.press('Control+,');
    await dialog().getByRole('navigation').getByRole('button', { name: 'Export' }).click();
    await dialog().getByRole('button', { name: 'Options of Small JPEG' }).click();
    await dialog().getByLabel('Name of the preset').fill('Tiny JPEG');
    await dialog().getByLabel('Name of the preset').press('Enter');
    await soon(() => app.settings.current.oneClick).toEqual(['Archive TIFF', 'Tiny JPEG']);
    await dialog().getByRole('button', { name: 'Remove Tiny JPEG' }).click();
    await soon(() => app.settings.current.oneClick).toEqual(['Archive TIFF']);
    await page.keyboard.press('Escape');
  });

  const editsOf = (name: string) => {
    const { photos: all } = opened.app.library.current;
    const found = all.find((photo) => photo.name === name);
    if (found === undefined) throw new Error(`expected ${name} in the library`);
    return opened.app.library.editsOf(found.id);
  };

  test('pastes the groups that are ticked, to every selected photo, and undoes it in the library', async () => {
    const { page } = opened;
    await cell('1.dng').dblclick();
    await page.getByRole('img', { name: /1\.dng/ }).waitFor();
    const exposure = page.getByRole('textbox', { name: 'Exposure', exact: true });
    await exposure.fill('1.5');
    await exposure.press('Enter');
    const shadows = page.getByRole('textbox', { name: 'Shadows' });
    await shadows.fill('40');
    await shadows.press('Enter');
    const ratio = page.getByRole('textbox', { name: 'Exposure ratio' });
    await ratio.fill('7');
    await ratio.press('Enter');
    await page.keyboard.press('Control+c');
    await page.keyboard.press('g');
    await select('4.dng', '5.dng');
    await page.keyboard.press('Control+v');
    await dialog().getByText('Paste edits to 2 photos').waitFor();
    await expectAccessible(page, 'paste');
    await dialog().getByLabel('Exposure ratio').uncheck();
    await dialog().getByRole('button', { name: 'Paste to 2' }).click();
    await soon(() => editsOf('5.dng')).toMatchObject({
      exposure: 1.5,
      shadows: 0.4,
      ratio: 'auto',
    });
    expect(editsOf('4.dng')).toEqual(editsOf('5.dng'));
    expect(opened.app.settings.current.pasteGroups).not.toContain('ratio');

    await page.keyboard.press('Control+z');
    await page.getByText('Undone: edits of 2 photos').waitFor();
    expect(editsOf('5.dng')).toMatchObject({ exposure: 0, shadows: 0 });
    expect(editsOf('4.dng')).toEqual(editsOf('5.dng'));
    await page.keyboard.press('Control+y');
    await page.getByText('Done again: edits of 2 photos').waitFor();
    expect(editsOf('4.dng')).toMatchObject({ exposure: 1.5, ratio: 'auto' });
    await page.keyboard.press('Control+z');
    await soon(() => editsOf('4.dng').exposure).toBe(0);
  });

  test('undoes edits of a photo after another one was opened, and ratings too', async () => {
    const { page } = opened;
    await cell('3.dng').dblclick();
    await page.getByRole('img', { name: /3\.dng/ }).waitFor();
    await page.keyboard.press('5');
    await page.keyboard.press('g');
    await soon(() => stars('3.dng')).toBe(5);
    await page.keyboard.press('Control+z');
    await page.getByText('Undone: rating of 3.dng').waitFor();
    expect(await stars('3.dng')).toBe(1);
    await cell('3.dng').dblclick();
    await page.getByRole('img', { name: /3\.dng/ }).waitFor();
    // The last change of all was to the first photo.
    await page.keyboard.press('Control+z');
    await page.getByText('Undone: edits of 1.dng').waitFor();
    expect(editsOf('1.dng')).toMatchObject({ exposure: 1.5, shadows: 0.4, ratio: 'auto' });
    await page.keyboard.press('g');
    await cell('1.dng').dblclick();
    await page.getByRole('img', { name: /1\.dng/ }).waitFor();
    await page.getByRole('textbox', { name: 'Shadows' }).waitFor();
    await page.keyboard.press('Control+z');
    const shadows = page.getByRole('textbox', { name: 'Shadows' });
    await soon(() => shadows.inputValue()).toBe('0');
    // Presses of a key that follow each other are one step.
    await page.getByRole('slider', { name: 'Shadows' }).focus();
    for (let press = 0; press < 5; press++) await page.keyboard.press('ArrowRight');
    expect(await shadows.inputValue()).not.toBe('0');
    await page.keyboard.press('Control+z');
    await soon(() => shadows.inputValue()).toBe('0');
    expect(editsOf('1.dng')).toMatchObject({ exposure: 1.5, shadows: 0 });
  });

  test('A leaves a photo as it is that is automatic already', async () => {
    const { page } = opened;
    await page.keyboard.press('g');
    await cell('2.dng').dblclick();
    await page.getByRole('img', { name: /2\.dng/ }).waitFor();
    await page.getByRole('slider', { name: 'Temperature' }).waitFor();
    await page.keyboard.press('a');
    await opened.app.library.travel('redo');
    expect(editsOf('2.dng').ratio).toBe('auto');
    const ratio = page.getByRole('textbox', { name: 'Exposure ratio' });
    await ratio.fill('9');
    await ratio.press('Enter');
    await page.keyboard.press('a');
    await soon(() => editsOf('2.dng').ratio).toBe('auto');
  });

  test('a photo that cannot be read has not the white balance of the one before', async () => {
    const { page } = opened;
    const kelvin = page.getByRole('textbox', { name: 'Temperature' });
    await kelvin.fill('9000');
    await kelvin.press('Enter');
    await soon(() => editsOf('2.dng').whiteBalance).toMatchObject({ kelvin: 9000 });
    await page.getByRole('button', { name: 'torn.dng' }).click();
    await page.getByRole('heading', { name: 'torn.dng cannot be developed' }).waitFor();
    expect(await kelvin.inputValue()).toBe('–');
    await page.keyboard.press('g');
  });

  test('the model is an edit of the photo, and one that is not here is named', async () => {
    const { page, app } = opened;
    await cell('4.dng').dblclick();
    await page.getByRole('img', { name: /4\.dng/ }).waitFor();
    const model = page.getByRole('combobox', { name: 'Model', exact: true });
    await model.selectOption('mine');
    await soon(() => editsOf('4.dng').model).toBe('mine');
    expect(app.settings.current.model).toBe('small');
    await page.getByRole('button', { name: 'Default for NIGHT Owl 1' }).waitFor();
    await expectAccessible(page, 'develop-own-model');
    await page.keyboard.press('Control+z');
    await soon(() => model.inputValue()).toBe('small');
    const [id = ''] = app.library.current.photos.map((photo) => photo.id);
    await app.library.writeEdits([id], { model: 'long-gone' });
    await page.keyboard.press('g');
    await cell('1.dng').dblclick();
    await page.getByText('developed by the model “long-gone”, which is not here').waitFor();
    expect(await model.inputValue()).toBe('small');
    await app.library.travel('undo');
    await page.keyboard.press('g');
  });

  test('the history leads back, also to a snapshot, and can itself be undone', async () => {
    const { page } = opened;
    await cell('5.dng').dblclick();
    await page.getByRole('img', { name: /5\.dng/ }).waitFor();
    const contrast = page.getByRole('textbox', { name: 'Contrast' });
    await contrast.fill('20');
    await contrast.press('Enter');
    const history = page.getByRole('list', { name: 'History' });
    await history.getByRole('button', { name: /^Contrast \+20/ }).waitFor();
    await page.getByLabel('Name of a snapshot').fill('Evening');
    await page.getByLabel('Name of a snapshot').press('Enter');
    const evening = page
      .getByRole('list', { name: 'Snapshots' })
      .getByRole('button', { name: /^Evening/ });
    await evening.waitFor();
    await history.getByRole('button', { name: 'As it began' }).click();
    await soon(() => editsOf('5.dng').contrast).toBe(0);
    await soon(() => history.getByRole('button').count()).toBeGreaterThan(2);
    await history.scrollIntoViewIfNeeded();
    await expectAccessible(page, 'history');
    await page.keyboard.press('Control+z');
    await soon(() => editsOf('5.dng').contrast).toBe(0.2);
    await history.getByRole('button', { name: 'As it began' }).click();
    await soon(() => editsOf('5.dng').contrast).toBe(0);
    await evening.click();
    await soon(() => editsOf('5.dng').contrast).toBe(0.2);
    // Another photo's states are not offered, even while its own do not come.
    await page.evaluate(`{
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (sent) {
        if (!String(sent).includes('library.history')) send.call(this, sent);
      };
      window.sendAll = () => (WebSocket.prototype.send = send);
    }`);
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('img', { name: /4\.dng/ }).waitFor();
    await evening.waitFor({ state: 'detached' });
    await page.evaluate('window.sendAll(), undefined');
    await page.keyboard.press('g');
  });

  test('a look is seen under the pointer, taken by a click, and an own one is saved', async () => {
    const { page, app } = opened;
    await cell('3.dng').dblclick();
    await page.getByRole('img', { name: /3\.dng/ }).waitFor();
    const looks = page.getByRole('region', { name: 'Looks' });
    const saturation = page.getByRole('textbox', { name: 'Saturation' });
    const before = editsOf('3.dng');
    await looks.getByRole('button', { name: 'Black and white' }).hover();
    await soon(() => saturation.inputValue()).toBe('−100');
    await expectAccessible(page, 'looks');
    await page.getByRole('heading', { name: 'Looks' }).hover();
    await soon(() => saturation.inputValue()).toBe('0');
    // What was only looked at is not kept, and a key in the meantime does not keep it.
    expect(editsOf('3.dng')).toEqual(before);
    await looks.getByRole('button', { name: 'Starry sky' }).click();
    await soon(() => editsOf('3.dng')).toMatchObject({ saturation: 0.12, contrast: 0.3 });
    await page.getByLabel('Name of a look').fill('Mine');
    await page.getByLabel('Name of a look').press('Enter');
    await soon(() => app.settings.current.editPresets.map(({ name }) => name)).toEqual(['Mine']);
    // A look that was clicked and undone is not shown again when the focus comes back.
    await page.getByLabel('Name of a look').blur();
    await looks.getByRole('button', { name: 'Black and white' }).click();
    await soon(() => editsOf('3.dng').saturation).toBe(-1);
    await page.keyboard.press('Control+z');
    await soon(() => saturation.inputValue()).toBe('+12');
    await page.getByRole('heading', { name: 'Looks' }).hover();
    await page.keyboard.press('?');
    await dialog().waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'detached' });
    expect(await saturation.inputValue()).toBe('+12');
    // The next photo takes the edits of this one over by a key.
    await page.keyboard.press('g');
    await cell('2.dng').dblclick();
    await page.getByRole('img', { name: /2\.dng/ }).waitFor();
    await page.getByRole('region', { name: 'Looks' }).waitFor();
    await page.keyboard.press('Control+Shift+V');
    await soon(() => editsOf('2.dng')).toMatchObject({ saturation: 0.12, contrast: 0.3 });
    await page.keyboard.press('g');
    await select('2.dng', '4.dng', '5.dng');
    await page.keyboard.press('Control+Shift+S');
    await dialog().getByText('Paste edits to 3 photos').waitFor();
    await page.keyboard.press('Escape');
  });

  test('a path that may not be opened leaves the open folder open', async () => {
    const { page } = opened;
    opened.app.events.emit('app.openFolder', { path: path.join(root, 'elsewhere') });
    await page.getByText(/not among the folders/).waitFor();
    expect(await page.locator('.cell').count()).toBe(6);
    await page.getByRole('button', { name: 'photos', exact: true }).waitFor();
  });

  test('a cull by keys: flags and labels, on to the next, filters, full window and the trash', async () => {
    const { page, app } = opened;
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+A');
    await page.getByText('Marks lead to the next photo now').waitFor();
    await select('1.dng');
    // Each mark leads on: a pick, a reject, a red one.
    for (const key of ['p', 'x', '6']) {
      const before = await page.locator('.cell[aria-selected=true]').textContent();
      await page.keyboard.press(key);
      await soon(() => page.locator('.cell[aria-selected=true]').textContent()).not.toBe(before);
    }
    await cell('1.dng').locator('.flag').waitFor();
    const marks = () => app.library.current.photos.map(({ flag, label }) => flag ?? label ?? '');
    await soon(marks).toEqual(['pick', 'reject', 'red', '', '', '']);
    await page.keyboard.press('l');
    await page.getByLabel('Flag').selectOption('kept');
    await soon(() => page.locator('.cell').count()).toBe(5);
    await page.getByLabel('Camera', { exact: true }).selectOption('NIGHT Owl 1');
    await soon(() => page.locator('.cell').count()).toBe(4);
    await page.getByText('Filters: 2').waitFor();
    await expectAccessible(page, 'filters');
    // The filter hides a photo that is rejected in develop; the arrow keys go on from its place.
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Shift+A');
    await cell('3.dng').dblclick();
    await page.keyboard.press('x');
    await soon(marks).toEqual(['pick', 'reject', 'reject', '', '', '']);
    await page.keyboard.press('ArrowRight');
    await page.getByRole('img', { name: /4\.dng/ }).waitFor();
    await page.keyboard.press('Control+z');
    await soon(marks).toEqual(['pick', 'reject', 'red', '', '', '']);
    await page.keyboard.press('g');
    await page.getByRole('button', { name: 'Clear', exact: true }).click();
    await page.getByRole('listbox').focus();
    await page.keyboard.press('Control+z');
    await soon(marks).toEqual(['pick', 'reject', '', '', '', '']);

    await cell('2.dng').dblclick();
    await page.getByRole('img', { name: /2\.dng/ }).waitFor();
    expect(await page.getByRole('button', { name: 'Reject' }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    await expectAccessible(page, 'develop-marks');
    await page.getByText('About this photo').click();
    await page.getByText('80 × 96').waitFor();
    await expectAccessible(page, 'develop-about');
    await page.keyboard.press('h');
    await page.getByRole('toolbar', { name: 'View and tools' }).waitFor({ state: 'detached' });
    await soon(() => brightness(page)).toBeGreaterThan(20);
    await expectAccessible(page, 'develop-bare');
    await page.keyboard.press('Escape');
    await page.getByRole('toolbar', { name: 'View and tools' }).waitFor();
    await page.keyboard.press('Delete');
    await dialog().getByText('Move 1 photo to the trash?').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: /3\.dng/ }).waitFor();
    await soon(() => readdirSync(trashed).sort()).toEqual(['2.dng', '2.dng.nightglass.json']);
    await page.keyboard.press('g');
    await soon(() => page.locator('.cell').count()).toBe(5);
  });
});
