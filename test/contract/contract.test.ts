/** Every call of the contract with the real engine, once over each carrier. */

import {
  mkdirSync,
  readFileSync,
  writeFileSync,
  existsSync,
  renameSync,
  rmSync,
  readdirSync,
} from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import type { Photo } from '../../preload/contract/contract.ts';
import { defaultEdits } from '../../preload/contract/edits.ts';
import { pixelUrl, tileHeaders } from '../../preload/contract/pixel-url.ts';
import { defaultExportChoice, defaultExportPresets } from '../../preload/contract/settings.ts';
import { CallFailure } from '../../preload/contract/wire.ts';
import { smallDng, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, connectSocket, startApp, until, type Connection } from './carriers.ts';

describe.each([
  ['memory', connectMemory],
  ['WebSocket', connectSocket],
])('over %s', (_, connect) => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let app: App;
  let bugs: unknown[];
  let connection: Connection;
  let opened: readonly Photo[];
  const get = (pixels: Parameters<typeof pixelUrl>[1], signal?: AbortSignal): Promise<Response> =>
    app.pixels.handle(
      new Request(pixelUrl('photo://', pixels), signal === undefined ? {} : { signal }),
    );
  const idOf = (name: string): string => {
    const found = opened.find((photo) => photo.name === name);
    if (found === undefined)
      throw new Error(`expected ${name} among ${opened.map((one) => one.name).join()}`);
    return found.id;
  };

  beforeAll(async () => {
    writeSmallDngs(photos, 3);
    writeFileSync(path.join(photos, 'broken.dng'), smallDng().subarray(0, 300));
    writeFileSync(path.join(photos, 'notes.txt'), 'no photo');
    mkdirSync(path.join(photos, 'more'));
    writeFileSync(path.join(photos, 'more', '10.dng'), smallDng());
    writeFileSync(path.join(photos, 'more', '9.dng'), smallDng());
    ({ app, bugs } = await startApp(root));
    connection = await connect(app);
    const result = await connection.client.call('library.open', {
      path: photos,
      subfolders: false,
    });
    opened = result.photos;
  });

  afterAll(async () => {
    await connection.close();
    await app.close();
    expect(bugs).toEqual([]);
  });

  it('says what it is', async () => {
    const info = await connection.client.call('app.info', {});
    expect(info).toMatchObject({ host: 'headless', hasDialogs: false });
    const { components } = await connection.client.call('app.licences', {});
    expect(components.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['nightglass', 'sharp', 'LibRaw', 'onnxruntime-node']),
    );
  });

  it('keeps errors of the page in the log that it names', async () => {
    const { client } = connection;
    const { logFile, canUpdate } = await client.call('app.info', {});
    await client.call('app.report', { stack: 'uncaught: TypeError: a test' });
    expect(readFileSync(logFile, 'utf8')).toMatch(/ page: uncaught: TypeError: a test\n/);
    const tooLong = client.call('app.report', { stack: 'x'.repeat(8001) });
    await expect(tooLong).rejects.toThrow(/8000 characters/);
    // Only the packed desktop app of a release is.
    expect(canUpdate).toBe(false);
  });

  it('opens a folder, with progress, in the order people count', async () => {
    const seen: string[] = [];
    const { folder, photos: all } = await connection.client.call(
      'library.open',
      { path: photos, subfolders: true },
      { onProgress: (progress) => seen.push(...progress.photos.map(({ name }) => name)) },
    );
    expect(folder).toMatchObject({ path: photos, isThere: true, subfolders: true });
    expect(all.map(({ subfolder, name }) => path.join(subfolder, name))).toEqual([
      '1.dng',
      '2.dng',
      '3.dng',
      'broken.dng',
      path.join('more', '9.dng'),
      path.join('more', '10.dng'),
    ]);
    expect(seen).toEqual(all.map(({ name }) => name));
    expect((await connection.client.call('library.current', {})).photos).toEqual(all);
    const { folders } = await connection.client.call('library.recent', {});
    expect(folders).toEqual([{ path: photos, name: 'photos', isThere: true }]);
    ({ photos: opened } = await connection.client.call('library.open', {
      path: photos,
      subfolders: false,
    }));
    expect(opened).toHaveLength(4);
  });

  it('browses where it may', async () => {
    const start = await connection.client.call('library.browse', {});
    expect(start.folders).toEqual([{ name: 'photos', path: photos }]);
    const inside = await connection.client.call('library.browse', { path: photos });
    expect(inside).toEqual({
      path: photos,
      folders: [{ name: 'more', path: path.join(photos, 'more') }],
      photos: 4,
    });
    await expect(connection.client.call('library.browse', { path: root })).rejects.toMatchObject({
      code: 'bad-argument',
    });
    await expect(
      connection.client.call('library.open', { path: path.join(photos, '..'), subfolders: false }),
    ).rejects.toThrow(/not among the folders/);
  });

  it('describes photos, and says why one cannot be', async () => {
    const { photos: all } = await connection.client.call('library.describe', {
      photos: opened.map(({ id }) => id),
    });
    const good = all.find(({ name }) => name === '1.dng');
    expect(good?.facts).toMatchObject({ width: 80, height: 96 });
    const broken = all.find(({ name }) => name === 'broken.dng');
    expect(broken).toMatchObject({ state: 'failed' });
    expect(broken?.failure).toMatch(/broken\.dng/);
  });

  it('keeps edits and ratings beside the photo, and tells of them', async () => {
    const updates: Photo[] = [];
    const stop = connection.client.on('library.changed', ({ updated }) => updates.push(...updated));
    const photo = idOf('2.dng');
    await connection.client.call('library.writeEdits', {
      photos: [photo],
      edits: { ratio: 40, exposure: 1 },
    });
    await connection.client.call('library.writeEdits', { photos: [photo], edits: { exposure: 2 } });
    await connection.client.call('library.rate', { photos: [photo, idOf('3.dng')], rating: 4 });
    const { edits } = await connection.client.call('library.readEdits', { photo });
    expect(edits).toEqual({ ...defaultEdits, ratio: 40, exposure: 2 });
    const saved: unknown = JSON.parse(
      readFileSync(path.join(photos, '2.dng.nightglass.json'), 'utf8'),
    );
    expect(saved).toMatchObject({ format: 'nightglass-edits', version: 2, rating: 4, edits });
    await until(
      () => updates.some(({ name, rating }) => name === '3.dng' && rating === 4),
      'the event',
    );
    expect(updates.find(({ id }) => id === photo)).toMatchObject({ state: 'edited' });
    stop();
    // Another start finds them again.
    const again = await connection.client.call('library.open', { path: photos, subfolders: false });
    expect(again.photos.find(({ id }) => id === photo)).toMatchObject({
      state: 'edited',
      rating: 4,
    });
    await connection.client.call('library.writeEdits', { photos: [photo], edits: defaultEdits });
  });

  it('opens a photo for developing, and answers its white balances', async () => {
    const photo = idOf('1.dng');
    const development = await connection.client.call('develop.open', { photo });
    expect(development).toMatchObject({
      photo,
      width: 96,
      height: 80,
      tileSide: 512,
      coarseLevel: 0,
    });
    const { balance } = await connection.client.call('develop.balance', {
      photo,
      whiteBalance: 'as-shot',
    });
    for (const gain of balance) expect(gain).toBeCloseTo(1, 6);
    const warm = await connection.client.call('develop.balance', {
      photo,
      whiteBalance: { kelvin: 3000, tint: 5 },
    });
    const back = await connection.client.call('develop.pick', {
      photo,
      colour: warm.balance.map((gain) => 0.3 / gain),
    });
    expect(back.kelvin).toBeCloseTo(3000, -2);
    expect(back.tint).toBeCloseTo(5, 0);
    await expect(
      connection.client.call('develop.pick', { photo, colour: [0, 1, 1] }),
    ).rejects.toThrow(/dark/);
  });

  it('serves thumbnails and tiles by address', async () => {
    const photo = idOf('1.dng');
    const development = await connection.client.call('develop.open', { photo });
    const tile = await get({
      kind: 'tile',
      photo,
      model: 'small',
      ratio: 30,
      level: 0,
      x: 0,
      y: 0,
    });
    expect(tile.status).toBe(200);
    const [level] = development.levels;
    expect(Number(tile.headers.get(tileHeaders.width))).toBe(level?.width);
    expect((await tile.arrayBuffer()).byteLength).toBe(
      (level?.width ?? 0) * (level?.height ?? 0) * 8,
    );
    const plain = await get({ kind: 'plain', photo, level: 0, x: 0, y: 0 });
    expect((await plain.arrayBuffer()).byteLength).toBe(
      (level?.width ?? 0) * (level?.height ?? 0) * 8,
    );
    for (const kind of ['thumb', 'bright'] as const) {
      const picture = await get({ kind, photo, stamp: 'a' });
      expect(picture.headers.get('content-type')).toBe('image/jpeg');
      expect([...new Uint8Array(await picture.arrayBuffer())].slice(0, 2)).toEqual([0xff, 0xd8]);
    }
    const beyond = await get({
      kind: 'tile',
      photo,
      model: 'small',
      ratio: 30,
      level: 0,
      x: 1,
      y: 0,
    });
    expect(beyond.status).toBe(422);
    expect((await get({ kind: 'plain', photo: '0'.repeat(24), level: 0, x: 0, y: 0 })).status).toBe(
      404,
    );
    const broken = await get({ kind: 'thumb', photo: idOf('broken.dng'), stamp: 'a' });
    expect(broken.status).toBe(422);
    expect(await broken.text()).toMatch(/broken\.dng/);
  });

  it('exports, skips nothing, and says what failed', async () => {
    const ids = opened.map(({ id }) => id);
    const choice = { ...defaultExportChoice, template: '{name}-{number}' };
    const { name } = await connection.client.call('export.exampleName', {
      photo: ids[0] ?? '',
      template: choice.template,
      choice,
    });
    expect(name).toBe('1-0001.tif');
    const states: string[] = [];
    connection.client.on('queue.changed', ({ ended, total }) => states.push(`${ended} / ${total}`));
    expect(
      await connection.client.call('export.start', { photos: ids, exports: [{ choice }] }),
    ).toEqual({
      queued: 4,
    });
    const ended = await until(
      () => (app.queue.state.ended === 4 ? app.queue.state : undefined),
      'the queue',
    );
    expect(ended.items.map((item) => item.state)).toEqual(['done', 'done', 'done', 'failed']);
    expect(ended.items[3]?.failure?.message).toMatch(/broken\.dng/);
    expect(readdirSync(path.join(photos, 'Nightglass')).sort()).toEqual([
      '1-0001.tif',
      '2-0002.tif',
      '3-0003.tif',
    ]);
    await until(() => states.includes('4 / 4'), 'the last event');
    const { photos: after } = await connection.client.call('library.current', {});
    // It was a choice for this once, and not what one click writes.
    expect(after.map(({ state }) => state)).toEqual(['new', 'new', 'new', 'failed']);
    expect(app.settings.current.exportPresets).toEqual(defaultExportPresets);
    await connection.client.call('queue.clear', {});
    expect((await connection.client.call('queue.read', {})).items).toEqual([]);
  });

  it('cancels what waits and retries it', async () => {
    await connection.client.call('queue.pause', {});
    const choice = { ...defaultExportChoice, folder: path.join(photos, 'out') };
    await connection.client.call('export.start', {
      photos: [idOf('1.dng'), idOf('2.dng')],
      exports: [{ choice }],
    });
    const { items, isPaused } = await connection.client.call('queue.read', {});
    expect(isPaused).toBe(true);
    await connection.client.call('queue.cancel', { items: [items[0]?.id ?? ''] });
    await connection.client.call('queue.resume', {});
    const first = await until(
      () => (app.queue.state.ended === 2 ? app.queue.state : undefined),
      'the queue',
    );
    expect(first.items.map(({ state }) => state)).toEqual(['cancelled', 'done']);
    expect(existsSync(path.join(photos, 'out', '1.tif'))).toBe(false);
    await connection.client.call('queue.retry', {});
    await until(() => app.queue.state.items.every(({ state }) => state === 'done'), 'the retried');
    expect(existsSync(path.join(photos, 'out', '1.tif'))).toBe(true);
    await connection.client.call('queue.clear', {});
    rmSync(path.join(photos, 'out'), { recursive: true });
  });

  it('keeps settings, refuses what is none', async () => {
    const settings = await connection.client.call('settings.write', { theme: 'light' });
    expect(settings).toMatchObject({ theme: 'light', model: 'small' });
    await expect(
      connection.client.call('settings.write', {
        exportPresets: [{ name: 'Mine', choice: { ...defaultExportChoice, folder: '/etc' } }],
      }),
    ).rejects.toBeInstanceOf(CallFailure);
    await until(() => existsSync(path.join(app.host.folder, 'settings.json')), 'the file');
  });

  it('lists models, imports and removes', async () => {
    const { models } = await connection.client.call('models.list', {});
    expect(models).toEqual([expect.objectContaining({ id: 'small', isShipped: true })]);
    expect((await connection.client.call('models.card', { model: 'small' })).markdown).toMatch(
      /CC0/,
    );
    await expect(connection.client.call('models.remove', { model: 'small' })).rejects.toThrow(
      /came with the app/,
    );
    await expect(
      connection.client.call('models.import', { path: path.join(photos, '1.dng') }),
    ).rejects.toMatchObject({ code: 'model' });
  });

  it('notices photos that come and go, and a folder that does', async () => {
    await connection.client.call('library.open', { path: photos, subfolders: false });
    const appeared: string[] = [];
    const vanished: string[] = [];
    const there: boolean[] = [];
    connection.client.on('library.changed', (event) => {
      appeared.push(...event.appeared.map(({ name }) => name));
      vanished.push(...event.vanished);
    });
    connection.client.on('library.folder', ({ isThere }) => there.push(isThere));
    writeFileSync(path.join(photos, 'new.dng'), smallDng());
    await until(() => appeared.includes('new.dng'), 'the new photo');
    const { photos: now } = await connection.client.call('library.current', {});
    const id = now.find(({ name }) => name === 'new.dng')?.id ?? '';
    rmSync(path.join(photos, 'new.dng'));
    await until(() => vanished.includes(id), 'its going');
    renameSync(photos, `${photos}-away`);
    await until(() => there.includes(false), 'the folder to be missed');
    renameSync(`${photos}-away`, photos);
    await until(() => there.includes(true), 'the folder to be back');
  });

  it('tells whoever listens that the other side is gone, in time or late', async () => {
    const second = await connect(app);
    const { client } = second;
    let told = 0;
    const tell = (): void => {
      told += 1;
    };
    client.onClose(tell);
    await client.call('app.info', {});
    await second.close();
    await until(() => told === 1, 'word of the end');
    client.onClose(tell);
    expect(told).toBe(2);
    await expect(client.call('app.info', {})).rejects.toMatchObject({ code: 'closed' });
  });
});
