/** A run folder trained in a process of its own, as the app does it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from '../../main/network/manifest.ts';
import { readRunLog } from '../../main/training/run/run-events.ts';
import { createRun, readRun, runFiles, writeRun } from '../../main/training/run/run-folder.ts';
import { writePhotos } from './made-photos.ts';
import { smallPlan, training } from './small-run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-run-folder-'));
  await writePhotos(path.join(folder, 'photos'), 3, 160);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const plan = (steps: number) => smallPlan(path.join(folder, 'photos'), steps);

it('rests, goes on, stops with a model, and ends when it goes on again', async () => {
  const run = path.join(folder, 'asked');
  // So many steps that it cannot end before it is asked to rest.
  await createRun(run, plan(100_000));
  expect((await readRun(run)).description.state).toEqual({ kind: 'new' });
  const told: string[] = [];
  const first = training(run, (event, self) => {
    if (told.at(-1) !== event.event) told.push(event.event);
    if (event.event === 'start') self.pause();
    if (event.event === 'paused') self.resume();
    if (event.event === 'resumed') self.stop('best');
  });
  expect(await first.ended).toBeUndefined();
  expect(told.filter((name) => name !== 'progress' && name !== 'checkpoint')).toEqual([
    'start',
    'paused',
    'resumed',
    'stopped',
  ]);
  const stopped = await readRun(run);
  expect(stopped).toMatchObject({ isAlive: false, description: { state: { kind: 'stopped' } } });
  expect(stopped.description.models).toEqual(['mine.json']);
  expect((await readModel(path.join(run, 'mine.json'))).manifest.name).toBe('Mine');

  const last = stopped.description.step + 20;
  const { recipe } = stopped.description;
  await writeRun(run, { ...stopped.description, recipe: { ...recipe, steps: last } });
  expect(await training(run, () => undefined).ended).toBeUndefined();
  const { description, isAlive } = await readRun(run);
  expect(isAlive).toBe(false);
  expect(description).toMatchObject({ state: { kind: 'done' }, step: last, models: ['mine.json'] });
  expect(description.trainedSeconds).toBeGreaterThan(0);
  const log = await readRunLog(runFiles(run).log);
  expect(log.at(-1)).toMatchObject({ event: 'done', step: last });
  const steps = log.filter(({ event }) => event === 'progress').map(({ step }) => step);
  expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
});

it('two processes do not train one run', async () => {
  const run = path.join(folder, 'twice');
  await createRun(run, plan(100_000));
  const second = Promise.withResolvers<unknown>();
  const first = training(run, (event) => {
    if (event.event !== 'start') return;
    const other = training(run, () => undefined);
    void other.ended.then(second.resolve);
  });
  expect(await second.promise).toMatchObject({ code: 'dataset' });
  expect((await readRun(run)).isAlive).toBe(true);
  first.stop('nothing');
  expect(await first.ended).toBeUndefined();
  expect(await readRun(run)).toMatchObject({
    isAlive: false,
    description: { state: { kind: 'stopped' } },
  });
});
