/** The export queue over restarts, cancellations and lost engines. */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { App } from '../../main/app/app.ts';
import { spawnNodeEngine } from '../../main/engine/process.ts';
import type { Connect } from '../../main/process/port.ts';
import { photoIdOf } from '../../main/library/photo-id.ts';
import { defaultExportChoice } from '../../preload/contract/settings.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import { mountSmallDisk } from '../error/program.ts';
import { smallDng, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, startApp, until } from './carriers.ts';

const choice = defaultExportChoice;

describe('the export queue', () => {
  let root: string;
  let photos: string;
  let out: string;
  let app: App;
  const parent = temporaryFolder();
  let count = 0;

  beforeEach(() => {
    root = path.join(parent, String(count++));
    photos = path.join(root, 'photos');
    out = path.join(photos, 'Nightglass');
    mkdirSync(photos, { recursive: true });
  });

  afterEach(async () => {
    await app.close();
  });

  const open = async (spawn: Connect = spawnNodeEngine): Promise<void> => {
    ({ app } = await startApp(root, { spawn }));
    await app.library.open(photos, {
      subfolders: false,
      signal: new AbortController().signal,
      onPhotos: () => undefined,
    });
  };
  const states = (): string[] => app.queue.state.items.map(({ state }) => state);
  /** So many that a look every now and then cannot miss the time between the first and the last. */
  const many = 24;
  const namesOfMany = Array.from({ length: many }, (_, index) => `${index + 1}.tif`).sort();
  /** No partial and no temporary file. */
  const written = (): string[] => (existsSync(out) ? readdirSync(out).sort() : []);

  it('goes on where it was when the app ended', async () => {
    const files = writeSmallDngs(photos, many);
    await open();
    app.queue.add(files, choice);
    await until(() => app.queue.state.ended >= 1, 'the first photo');
    await app.close();
    const before = written();
    expect(before.length).toBeLessThan(many);
    for (const name of before) expect(name).toMatch(/^\d+\.tif$/);
    const saved: unknown = JSON.parse(readFileSync(path.join(root, 'data', 'queue.json'), 'utf8'));
    expect(saved).toMatchObject({ version: 1 });
    expect(saved).toHaveProperty('items.length', many);

    await open();
    await until(() => app.queue.state.ended === many, 'the rest');
    expect(states()).toEqual(Array.from({ length: many }, () => 'done'));
    expect(written()).toEqual(namesOfMany);
  });

  it('stays paused over a restart, and reckons time', async () => {
    const files = writeSmallDngs(photos, many);
    await open();
    app.queue.pause();
    app.queue.add(files, choice);
    await app.close();
    await open();
    expect(app.queue.state).toMatchObject({ isPaused: true, ended: 0, total: many, elapsedMs: 0 });
    expect(app.queue.state.remainingMs).toBeUndefined();
    app.queue.resume();
    await until(() => app.queue.state.ended >= 1, 'the first');
    expect(app.queue.state.elapsedMs).toBeGreaterThan(0);
    expect(app.queue.state.remainingMs).toBeGreaterThan(0);
    await until(() => app.queue.state.ended === many, 'all');
    expect(app.queue.state.remainingMs).toBeUndefined();
  });

  it('puts a damaged memory aside and starts with none', async () => {
    mkdirSync(path.join(root, 'data'), { recursive: true });
    for (const name of ['queue.json', 'recent.json', 'exported.json', 'settings.json']) {
      writeFileSync(path.join(root, 'data', name), '{ "version": 1, "items": [');
    }
    await open();
    expect(app.queue.state).toMatchObject({ total: 0, isPaused: false });
    expect(existsSync(path.join(root, 'data', 'queue.json.damaged'))).toBe(true);
  });

  it('stops one at work within a tile, and leaves nothing behind', async () => {
    // Many tiles: the small network takes a window of millions of pixels at once.
    const file = path.join(photos, 'large.dng');
    writeFileSync(
      file,
      smallDng({ width: 2000, height: 1500, samples: new Uint16Array(2000 * 1500).fill(600) }),
    );
    await open();
    app.queue.add([file], choice);
    await until(() => app.queue.state.items[0]?.stage === 'network', 'the network');
    app.queue.cancel();
    await until(() => app.queue.state.ended === 1, 'the end');
    expect(states()).toEqual(['cancelled']);
    expect(written()).toEqual([]);
    app.queue.retry();
    await until(() => states()[0] === 'done', 'the second try');
    expect(written()).toEqual(['large.tif']);
  });

  it('goes on when its engine is killed', async () => {
    const kills: (() => void)[] = [];
    const files = writeSmallDngs(photos, many);
    await open((listener) => {
      const child = spawnNodeEngine(listener);
      kills.push(() => {
        child.kill();
      });
      return child;
    });
    const troubles: unknown[] = [];
    app.events.listen((name, event) => name === 'app.trouble' && troubles.push(event));
    app.queue.add(files, choice);
    await until(() => app.queue.state.ended >= 1, 'the first photo');
    kills[0]?.();
    await until(() => app.queue.state.ended === many, 'the rest');
    expect(states()).toEqual(Array.from({ length: many }, () => 'done'));
    expect(written()).toEqual(namesOfMany);
    expect(kills.length).toBeGreaterThan(1);
    expect(JSON.stringify(troubles)).toMatch(/^\[\{"account":"[^{]*starting it again"\}\]$/);
  });

  it('pauses when there is no network, and says so once', async () => {
    const files = writeSmallDngs(photos, 5);
    await open();
    await app.settings.write({ model: 'absent' });
    app.queue.add(files, choice);
    await until(() => app.queue.state.isPaused, 'the pause');
    await until(() => !states().includes('working'), 'those at work');
    expect(states().filter((state) => state === 'failed').length).toBeLessThanOrEqual(2);
    expect(app.queue.state.items[0]?.failure).toMatchObject({ code: 'model' });
    await app.settings.write({ model: 'small' });
    app.queue.retry();
    app.queue.resume();
    await until(() => states().every((state) => state === 'done'), 'all');
  });

  it('pauses when the disk is full, says so, and goes on once there is room', async ({ skip }) => {
    const disk = mountSmallDisk('size=60k') ?? skip('needs the right to mount a small disk');
    const files = writeSmallDngs(photos, 6);
    await open();
    const troubles: unknown[] = [];
    app.events.listen((name, event) => name === 'app.trouble' && troubles.push(event));
    const output = { format: 'tiff', bits: 16, compression: 'none' } as const;
    // 46 kB each.
    app.queue.add(files, { ...choice, output, folder: disk });
    await until(() => app.queue.state.isPaused, 'the pause');
    await until(() => !states().includes('working'), 'those at work');
    expect(states().filter((state) => state === 'waiting').length).toBeGreaterThanOrEqual(5);
    expect(states()).not.toContain('failed');
    expect(app.queue.state.stoppedBy).toContain('the disk is full');
    expect(JSON.stringify(troubles)).toMatch(/the disk is full.* paused with [01] of 6 done/);

    expect(spawnSync('mount', ['-o', 'remount,size=2m', disk]).status).toBe(0);
    app.queue.resume();
    expect(app.queue.state.stoppedBy).toBeUndefined();
    await until(() => states().every((state) => state === 'done'), 'all');
    expect(readdirSync(disk)).toHaveLength(6);
  });

  it('shows a finished picture where it lies, and nothing else', async () => {
    const files = writeSmallDngs(photos, 1);
    const shown: string[] = [];
    const none = (): Promise<undefined> => Promise.resolve(undefined);
    const reveal = (file: string): void => {
      shown.push(file);
    };
    ({ app } = await startApp(root, { dialogs: { folder: none, model: none, reveal } }));
    app.queue.add(files, choice);
    await until(() => states()[0] === 'done', 'the picture');
    const connection = await connectMemory(app);
    const { client } = connection;
    await client.call('queue.reveal', { item: app.queue.state.items[0]?.id ?? '' });
    expect(shown).toEqual([path.join(out, '1.tif')]);
    await expect(client.call('queue.reveal', { item: '/etc' })).rejects.toThrow('finished picture');
    await connection.close();
  });

  it('takes the edits of each photo, and lets go of tiles that nobody waits for', async () => {
    const file = path.join(photos, 'wide.dng');
    writeFileSync(
      file,
      smallDng({ width: 1300, height: 900, samples: new Uint16Array(1300 * 900).fill(600) }),
    );
    await open();
    const photo = photoIdOf(file);
    await app.library.writeEdits([photo], {
      crop: { x: 0.5, y: 0.25, width: 0.5, height: 0.5 },
      rotate: 1,
    });
    app.queue.add([file], { ...choice, output: { format: 'png', bits: 8 }, longSide: 300 });
    const tile = (x: number, signal?: AbortSignal): Promise<Response> =>
      app.pixels.handle(
        new Request(
          pixelUrl('photo://', {
            kind: 'tile',
            photo,
            model: 'small',
            ratio: 5,
            level: 0,
            x,
            y: 0,
          }),
          signal === undefined ? {} : { signal },
        ),
      );
    const controller = new AbortController();
    const left = [0, 1, 0].map((x) => tile(x, controller.signal));
    const kept = tile(2);
    controller.abort();
    for (const answer of await Promise.all(left)) expect(answer.status).toBe(499);
    expect((await kept).status).toBe(200);
    await until(() => app.queue.state.ended === 1, 'the export');
    const png = readFileSync(path.join(out, 'wide.png'));
    // Upright by EXIF (see the night mosaic), turned once more, half of each side, at most 300.
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    expect(Math.max(width, height)).toBe(300);
    expect(Math.max(width, height) / Math.min(width, height)).toBeCloseTo(1300 / 900, 1);
    rmSync(out, { recursive: true });
  });
});
