/** Undo reaches every change of edits and ratings since the program started. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { App } from '../../main/app/app.ts';
import { historyMax } from '../../main/library/history.ts';
import {
  defaultEdits,
  editGroups,
  editsOfGroups,
  type Edits,
} from '../../preload/contract/edits.ts';
import { temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { connectMemory, startApp, type Connection } from './carriers.ts';

const parent = temporaryFolder();
let count = 0;
let root: string;
let photos: string;
let app: App;
let connection: Connection;
let ids: readonly string[];

beforeEach(async () => {
  root = path.join(parent, String(count++));
  photos = path.join(root, 'photos');
  writeSmallDngs(photos, 3);
  ({ app } = await startApp(root));
  connection = await connectMemory(app);
  ids = await open(photos);
});

afterEach(async () => {
  await connection.close();
  await app.close();
});

async function open(folder: string): Promise<readonly string[]> {
  const input = { path: folder, subfolders: false };
  const { photos: all } = await connection.client.call('library.open', input);
  return all.map(({ id }) => id);
}

const sidecarSchema = z.object({ rating: z.number(), edits: z.record(z.string(), z.unknown()) });

/** What lies beside the photo. */
function sidecarOf(name: string) {
  const file = path.join(photos, `${name}.nightglass.json`);
  return sidecarSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

it('takes back a rating of many, and edits, one command at a time, and does them again', async () => {
  const { client } = connection;
  const [one = '', two = ''] = ids;
  await client.call('library.rate', { photos: [one], rating: 2 });
  await client.call('library.rate', { photos: [one, two], rating: 5 });
  await client.call('library.writeEdits', { photos: [one, two], edits: { exposure: 1, ratio: 9 } });
  expect(await client.call('library.undo', {})).toEqual({
    step: { kind: 'edits', photos: [one, two], name: '1.dng' },
  });
  expect(sidecarOf('2.dng')).toEqual({ rating: 5, edits: defaultEdits });
  expect((await client.call('library.undo', {})).step).toMatchObject({ kind: 'rating' });
  expect([sidecarOf('1.dng').rating, sidecarOf('2.dng').rating]).toEqual([2, 0]);
  await client.call('library.redo', {});
  await client.call('library.redo', {});
  expect(sidecarOf('1.dng')).toEqual({
    rating: 5,
    edits: { ...defaultEdits, model: 'small', exposure: 1, ratio: 9 },
  });
  expect(await client.call('library.redo', {})).toEqual({});
});

it('reaches a folder that is not open any more, and passes over photos that are gone', async () => {
  const { client } = connection;
  const other = path.join(photos, 'other');
  writeSmallDngs(other, 1);
  await client.call('library.rate', { photos: [...ids], rating: 3 });
  await open(other);
  rmSync(path.join(photos, '2.dng'));
  const { step } = await client.call('library.undo', {});
  expect(step?.photos).toHaveLength(2);
  expect(sidecarOf('3.dng').rating).toBe(0);
  expect(sidecarOf('2.dng').rating).toBe(3);
});

it('keeps what came in between on other fields', async () => {
  const { client } = connection;
  const [one = ''] = ids;
  await client.call('library.writeEdits', { photos: [one], edits: { exposure: 1 } });
  // Another program, or the same one elsewhere.
  await app.library.rate([one], 4);
  await client.call('library.undo', {});
  await client.call('library.undo', {});
  expect(sidecarOf('1.dng')).toEqual({ rating: 0, edits: defaultEdits });
});

it('makes one step of a run, and none of what changes nothing', async () => {
  const { client } = connection;
  const [one = ''] = ids;
  const write = (exposure: number, run?: string) =>
    client.call('library.writeEdits', {
      photos: [one],
      edits: { exposure },
      ...(run === undefined ? {} : { run }),
    });
  await write(1);
  for (const exposure of [1.1, 1.2, 1.3]) await write(exposure, 'run');
  await write(1.3);
  await client.call('library.undo', {});
  expect(sidecarOf('1.dng').edits['exposure']).toBe(1);
  await client.call('library.undo', {});
  expect(sidecarOf('1.dng').edits['exposure']).toBe(0);
  expect(await client.call('library.steps', {})).toEqual({ canUndo: false, canRedo: true });
  await write(3);
  await write(2, 'there and back');
  await write(3, 'there and back');
  await client.call('library.undo', {});
  expect(await client.call('library.undo', {})).toEqual({});
});

it('waits for what is being written', async () => {
  const { client } = connection;
  const writing = client.call('library.writeEdits', { photos: [...ids], edits: { exposure: 2 } });
  const { step } = await client.call('library.undo', {});
  await writing;
  expect(step?.photos).toHaveLength(3);
  expect(sidecarOf('3.dng').edits).toEqual(defaultEdits);
});

it('every edit belongs to a group that can be pasted', () => {
  expect(editsOfGroups(defaultEdits, editGroups)).toEqual(defaultEdits);
});

const historyOf = async (photo: string) => connection.client.call('library.history', { photo });
const exposures = async (photo: string): Promise<readonly number[]> =>
  (await historyOf(photo)).states.map(({ edits }) => edits.exposure);

it('lists what a photo went through, in its sidecar, and leads back to every state', async () => {
  const { client } = connection;
  const [one = '', two = ''] = ids;
  const write = (edits: Partial<Edits>, run?: string) =>
    client.call('library.writeEdits', {
      photos: [one],
      edits,
      ...(run === undefined ? {} : { run }),
    });
  await write({ exposure: 1 });
  for (const shadows of [0.1, 0.2, 0.3]) await write({ shadows }, 'run');
  await write({ exposure: 2, contrast: 0.5 });
  await client.call('library.rate', { photos: [one], rating: 3 });
  const { states } = await historyOf(one);
  expect(states.map(({ changed }) => [...changed].sort())).toEqual([
    [],
    ['exposure', 'model'],
    ['shadows'],
    ['contrast', 'exposure'],
  ]);
  expect(states[0]?.edits).toEqual(defaultEdits);
  expect(states[2]?.edits).toMatchObject({ exposure: 1, shadows: 0.3, contrast: 0 });
  // Undo takes the last step from the list, and redo adds it again.
  await client.call('library.undo', {});
  await client.call('library.undo', {});
  expect(await exposures(one)).toEqual([0, 1, 1]);
  await client.call('library.redo', {});
  expect(await exposures(one)).toEqual([0, 1, 1, 2]);
  // Going back is a step as well, which forgets nothing and can be undone.
  await write(states[1]?.edits ?? {});
  expect(await exposures(one)).toEqual([0, 1, 1, 2, 1]);
  await client.call('library.undo', {});
  expect(await exposures(one)).toEqual([0, 1, 1, 2]);
  expect(await exposures(two)).toEqual([0]);
  // Another program that starts, this one having been killed, finds all of it.
  const after = await startApp(root, { folder: path.join(root, 'other data') });
  const again = await connectMemory(after.app);
  await again.client.call('library.open', { path: photos, subfolders: false });
  expect(await again.client.call('library.history', { photo: one })).toEqual(await historyOf(one));
  await again.close();
  await after.app.close();
});

it('bounds the list, and gives up a damaged one rather than the edits', async () => {
  const { client } = connection;
  const [one = ''] = ids;
  for (let step = 1; step <= historyMax + 5; step++)
    await client.call('library.writeEdits', { photos: [one], edits: { exposure: step / 100 } });
  const list = await exposures(one);
  expect([list.length, list[0], list.at(-1)]).toEqual([historyMax + 1, 0.05, 1.05]);
  const file = path.join(photos, '1.dng.nightglass.json');
  const whole: unknown = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify(Object.assign({}, whole, { history: 'torn' })));
  await open(photos);
  expect(await exposures(one)).toEqual([1.05]);
});

it('keeps named snapshots, and undoes taking and removing them', async () => {
  const { client } = connection;
  const [one = ''] = ids;
  const { states } = await historyOf(one);
  const [{ edits } = { edits: defaultEdits }] = states;
  const snapshot = { name: 'Plain', at: '2026-11-29T07:00:00.000Z', edits };
  await client.call('library.writeSnapshots', { photo: one, snapshots: [snapshot] });
  await client.call('library.writeEdits', { photos: [one], edits: { exposure: 1 } });
  expect((await historyOf(one)).snapshots).toEqual([snapshot]);
  await client.call('library.writeSnapshots', { photo: one, snapshots: [] });
  expect((await client.call('library.undo', {})).step?.kind).toBe('snapshots');
  await open(photos);
  expect((await historyOf(one)).snapshots).toEqual([snapshot]);
  expect(await exposures(one)).toEqual([0, 1]);
});
