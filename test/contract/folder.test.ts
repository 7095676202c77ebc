/** Which files of a folder are photos: those of a camera's card, and none that this program made. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { App } from '../../main/app/app.ts';
import { findRawPhotos } from '../../main/library/raw-photos.ts';
import { defaultEdits } from '../../preload/contract/edits.ts';
import { defaultExportChoice } from '../../preload/contract/settings.ts';
import { smallDng, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { readSixteenBits } from '../export/samples.ts';
import { connectMemory, startApp, until, type Connection } from './carriers.ts';

const parent = temporaryFolder();
let count = 0;
let photos: string;
let app: App;
let connection: Connection;

beforeEach(async () => {
  const root = path.join(parent, String(count++));
  photos = path.join(root, 'photos');
  mkdirSync(photos, { recursive: true });
  ({ app } = await startApp(root));
  connection = await connectMemory(app);
});

afterEach(async () => {
  await connection.close();
  await app.close();
});

const open = () => connection.client.call('library.open', { path: photos, subfolders: false });
const listed = async (): Promise<readonly string[]> =>
  (await open()).photos.map(({ subfolder, name }) => path.join(subfolder, name));
const named = async (): Promise<readonly string[]> =>
  (await findRawPhotos([photos])).map((file) => path.relative(photos, file));

it('finds the photos of a card where its own folder has none, in the library and from the command line', async () => {
  const card = path.join('DCIM', '100MSDCF');
  writeSmallDngs(path.join(photos, card), 2);
  const files = [path.join(card, '1.dng'), path.join(card, '2.dng')];
  expect(await listed()).toEqual(files);
  expect(await named()).toEqual(files);
  // The folder is watched as deep.
  writeFileSync(path.join(photos, card, '3.dng'), smallDng());
  await until(() => app.library.current.photos.length === 3, 'the third photo');
});

it('does not take the DNGs that it exported for photos', async () => {
  writeSmallDngs(photos, 1);
  const { photos: all } = await open();
  await connection.client.call('export.start', {
    photos: all.map(({ id }) => id),
    exports: [
      {
        choice: {
          ...defaultExportChoice,
          output: { format: 'dng' },
          template: '{name}-bright',
          folder: photos,
        },
      },
    ],
  });
  await until(() => app.queue.state.items[0]?.state === 'done', 'the DNG');
  expect(existsSync(path.join(photos, '1-bright.dng'))).toBe(true);
  expect(await listed()).toEqual(['1.dng']);
  expect(await named()).toEqual(['1.dng']);
  // Whoever names it means it.
  const exported = path.join(photos, '1-bright.dng');
  expect(await findRawPhotos([exported])).toEqual([exported]);
});

it('shows an exported DNG as it was exported, without the network, from a folder of its own', async () => {
  // Without noise: a DNG whose black is 0 cannot hold what is below it.
  const samples = Uint16Array.from({ length: 96 * 80 }, (_, i) => 1000 + (i % 96) * 20 + i / 10);
  writeSmallDngs(photos, 1, { samples });
  const [id] = (await open()).photos.map((photo) => photo.id);
  const crop = { x: 0.25, y: 0, width: 0.5, height: 0.75 };
  const whiteBalance = { kelvin: 4000, tint: 10 };
  const edits = { exposure: 0.5, saturation: -0.4, shadows: 0.3, crop, rotate: 1, whiteBalance };
  await app.library.writeEdits([id!], { ...edits, rotate: 1, ratio: 2 });
  const out = path.join(photos, 'out');
  const picture = async (format: 'dng' | 'tiff', photo: string, name: string): Promise<string> => {
    const output =
      format === 'dng'
        ? ({ format } as const)
        : ({ format, bits: 16, compression: 'none' } as const);
    const choice = { ...defaultExportChoice, output, template: name, folder: out };
    await connection.client.call('export.start', { photos: [photo], exports: [{ choice }] });
    const target = path.join(out, `${name}.${format === 'dng' ? 'dng' : 'tif'}`);
    await until(() => existsSync(target), name);
    return target;
  };
  const expected = await readSixteenBits(readFileSync(await picture('tiff', id!, 'first')));
  await picture('dng', id!, 'second');
  photos = out;
  const [reopened, ...others] = (await open()).photos;
  expect([reopened?.name, others]).toEqual(['second.dng', []]);
  const seen = app.library.editsOf(reopened!.id);
  expect(seen).toEqual({ ...defaultEdits, ...edits, rotate: 0, whiteBalance: 'as-shot' });
  const development = await connection.client.call('develop.open', { photo: reopened!.id });
  expect(development.autoRatio).toBe(1);
  const found = await readSixteenBits(readFileSync(await picture('tiff', reopened!.id, 'third')));
  expect(found.length).toBe(expected.length);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0);
  // A quarter of a step of 8 bits.
  expect(worst).toBeLessThan(64);
});

it('shows a RAW photo and the JPEG that the camera put beside it as one', async () => {
  writeSmallDngs(photos, 1);
  copyFileSync(
    path.join(import.meta.dirname, '../../renderer/public/sample-before.jpg'),
    path.join(photos, '1.JPG'),
  );
  expect(await listed()).toEqual(['1.dng']);
  expect(await named()).toEqual(['1.dng']);
});
