/** Thumbnails on the disk: found again at the next start, never stale, bounded, and no loss to anyone. */

import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { App, Host } from '../../main/app/app.ts';
import { defaultEdits } from '../../preload/contract/edits.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import type { Client } from '../../preload/contract/wire.ts';
import {
  smallShape,
  smallDng,
  smallOnnx,
  temporaryFolder,
  writeSmallDngs,
  writeSmallModel,
} from '../engine/small.ts';
import { connectMemory, startApp, until } from './carriers.ts';

const parent = temporaryFolder();
let count = 0;

describe('thumbnails on the disk', () => {
  let root: string;
  let photos: string;
  let app: App;
  let client: Client;

  const start = async (changes: Partial<Host> = {}): Promise<void> => {
    ({ app } = await startApp(root, { roots: [root], ...changes }));
    ({ client } = await connectMemory(app));
    await client.call('library.open', { path: photos, subfolders: false });
  };

  beforeEach(async () => {
    root = path.join(parent, String(count++));
    photos = path.join(root, 'photos');
    writeSmallDngs(photos, 3);
    await start();
  });

  afterEach(async () => {
    await app.close();
  });

  const home = (): string => path.join(root, 'data', 'thumbnails');
  const files = (folder = home()): string[] =>
    globSync('**/*.jpg', { cwd: folder }).map((name) => path.join(folder, name));

  const get = async (kind: 'thumb' | 'bright', at = 0): Promise<Buffer> => {
    const photo = app.library.current.photos[at];
    if (photo === undefined) throw new Error('expected a photo');
    const url = pixelUrl('photo://', { kind, photo: photo.id, stamp: photo.stamp });
    const answer = await app.pixels.handle(new Request(url));
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const kept = (n: number): Promise<unknown> => until(() => files().length === n, `${n} files`);

  it('are there at the next start before anything else is', async () => {
    const before = [await get('thumb'), await get('bright')];
    expect(before[0]?.equals(before[1] ?? Buffer.of())).toBe(false);
    await kept(2);
    await app.close();
    // Processes that never say a word.
    const silent = { send: () => undefined, kill: () => undefined };
    await start({ spawn: () => silent, spawnView: () => silent });
    expect([await get('thumb'), await get('bright')]).toEqual(before);
  });

  it('are called back by number, where nobody tells that a fetch was aborted', async () => {
    const photo = app.library.current.photos[0];
    if (photo === undefined) throw new Error('expected a photo');
    const url = pixelUrl('photo://', { kind: 'bright', photo: photo.id, stamp: photo.stamp });
    const [left, kept] = [7, 8].map((n) => app.pixels.handle(new Request(`${url}?${n}`)));
    await client.call('pixels.cancel', { request: 7 });
    expect((await left)?.status).toBe(499);
    expect((await kept)?.status).toBe(200);
    await client.call('pixels.cancel', { request: 7 });
  });

  it('are others for another file, other edits and another model', async () => {
    const first = await get('bright');
    const id = app.library.current.photos[0]?.id ?? '';
    const { stamp } = app.library.current.photos[0] ?? {};

    await client.call('library.writeEdits', { photos: [id], edits: { exposure: 2 } });
    const brighter = await get('bright');
    expect(brighter.equals(first)).toBe(false);
    await client.call('library.writeEdits', { photos: [id], edits: defaultEdits });
    expect((await get('bright')).equals(first)).toBe(true);

    // Weights that come under a known id: it is they that count.
    const shape = { ...smallShape, baseChannels: 8 };
    const changes = [{}, { onnx: smallOnnx(shape), manifest: { unet: shape } }];
    const seen = [first];
    for (const [n, { manifest, ...rest }] of changes.entries()) {
      const folder = path.join(root, `mine-${n}`);
      const named = { ...rest, manifest: { ...manifest, id: 'mine' } };
      await client.call('models.import', { path: writeSmallModel(folder, named) });
      await client.call('settings.write', { model: 'mine' });
      seen.push(await get('bright'));
    }
    // The first has the small model's own weights, under another name.
    expect(seen[1]?.equals(first)).toBe(true);
    expect(seen[2]?.equals(first)).toBe(false);
    // The window asks anew, because the address is another.
    expect(app.library.current.photos[0]?.stamp).not.toBe(stamp);

    const file = path.join(photos, '1.dng');
    writeFileSync(file, smallDng({ samples: new Uint16Array(96 * 80).fill(3000) }));
    utimesSync(file, 1e9, 1e9);
    await client.call('library.open', { path: photos, subfolders: false });
    await client.call('settings.write', { model: 'small' });
    expect((await get('bright')).equals(first)).toBe(false);
  });

  it('stay within their limit, the latest last', async () => {
    await get('thumb', 0);
    await kept(1);
    const [one = ''] = files();
    const { size } = statSync(one);
    utimesSync(one, 1e9, 1e9);
    await client.call('settings.write', { thumbnailBytes: Math.round(size * 2.5) });
    await get('thumb', 1);
    await kept(2);
    await get('thumb', 2);
    await until(() => !existsSync(one), 'the oldest to go');
    await app.thumbnails.settled();
    expect(files().length).toBe(2);
    await client.call('settings.write', { thumbnailBytes: 0 });
    await kept(0);
    await get('bright', 0);
    await app.thumbnails.settled();
    expect(files()).toEqual([]);
  });

  it('are made again when they are deleted or damaged', async () => {
    const picture = await get('thumb');
    await kept(1);
    rmSync(home(), { recursive: true });
    await app.close();
    await start();
    expect(await get('thumb')).toEqual(picture);
    await kept(1);
    const [file = ''] = files();
    const whole = readFileSync(file);
    const zeroed = Buffer.from(whole).fill(0, 300, 600);
    for (const damage of [Buffer.of(), picture.subarray(0, 100), Buffer.from('none'), zeroed]) {
      writeFileSync(file, damage);
      await app.close();
      await start();
      expect(await get('thumb')).toEqual(picture);
      await until(() => readFileSync(file).equals(whole), 'the whole one');
    }
  });

  it('lie where they are told to, and go alone', async () => {
    await get('thumb');
    await kept(1);
    const elsewhere = path.join(root, 'fast disk');
    mkdirSync(elsewhere);
    await client.call('settings.write', { thumbnailFolder: elsewhere });
    await until(() => !existsSync(home()), 'the earlier place to be cleared');
    await get('bright');
    await app.thumbnails.settled();
    const place = path.join(elsewhere, 'Nightglass thumbnails');
    const read = await client.call('thumbnails.read', {});
    expect(read).toMatchObject({ folder: place, files: 1 });
    expect(read.bytes).toBe(statSync(files(place)[0] ?? '').size);
    writeFileSync(path.join(place, 'mine.jpg'), 'not theirs');
    await client.call('thumbnails.clear', {});
    expect(files(place)).toEqual([path.join(place, 'mine.jpg')]);
    expect(await client.call('thumbnails.read', {})).toMatchObject({ bytes: 0, files: 0 });

    const outside = path.join(parent, 'outside');
    for (const thumbnailFolder of [outside, '/', 'relative', `${elsewhere}/../../outside`]) {
      const written = client.call('settings.write', { thumbnailFolder });
      await expect(written).rejects.toMatchObject({ code: 'bad-argument' });
    }
    expect(existsSync(outside)).toBe(false);
    writeFileSync(path.join(root, 'a file'), '');
    const asFolder = client.call('settings.write', { thumbnailFolder: path.join(root, 'a file') });
    await expect(asFolder).rejects.toMatchObject({ code: 'disk' });
    expect(app.settings.current.thumbnailFolder).toBe(elsewhere);
  });
});
