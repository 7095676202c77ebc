/** Training through the contract, with the real runner: checked, begun, rested, cut off, found again, ended. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { App } from '../../main/app/app.ts';
import type { Port } from '../../main/process/port.ts';
import { spawnNodeTraining } from '../../main/training/run/process.ts';
import type { Dataset, Lesson, Run } from '../../preload/contract/training.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import { smallShape, temporaryFolder, writeSmallDngs } from '../engine/small.ts';
import { writePhotos } from '../training/photos/made-photos.ts';
import { connectMemory, startApp, until, type Connection } from './carriers.ts';

// Processes are started and stopped many times; the machine may have other work.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const lesson: Lesson = {
  recipe: 'raw',
  baseChannels: smallShape.baseChannels,
  firstLevel: 'full',
  batch: 1,
  patchPacked: 32,
  steps: 12,
  learningRate: 1e-3,
  optimizer: 'adam',
  seed: 1,
  checkpointEvery: 4,
  validateEvery: 6,
  device: 'cpu',
  threads: 1,
};

describe('training', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const dataset: Dataset = { kind: 'photos', folders: [photos], leftOut: [] };
  const children: Port[] = [];
  let app: App;
  let bugs: unknown[];
  let connection: Connection;

  const open = async (): Promise<void> => {
    ({ app, bugs } = await startApp(root, {
      spawnTraining: (listener) => {
        const child = spawnNodeTraining(listener);
        children.push(child);
        return child;
      },
    }));
    connection = await connectMemory(app);
  };
  const close = async (): Promise<void> => {
    await connection.close();
    await app.close();
    expect(bugs).toEqual([]);
  };
  const client = () => connection.client;
  const runOf = async (id: string): Promise<Run> =>
    (await client().call('training.read', { run: id })).run;
  const reached = async (id: string, isIt: (run: Run) => boolean): Promise<Run> => {
    let found: Run | undefined;
    const stop = client().on('training.run', (run) => {
      if (run.id === id && isIt(run)) found = run;
    });
    const now = await runOf(id);
    if (isIt(now)) found = now;
    try {
      return await until(() => found, `the run ${id}`);
    } finally {
      stop();
    }
  };

  beforeAll(async () => {
    mkdirSync(photos, { recursive: true });
    await writePhotos(photos, 3, 200);
    writeSmallDngs(photos, 1, { width: 320, height: 240 });
    const whole = readFileSync(path.join(photos, 'made-0.png'));
    writeFileSync(path.join(photos, 'cut.png'), whole.subarray(0, whole.length / 2));
    await open();
  });
  afterAll(close);

  it('looks at every photo, and shows it or says what is wrong with it', async () => {
    const seen: number[] = [];
    const check = await client().call(
      'training.check',
      { dataset },
      { onProgress: ({ done }) => seen.push(done) },
    );
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    if (check.kind !== 'photos') throw new Error('expected a check of photos');
    expect(check.photos.map(({ name, fault }) => [name, fault === undefined])).toEqual([
      ['1.dng', true],
      ['cut.png', false],
      ['made-0.png', true],
      ['made-1.png', true],
      ['made-2.png', true],
    ]);
    expect(check.photos[1]?.fault).toMatch(/cut\.png/);
    const picture = (index: number, id = check.check): Promise<Response> =>
      app.pixels.handle(new Request(pixelUrl('photo://', { kind: 'check', check: id, index })));
    for (const index of [0, 2]) {
      const answer = await picture(index);
      expect(answer.headers.get('content-type')).toBe('image/jpeg');
      expect((await answer.bytes()).subarray(0, 2)).toEqual(Uint8Array.of(0xff, 0xd8));
    }
    expect((await picture(1)).status).toBe(422);
    expect((await picture(99)).status).toBe(422);
    expect((await picture(0, '0'.repeat(16))).status).toBe(422);
  });

  it('refuses what is no dataset, and folders that the window may not name', async () => {
    const empty = path.join(photos, 'empty');
    mkdirSync(empty);
    const at = (folder: string): Dataset => ({ ...dataset, folders: [folder] });
    await expect(client().call('training.check', { dataset: at(empty) })).rejects.toMatchObject({
      code: 'dataset',
    });
    for (const folder of [root, '/etc', path.join(photos, '..')]) {
      const asked = { name: 'No', dataset: at(folder), lesson };
      for (const ask of [
        () => client().call('training.check', { dataset: at(folder) }),
        () => client().call('training.courses', { dataset: at(folder) }),
        () => client().call('training.start', asked),
      ]) {
        // One after the other: a refusal that nobody awaits yet would fail the whole run.
        await expect(ask()).rejects.toMatchObject({ code: 'bad-argument' });
      }
    }
    expect(existsSync(path.join(root, 'data', 'runs'))).toBe(false);
  });

  it('measures a step here', async () => {
    const { courses } = await client().call('training.courses', { dataset });
    expect(courses.map(({ id, startsFrom }) => [id, startsFrom])).toEqual([
      ['adapt', 'small'],
      ['train', undefined],
    ]);
    await expect(
      client().call('training.measure', { lesson, startsFrom: 'nobody' }),
    ).rejects.toMatchObject({ code: 'model' });
    const startsFrom = 'small';
    const { stepMs, rssBytes } = await client().call('training.measure', { lesson, startsFrom });
    expect(stepMs).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(1e6);
  });

  it('takes a card that is faster where photos may use one, and else the processor, without complaint', async () => {
    await client().call('settings.write', { device: 'auto' });
    try {
      const found = await client().call('training.measure', {
        lesson: { ...lesson, device: 'auto' },
        startsFrom: 'small',
      });
      expect(found.stepMs).toBeGreaterThan(0);
      if (found.device === 'cpu') expect(found.processorMs).toBeUndefined();
      else expect(found.stepMs).toBeLessThan(found.processorMs ?? 0);
    } finally {
      await client().call('settings.write', { device: 'cpu' });
    }
  });

  it('trains from a model to a model of its own, which the app then has', async () => {
    const plan = { name: 'My nights', dataset, lesson, startsFrom: 'small' };
    const begun = await client().call('training.start', plan);
    expect(begun).toMatchObject({
      id: 'my-nights',
      kind: 'photos',
      steps: 12,
      startsFrom: 'small',
    });
    await expect(client().call('training.start', plan)).rejects.toThrow(/one run trains at a time/);
    const done = await reached('my-nights', ({ state }) => state === 'done');
    expect(done).toMatchObject({ step: 12, model: 'my-nights' });
    expect(done.bytes).toBeGreaterThan(1000);
    const { models } = await client().call('models.list', {});
    expect(models).toContainEqual(expect.objectContaining({ id: 'my-nights', name: 'My nights' }));
    const story = await client().call('training.read', { run: 'my-nights' });
    expect(story.losses.at(-1)?.step).toBe(12);
    expect(story.notes.map(({ account }) => account).join()).toMatch(/cut\.png/);
  });

  it('rests, goes on, stops with a model, and goes on later', async () => {
    const plan = { name: 'My nights', dataset, lesson: { ...lesson, steps: 100_000 } };
    const { id } = await client().call('training.start', plan);
    expect(id).toBe('my-nights-2');
    await reached(id, ({ live }) => live !== undefined);
    await client().call('training.pause', { run: id });
    const resting = await reached(id, ({ state }) => state === 'paused');
    await expect(client().call('training.remove', { run: id })).rejects.toThrow(/stop it first/);
    await client().call('training.resume', { run: id });
    await reached(id, ({ state, step }) => state === 'running' && step > resting.step);
    await client().call('training.stop', { run: id, makesModel: true });
    const stopped = await runOf(id);
    expect(stopped).toMatchObject({ state: 'stopped', model: id });
    await expect(client().call('training.pause', { run: id })).rejects.toThrow(/at rest/);
    await client().call('training.resume', { run: id });
    await reached(id, ({ state, step }) => state === 'running' && step > stopped.step);
    await client().call('training.stop', { run: id, makesModel: false });
  });

  it('goes on by itself when its process dies, and is found when the app did', async () => {
    const id = 'my-nights-2';
    await client().call('training.resume', { run: id });
    const before = await reached(id, ({ live }) => live !== undefined);
    const told: string[] = [];
    client().on('app.trouble', ({ account }) => told.push(account));
    const count = children.length;
    children.at(-1)?.kill();
    await until(() => children.length > count, 'another process');
    await reached(id, ({ live, step }) => live !== undefined && step > before.step);
    expect(told.join()).toMatch(/going on from the last checkpoint/);

    await close();
    const file = path.join(root, 'data', 'runs', id, 'run.json');
    const said: unknown = JSON.parse(readFileSync(file, 'utf8'));
    expect(said).toMatchObject({ state: { kind: 'stopped' } });
    // Ended with the app, not by whoever trains it: that is remembered.
    await open();
    expect((await runOf(id)).state).toBe('interrupted');
    await close();
    // As a power cut leaves it.
    writeFileSync(file, JSON.stringify({ ...Object(said), state: { kind: 'running' } }));
    await open();
    const { runs } = await client().call('training.runs', {});
    expect(runs.map((run) => [run.id, run.state])).toEqual([
      [id, 'interrupted'],
      ['my-nights', 'done'],
    ]);
    const cut = runs[0]?.step ?? 0;
    await client().call('training.resume', { run: id });
    await reached(id, ({ step, live }) => live !== undefined && step > cut);
    await client().call('training.stop', { run: id, makesModel: false });
  });

  it('is removed without its models', async () => {
    const gone: string[] = [];
    client().on('training.removed', ({ run }) => gone.push(run));
    await client().call('training.remove', { run: 'my-nights' });
    await until(() => gone.includes('my-nights'), 'the event');
    expect(existsSync(path.join(root, 'data', 'runs', 'my-nights'))).toBe(false);
    const { models } = await client().call('models.list', {});
    expect(models.map(({ id }) => id)).toContain('my-nights');
    await expect(client().call('training.read', { run: 'my-nights' })).rejects.toMatchObject({
      code: 'dataset',
    });
  });
});
