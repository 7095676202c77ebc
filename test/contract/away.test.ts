/** A folder whose disk is pulled and put back: nothing is made in its place, nothing is lost. */

import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

import { afterAll, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { defaultExportChoice } from '../../preload/contract/settings.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { startApp, until } from './carriers.ts';

const root = temporaryFolder();
const photos = path.join(root, 'photos');
let app: App | undefined;

afterAll(() => app?.close());

it('takes no edit and no export for done that was asked while the folder was away', async () => {
  const [file = ''] = writeSmallDngs(photos, 2);
  ({ app } = await startApp(root));
  const { library, queue } = app;
  const signal = new AbortController().signal;
  const open = (): ReturnType<typeof library.open> =>
    library.open(photos, { subfolders: false, signal, onPhotos: () => undefined });
  const { photos: found } = await open();
  const id = found[0]?.id ?? '';
  const away = path.join(root, 'away');
  renameSync(photos, away);
  await until(() => library.current.folder?.isThere === false, 'the folder to be missed');

  await library.rate([id], 4);
  queue.add([file], defaultExportChoice);
  await until(() => queue.state.ended === 1, 'the export');
  expect(queue.state.items[0]).toMatchObject({ state: 'failed', failure: { code: 'disk' } });
  expect(library.photo(id)).toMatchObject({ state: 'failed', rating: 4 });
  expect(existsSync(photos)).toBe(false);

  // A mount point that stands without its disk is no place for pictures either.
  mkdirSync(photos);
  queue.retry();
  await until(() => queue.state.ended === 1 && queue.state.items[0]?.failure, 'the second try');
  expect(existsSync(path.join(photos, 'Nightglass'))).toBe(false);
  renameSync(photos, path.join(root, 'mount point'));

  renameSync(away, photos);
  await until(() => library.photo(id)?.state === 'new', 'the photo to be well again');
  await until(() => library.photo(id)?.facts, 'its facts');
  expect(library.current.folder).toMatchObject({ isThere: true, isWritable: true });
  // Its rating lies in the app's own data, and is found there by the next look as well.
  expect((await open()).photos.map(({ rating }) => rating)).toEqual([4, 0]);
});
