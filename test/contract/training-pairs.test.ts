/** Pairs and measured cameras through the contract: every fault told, pairs taken in by hand, models for one camera. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { App } from '../../main/app/app.ts';
import type { Check, Dataset, Lesson, Run } from '../../preload/contract/training.ts';
import { pixelUrl } from '../../preload/contract/pixel-url.ts';
import { smallShape, temporaryFolder } from '../engine/small.ts';
import { writeFrames } from '../calibration/made-frames.ts';
import {
  burntOut,
  movedBy,
  pairOf,
  sceneOf,
  writePair,
  writeRaw,
} from '../training/pairs/made-pairs.ts';
import { writePhotos } from '../training/photos/made-photos.ts';
import { connectMemory, startApp, until, type Connection } from './carriers.ts';

// Processes are started and stopped many times; the machine may have other work.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const lesson: Lesson = {
  recipe: 'adapt',
  baseChannels: smallShape.baseChannels,
  firstLevel: 'full',
  batch: 1,
  patchPacked: 32,
  steps: 8,
  learningRate: 1e-3,
  optimizer: 'adam',
  seed: 1,
  checkpointEvery: 4,
  validateEvery: 4,
  device: 'cpu',
  threads: 1,
};

describe('training on pairs, and on one camera’s noise', () => {
  const root = temporaryFolder();
  const photos = path.join(root, 'photos');
  const pairs = path.join(photos, 'pairs');
  const dataset: Dataset & { kind: 'pairs' } = {
    kind: 'pairs',
    folders: [pairs],
    leftOut: [],
    takenIn: [],
  };
  let app: App;
  let bugs: unknown[];
  let connection: Connection;
  const client = () => connection.client;

  beforeAll(async () => {
    const size = [288, 224] as const;
    const scene = (seed: number) => pairOf(sceneOf(seed, size), { ratio: 20, seed });
    for (const [index, name] of ['00001', '00002', '00003'].entries()) {
      await writePair(pairs, name, scene(index + 1));
    }
    const moved = scene(4);
    const crop = 24;
    await writePair(pairs, '00004', {
      short: movedBy(moved.short, 0, 0, crop),
      long: movedBy(moved.long, 12, 8, crop),
    });
    const burnt = scene(5);
    await writePair(pairs, '00005', { ...burnt, long: burntOut(burnt.long) });
    const cut = await writePair(pairs, '00006', scene(6));
    writeFileSync(cut.short, readFileSync(cut.short).subarray(0, 400));
    const other = pairOf(sceneOf(7, size), { ratio: 20, camera: 'nikon-d850-bggr', iso: 800 });
    await writePair(pairs, '00007', { short: scene(7).short, long: other.long });
    await writeRaw(path.join(pairs, 'short', '00008_00_0.1s.dng'), scene(8).short);
    ({ app, bugs } = await startApp(root));
    connection = await connectMemory(app);
  });
  afterAll(async () => {
    await connection.close();
    await app.close();
    expect(bugs).toEqual([]);
  });

  const ended = async (id: string): Promise<Run> => {
    let found: Run | undefined;
    const take = (run: Run): void => {
      if (run.id === id && (run.state === 'done' || run.state === 'failed')) found = run;
    };
    const stop = client().on('training.run', take);
    take((await client().call('training.read', { run: id })).run);
    try {
      return await until(() => found, `the run ${id}`);
    } finally {
      stop();
    }
  };
  let check: Extract<Check, { kind: 'pairs' }>;

  it('says of every pair what it is, and shows both pictures', async () => {
    const found = await client().call('training.check', { dataset });
    if (found.kind !== 'pairs') throw new Error('expected a check of pairs');
    check = found;
    expect(check.layout).toBe('sid');
    const faultOf = (scene: string) => check.pairs.find((pair) => pair.scene === scene)?.fault;
    for (const scene of ['00001', '00002', '00003']) expect(faultOf(scene)).toBeUndefined();
    expect(faultOf('00004')).toMatch(/shift|move|apart|pixel/i);
    expect(faultOf('00005')).toMatch(/burnt out/);
    expect(faultOf('00006')).toMatch(/00006/);
    expect(faultOf('00007')).toMatch(/NIKON/);
    expect(check.pairs.filter(({ canBeTaken }) => canBeTaken).map(({ scene }) => scene)).toEqual([
      '00004',
      '00005',
    ]);
    expect(check.unpaired.map(({ name }) => name)).toEqual(['00008_00_0.1s.dng']);
    const good = check.pairs[0];
    expect(good?.ratio).toBeGreaterThan(18);
    expect(good?.ratio).toBeLessThan(22);
    for (const { index } of [good?.short, good?.long].flatMap((file) => file ?? [])) {
      const answer = await app.pixels.handle(
        new Request(pixelUrl('photo://', { kind: 'check', check: check.check, index })),
      );
      expect(answer.headers.get('content-type')).toBe('image/jpeg');
    }
  });

  it('offers the ways that pairs can be learned from', async () => {
    const { courses } = await client().call('training.courses', { dataset });
    expect(courses.map(({ id, lesson: { recipe } }) => [id, recipe])).toEqual([
      ['adapt', 'adapt'],
      ['train', 'raw'],
      ['paper', 'sid'],
    ]);
  });

  it('trains on what was chosen, a pair taken in by hand among it, for the camera that took them', async () => {
    const [moved] = check.pairs.filter(({ scene }) => scene === '00004');
    const takenIn = [moved?.id ?? ''];
    const plan = { name: 'Pairs', dataset: { ...dataset, takenIn }, lesson, startsFrom: 'small' };
    const { id } = await client().call('training.start', plan);
    expect(await ended(id)).toMatchObject({
      state: 'done',
      kind: 'pairs',
      camera: 'SONY ILCE-7SM2',
      model: 'pairs',
    });
    const { validations, validatedOn } = await client().call('training.read', { run: id });
    // The first is of the model it began with.
    expect(validations.map(({ step }) => step)).toEqual([0, 4, 8]);
    expect(validations.every(({ examples }) => examples.length > 0)).toBe(true);
    expect(validatedOn?.isHeldOut).toBe(true);
  });

  it('refuses pairs of which too few are left', async () => {
    const leftOut = check.pairs.slice(0, 2).map(({ id }) => id);
    const plan = { name: 'Few', dataset: { ...dataset, leftOut }, lesson };
    await expect(client().call('training.start', plan)).rejects.toMatchObject({ code: 'dataset' });
    expect((await client().call('training.runs', {})).runs.map(({ id }) => id)).toEqual(['pairs']);
  });

  it('measures a camera from dark frames, keeps it, and trains photos in its noise', async () => {
    const [dark, flat, clean] = ['dark', 'flat', 'clean'].map((name) => path.join(photos, name));
    for (const folder of [dark, flat]) mkdirSync(folder ?? '', { recursive: true });
    writeFrames(dark ?? '', 'dark', 3, {});
    writeFrames(flat ?? '', 'flat', 2, { lightDn: 6000, seed: 3 });
    await writePhotos(clean ?? '', 3, 200);
    const seen: number[] = [];
    const { camera, profile } = await client().call(
      'training.measureCamera',
      { dark: dark ?? '', flat: flat ?? '' },
      { onProgress: ({ done }) => seen.push(done) },
    );
    expect(seen.length).toBeGreaterThan(0);
    expect(camera).toMatchObject({ name: 'NIGHT Owl 1', camera: 'NIGHT Owl 1', isos: [1600] });
    expect(profile.isos[0]?.dark[0]?.readSigmaDn.value).toBeCloseTo(4, 0);
    expect((await client().call('training.cameras', {})).cameras).toEqual([camera]);
    expect(await client().call('training.camera', { camera: camera.id })).toEqual({
      camera,
      profile,
    });
    await expect(
      client().call('training.measureCamera', { dark: path.join(root, 'elsewhere') }),
    ).rejects.toMatchObject({ code: 'bad-argument' });
    const plan = {
      name: 'Owl',
      dataset: { kind: 'photos' as const, folders: [clean ?? ''], leftOut: [], camera: camera.id },
      lesson,
      startsFrom: 'small',
    };
    const { id } = await client().call('training.start', plan);
    expect(await ended(id)).toMatchObject({ state: 'done', camera: 'NIGHT Owl 1' });
  });
});
