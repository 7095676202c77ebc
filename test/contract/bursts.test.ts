/** Bursts in the library: found from the files' heads, chosen about, merged by the queue, and enhanced. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRaw } from '../../main/raw/decode.ts';
import { readHeader } from '../../main/raw/header.ts';
import { photoIdOf } from '../../main/library/photo-id.ts';
import { gatherBursts, type Burst } from '../../preload/contract/bursts.ts';
import { defaultExportChoice } from '../../preload/contract/settings.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import { smallDng, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { writeBurst } from '../burst/written.ts';
import { connectMemory, startApp, until, type Connection, type TestApp } from './carriers.ts';

const burst = (changes: Partial<Burst> = {}): Burst => ({
  id: 'a',
  frames: ['a', 'b', 'c'],
  leftOut: [],
  motion: 'freeze',
  ...changes,
});

describe('gatherBursts', () => {
  it('tells bursts from single photos, and takes only the frames that are named', () => {
    const found = gatherBursts(['x', 'a', 'b', 'y'], [burst()]);
    expect(found.merges).toEqual([{ burst: burst(), frames: ['a', 'b'] }]);
    expect(found.singles).toEqual(['x', 'y']);
  });

  it('leaves out what the user left out, and takes a lone frame as a photo', () => {
    expect(gatherBursts(['a', 'b', 'c'], [burst({ leftOut: ['c'] })])).toMatchObject({
      merges: [{ frames: ['a', 'b'] }],
      singles: [],
    });
    expect(gatherBursts(['a', 'x'], [burst()]).singles).toEqual(['a', 'x']);
  });

  it('does not merge again what is merged and named already', () => {
    const done = burst({ merged: 'm' });
    expect(gatherBursts(['a', 'b', 'c', 'm'], [done])).toEqual({
      merges: [],
      singles: ['m'],
      merged: ['a', 'b', 'c'],
    });
    expect(gatherBursts(['a', 'b', 'c'], [done]).merges).toHaveLength(1);
  });
});

describe('bursts of a folder', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  let running: TestApp;
  let connection: Connection;
  let frames: string[];

  beforeAll(async () => {
    frames = writeBurst(photos);
    writeSmallDngs(photos, 2);
    writeFileSync(path.join(photos, 'torn.dng'), smallDng().subarray(0, 300));
    await start();
  });

  afterAll(async () => {
    await running.app.close();
    expect(running.bugs).toEqual([]);
  });

  const start = async (): Promise<void> => {
    running = await startApp(root);
    connection = await connectMemory(running.app);
    await connection.client.call('library.open', { path: photos, subfolders: false });
    await running.app.bursts.settled();
  };
  const idOf = (name: string): string => {
    const found = running.app.library.current.photos.find((photo) => photo.name === name);
    if (found === undefined) throw new Error(`expected ${name} in the library`);
    return found.id;
  };
  const read = async (): Promise<Burst[]> =>
    (await connection.client.call('bursts.read', {})).bursts;
  const items = () => running.app.queue.state.items;
  const ended = () => until(() => items().every(({ state }) => state === 'done'), 'the queue');
  const originals = () => frames.map((file) => readFileSync(file));

  it('are found by the heads of the files alone', async () => {
    const ids = frames.map((file) => idOf(path.basename(file)));
    expect(await read()).toEqual([{ id: ids[0], frames: ids, leftOut: [], motion: 'freeze' }]);
    expect(ids[0]).toBe(photoIdOf(frames[0] ?? ''));
    const head = await readHeader(frames[0] ?? '');
    expect(head).toMatchObject({ shot: { iso: 6400, takenAt: '2026-01-01T01:00:00' } });
    expect(await readHeader(path.join(photos, 'absent.dng'))).toBeUndefined();
  });

  it('refuse choices that cannot be merged', async () => {
    const [found] = await read();
    const [a = '', b = ''] = found?.frames ?? [];
    const choose = (choice: { reference?: string; leftOut: string[] }) =>
      connection.client.call('bursts.choose', { burst: a, motion: 'freeze', ...choice });
    await expect(choose({ leftOut: [idOf('1.dng')] })).rejects.toThrow('frames of the burst');
    await expect(choose({ reference: b, leftOut: [b] })).rejects.toThrow('not left out');
    await expect(choose({ leftOut: [a, b] })).rejects.toThrow('at least two frames');
    await expect(
      connection.client.call('bursts.merge', { bursts: [idOf('1.dng')] }),
    ).rejects.toThrow('not in the open folder');
  });

  it('are merged into a DNG beside the originals, which the library shows', async () => {
    const before = originals();
    const [found] = await read();
    const [a = '', b = '', c = ''] = found?.frames ?? [];
    const choice = { reference: b, leftOut: [c], motion: 'blur' as const };
    await connection.client.call('bursts.choose', { burst: a, ...choice });
    expect((await read())[0]).toMatchObject(choice);
    const stages = new Set<string>();
    running.app.events.listen((name) => {
      if (name === 'queue.changed') for (const { stage } of items()) stages.add(stage ?? '');
    });
    expect(await connection.client.call('bursts.merge', { bursts: [a] })).toEqual({ queued: 1 });
    await ended();
    const file = path.join(photos, 'NIGHT-2-2frames.dng');
    expect(items()[0]).toMatchObject({
      name: 'NIGHT-2.dng',
      path: file,
      burst: { frames: 2, becomes: 'dng', merged: 2, leftOut: [] },
    });
    expect(originals()).toEqual(before);
    const raw = await decodeRaw(file);
    expect(raw.kind === 'mosaic' && raw.mosaic.merged).toMatchObject({
      frames: ['NIGHT-1.dng', 'NIGHT-2.dng'],
      reference: 'NIGHT-2.dng',
    });
    await until(
      () => running.app.bursts.current[0]?.merged === photoIdOf(file),
      'the merged photo in the library',
    );
    const { merged } = await connection.client.call('develop.open', { photo: photoIdOf(file) });
    expect(merged).toMatchObject({ frames: 2 });
    expect(merged?.middle).toBeGreaterThan(1.5);
    const address = pixelUrl('photo://', { kind: 'frames', photo: photoIdOf(file) });
    const answer = await running.app.pixels.handle(new Request(address));
    const quarters = new Uint8Array(await answer.arrayBuffer());
    expect(quarters).toHaveLength((merged?.columns ?? 0) * (merged?.rows ?? 0));
    // In the middle nearly both frames, at the edges one.
    expect(Math.max(...quarters)).toBeGreaterThan(6);
    expect(Math.max(...quarters)).toBeLessThanOrEqual(8);
    expect(Math.min(...quarters)).toBe(4);
    // It is no frame of another burst.
    expect(running.app.bursts.current).toHaveLength(1);
    running.app.queue.clear();
  });

  it('merged again give the same file, not a second one', async () => {
    const [found] = await read();
    await connection.client.call('bursts.merge', { bursts: [found?.id ?? ''] });
    await ended();
    expect(readdirSync(photos).filter((name) => name.includes('frames'))).toHaveLength(1);
    running.app.queue.clear();
    rmSync(path.join(photos, 'NIGHT-2-2frames.dng'));
    await until(() => running.app.bursts.current[0]?.merged === undefined, 'the loss of it');
  });

  it('become one picture each by Enhance all, and all their frames count as exported', async () => {
    const before = originals();
    const [a = ''] = (await read())[0]?.frames ?? [];
    await connection.client.call('bursts.choose', { burst: a, leftOut: [], motion: 'freeze' });
    const ids = [...frames.map((file) => path.basename(file)), '1.dng', '2.dng'].map(idOf);
    const enhance = () =>
      connection.client.call('export.enhance', { photos: ids, mergesBursts: true });
    expect(await enhance()).toEqual({ queued: 3 });
    await ended();
    expect(readdirSync(path.join(photos, 'Nightglass')).sort()).toEqual([
      '1.tif',
      '2.tif',
      'NIGHT-1-burst.tif',
    ]);
    expect(items().find(({ name }) => name === 'NIGHT-1.dng')?.burst).toEqual({
      frames: 3,
      becomes: 'picture',
      merged: 3,
      leftOut: [],
    });
    expect(originals()).toEqual(before);
    expect(readdirSync(photos).filter((name) => name.includes('frames'))).toEqual([]);
    expect(await enhance()).toEqual({ queued: 0 });
    running.app.queue.clear();
  });

  it('begin anew after the app ended amid them', async () => {
    const [a = ''] = (await read())[0]?.frames ?? [];
    running.app.queue.pause();
    await connection.client.call('bursts.merge', { bursts: [a] });
    running.app.queue.resume();
    await until(() => items()[0]?.stage === 'merge', 'the merge');
    await running.app.close();
    expect(readdirSync(photos).filter((name) => /frames|tmp/.test(name))).toEqual([]);
    await start();
    await ended();
    expect(readdirSync(photos).filter((name) => name.includes('frames'))).toHaveLength(1);
    running.app.queue.clear();
  });

  it('that lost a frame while they waited are merged of the others', async () => {
    const [a = ''] = (await read())[0]?.frames ?? [];
    const [first = ''] = frames;
    const bytes = readFileSync(first);
    running.app.queue.pause();
    await connection.client.call('bursts.choose', {
      burst: a,
      leftOut: [],
      motion: 'freeze',
      reference: a,
    });
    await connection.client.call('bursts.merge', { bursts: [a] });
    rmSync(first);
    running.app.queue.resume();
    await ended();
    expect(items()[0]?.burst).toEqual({
      frames: 3,
      becomes: 'dng',
      merged: 2,
      leftOut: [{ name: 'NIGHT-1.dng', reason: 'is not there any more' }],
    });
    writeFileSync(first, bytes);
    running.app.queue.clear();
  });

  it('that do not go together come apart, with the reason', async () => {
    const other = path.join(photos, 'other');
    mkdirSync(other);
    // One frame each of two scenes, within a second.
    const names = ['A-1.dng', 'A-2.dng'];
    const scratch = path.join(root, 'scratch');
    const [first = ''] = writeBurst(scratch, { frames: 2, hour: 2 });
    const [, second = ''] = writeBurst(scratch, { name: 'B', frames: 2, hour: 5 });
    const { app } = running;
    app.queue.pause();
    const files = names.map((name) => path.join(other, name));
    writeFileSync(files[0] ?? '', readFileSync(first));
    writeFileSync(files[1] ?? '', readFileSync(second));
    const troubles: string[] = [];
    app.events.listen((name, event) => {
      if (name === 'app.trouble') troubles.push(JSON.stringify(event));
    });
    const order = { frames: files, reference: 'auto', motion: 'freeze' } as const;
    const choice = defaultExportChoice;
    app.queue.add([{ photo: files[0] ?? '', burst: { ...order, isKept: false } }], choice);
    app.queue.add([{ photo: files[0] ?? '', burst: { ...order, isKept: true } }], choice);
    app.queue.resume();
    await until(
      () =>
        items().length === 3 &&
        items().every((item) => item.state !== 'waiting' && item.state !== 'working'),
      'all',
    );
    expect(items().map(({ name, state }) => [name, state])).toEqual([
      ['A-1.dng', 'done'],
      ['A-2.dng', 'done'],
      ['A-1.dng', 'failed'],
    ]);
    expect(items()[2]?.failure).toMatchObject({ code: 'burst' });
    expect(troubles.join()).toContain('exported one by one');
  });
});
