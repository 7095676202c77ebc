/** Export presets: several at once, a choice for once, and what counts as exported. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../main/app/app.ts';
import { jsonSettingsFile, SettingsStore } from '../../main/app/settings.ts';
import {
  defaultExportChoice,
  defaultExportPresets,
  oneClickPresets,
  type ExportChoice,
} from '../../preload/contract/settings.ts';
import { smallModelNamed, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, startApp, until, type Connection } from './carriers.ts';

const root = temporaryFolder();
const photos = path.join(root, 'photos');
let app: App;
let connection: Connection;
let ids: readonly string[];

const small: ExportChoice = {
  ...defaultExportChoice,
  output: { format: 'jpeg', quality: 80 },
  longSide: 64,
};
const archive = { name: 'Archive', choice: defaultExportChoice };
const web = { name: 'Web', choice: { ...small, template: '{name}-web' } };

beforeAll(async () => {
  writeSmallDngs(photos, 2);
  ({ app } = await startApp(root));
  connection = await connectMemory(app);
  const input = { path: photos, subfolders: false };
  const opened = await connection.client.call('library.open', input);
  ids = opened.photos.map(({ id }) => id);
  await connection.client.call('settings.write', {
    exportPresets: [archive, web],
    oneClick: ['Archive', 'Web'],
  });
});

afterAll(async () => {
  await connection.close();
  await app.close();
});

const written = (): readonly string[] => readdirSync(path.join(photos, 'Nightglass')).sort();
const ended = async (): Promise<void> => {
  await until(() => app.queue.state.ended === app.queue.state.total, 'the queue');
};
const photo = (index: number) => {
  const found = app.library.photo(ids[index] ?? '');
  return { state: found?.state, exported: found?.exported };
};
const enhance = async (): Promise<number> => {
  const { queued } = await connection.client.call('export.enhance', {
    photos: [...ids],
    mergesBursts: false,
  });
  await ended();
  return queued;
};

it('a picture of one preset does not make another one done', async () => {
  const { client } = connection;
  const [one = ''] = ids;
  const { queued } = await client.call('export.start', {
    photos: [one],
    exports: [{ preset: 'Web', choice: web.choice }],
  });
  expect(queued).toBe(1);
  await ended();
  expect(app.queue.state.items[0]).toMatchObject({ preset: 'Web', state: 'done' });
  expect(photo(0)).toEqual({ state: 'new', exported: ['Web'] });
  // One click writes what is missing, and only that.
  expect(await enhance()).toBe(3);
  expect(written()).toEqual(['1-web.jpg', '1.tif', '2-web.jpg', '2.tif']);
  expect(photo(0)).toEqual({ state: 'exported', exported: ['Archive', 'Web'] });
  expect(await enhance()).toBe(0);
});

it('a choice for once changes no preset, and leaves what is exported as it was', async () => {
  const { client } = connection;
  const before = app.settings.current;
  await client.call('export.start', { photos: [...ids], exports: [{ choice: small }] });
  await ended();
  expect(written()).toContain('1.jpg');
  expect(app.settings.current).toEqual(before);
  expect(photo(1).exported).toEqual(['Archive', 'Web']);
});

it('other edits, another preset and another model are to be exported, and going back is done', async () => {
  const { client } = connection;
  await client.call('library.writeEdits', { photos: [ids[0] ?? ''], edits: { exposure: 1 } });
  expect([photo(0).state, photo(1).state]).toEqual(['edited', 'exported']);
  await client.call('library.undo', {});
  expect(photo(0).state).toBe('exported');

  const large = { ...web, choice: { ...web.choice, longSide: 90 } };
  await client.call('settings.write', { exportPresets: [archive, large] });
  expect(photo(1)).toEqual({ state: 'new', exported: ['Archive'] });
  // What happens to a file of the same name changes no picture.
  const kept = { ...web, choice: { ...web.choice, onConflict: 'skip' as const } };
  await client.call('settings.write', { exportPresets: [archive, kept] });
  expect(photo(1).state).toBe('exported');
  await client.call('settings.write', { oneClick: ['Archive'] });

  await client.call('models.import', { path: smallModelNamed(path.join(photos, 'mine'), 'mine') });
  await client.call('library.writeEdits', { photos: [ids[1] ?? ''], edits: { model: 'mine' } });
  expect(photo(1)).toEqual({ state: 'edited', exported: [] });
  await client.call('library.undo', {});
  expect(photo(1).state).toBe('exported');
});

it('two ways that would write the same names are refused', async () => {
  const asking = connection.client.call('export.start', {
    photos: [...ids],
    exports: [{ preset: 'Web', choice: web.choice }, { choice: { ...web.choice, longSide: 80 } }],
  });
  await expect(asking).rejects.toThrow('“Web” and a choice without a name would write the same');
  await expect(
    connection.client.call('settings.write', { exportPresets: [web, { ...web, name: 'WEB' }] }),
  ).rejects.toThrow('expected presets with different names');
});

it('the one choice of an earlier version becomes a preset', async () => {
  const folder = path.join(root, 'earlier');
  mkdirSync(folder);
  const file = path.join(folder, 'settings.json');
  writeFileSync(file, JSON.stringify({ theme: 'light', exportChoice: small }));
  const store = await SettingsStore.open(jsonSettingsFile(folder));
  expect(store.current.exportPresets).toEqual([
    { name: 'My export', choice: small },
    ...defaultExportPresets,
  ]);
  expect(oneClickPresets(store.current).map(({ name }) => name)).toEqual(['My export']);
});
