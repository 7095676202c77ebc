/** The sample night: a copy in the app's own data, whole again where it was damaged, with edits that stay. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { App } from '../../main/app/app.ts';
import { temporaryFolder } from '../engine/small.ts';
import { connectMemory, startApp, type Connection } from './carriers.ts';

const root = temporaryFolder();
const original = path.join(import.meta.dirname, '../fixtures/night.dng');
let app: App | undefined;
let connection: Connection | undefined;

afterAll(async () => {
  await connection?.close();
  await app?.close();
});

it('is opened from a copy that keeps its edits, and the original is never written to', async () => {
  const bytes = readFileSync(original);
  ({ app } = await startApp(root));
  connection = await connectMemory(app);
  const { client } = connection;
  const { path: folder } = await client.call('library.sample', {});
  expect(path.relative(path.join(root, 'data'), folder).startsWith('..')).toBe(false);
  const open = () => client.call('library.open', { path: folder, subfolders: false });
  const { photos, folder: opened } = await open();
  expect(opened.isWritable).toBe(true);
  expect(photos.map(({ name }) => name)).toEqual(['night.dng']);
  const id = photos[0]?.id ?? '';
  await client.call('library.writeEdits', { photos: [id], edits: { ratio: 100 } });
  expect(existsSync(path.join(folder, 'night.dng.nightglass.json'))).toBe(true);

  writeFileSync(path.join(folder, 'night.dng'), 'cut short');
  expect(await client.call('library.sample', {})).toEqual({ path: folder });
  expect(readFileSync(path.join(folder, 'night.dng')).equals(bytes)).toBe(true);
  await open();
  expect((await client.call('library.readEdits', { photo: id })).edits.ratio).toBe(100);
  expect(readFileSync(original).equals(bytes)).toBe(true);
});
