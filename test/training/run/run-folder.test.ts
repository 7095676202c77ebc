/** A run folder trained in a process of its own, as the app does it. */

import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from '../../../main/network/manifest.ts';
import { encodeCheckpoint, readCheckpoint } from '../../../main/training/run/checkpoint.ts';
import { stateOf } from '../../../main/training/step/state.ts';
import { RunControl } from '../../../main/training/run/control.ts';
import { readRunLog } from '../../../main/training/run/events.ts';
import {
  createRun,
  readRun,
  runFiles,
  writeRun,
  type RunPlan,
} from '../../../main/training/run/folder.ts';
import { trainRun } from '../../../main/training/run/train-run.ts';
import { noLoss } from '../../../main/training/step/loss.ts';
import { firstWeights } from '../../../main/training/step/weights.ts';
import { mountSmallDisk } from '../../error/program.ts';
import { writePhotos } from '../photos/made-photos.ts';
import { refusalOf } from '../refusal-of.ts';
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
const planFromModel = { ...plan(4), startedFrom: { kind: 'model', which: 'fast' } } as const;
const weightsOf = ({ recipe }: RunPlan) => firstWeights(recipe.unet, 99);

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

it('a run from a model that there is no room for is none', async ({ skip }) => {
  const disk = mountSmallDisk('size=64k') ?? skip('needs the right to mount a small disk');
  const work = createRun(disk, planFromModel, weightsOf(planFromModel));
  await expect(work).rejects.toMatchObject({ code: 'disk' });
  expect(await readdir(disk)).toEqual([]);
});

it('where the best of a run is all that is left of it, no other can be made', async () => {
  const run = path.join(folder, 'best-left');
  await createRun(run, planFromModel, weightsOf(planFromModel));
  await rename(runFiles(run).checkpoint, runFiles(run).best);
  const best = await readFile(runFiles(run).best);
  expect((await refusalOf(() => createRun(run, plan(4)))).message).toContain('already holds a run');
  expect((await readFile(runFiles(run).best)).equals(best)).toBe(true);
});

it('where a run was cut off while it was made, another can be made', async () => {
  const run = path.join(folder, 'cut-off');
  const weights = weightsOf(planFromModel);
  await createRun(run, planFromModel, weights);
  await rm(runFiles(run).description);
  await createRun(run, plan(4));
  expect(existsSync(runFiles(run).checkpoint)).toBe(false);
  await createRun(run, planFromModel, weights);
  expect((await readCheckpoint(runFiles(run).checkpoint)).state.weights).toEqual(weights);
  expect((await refusalOf(() => createRun(run, plan(4)))).message).toContain('already holds a run');

  // A checkpoint of the older form, without a description, was learned for.
  await rm(runFiles(run).description);
  const learned = { recipe: planFromModel.recipe, dataset: 'photos', state: stateOf(weights) };
  await writeFile(runFiles(run).checkpoint, Buffer.concat(encodeCheckpoint(learned)));
  expect((await refusalOf(() => createRun(run, plan(4)))).code).toBe('bad-argument');
});

it('a run whose checkpoint is gone does not begin again from random weights', async () => {
  const control = new RunControl();
  const go = (run: string) => trainRun(run, { control, onEvent: () => undefined });
  const fromModel = path.join(folder, 'model-gone');
  await createRun(fromModel, planFromModel, weightsOf(planFromModel));
  await rm(runFiles(fromModel).checkpoint);
  expect((await refusalOf(() => go(fromModel))).message).toMatch(/not there: .* begin a new run/);

  const done = path.join(folder, 'done-gone');
  await createRun(done, plan(2));
  expect(await go(done)).toMatchObject({ kind: 'done', step: 2 });
  await rm(runFiles(done).checkpoint);
  const { description } = await readRun(done);
  await writeRun(done, { ...description, recipe: { ...description.recipe, steps: 4 } });
  expect((await refusalOf(() => go(done))).message).toMatch(/not there: best\.ngck .* goes on/);
  // As the refusal says.
  await copyFile(runFiles(done).best, runFiles(done).checkpoint);
  expect(await go(done)).toMatchObject({ kind: 'done', step: 4 });
});

it('a last step that leaves no numbers is taken back, and nothing of it is written', async () => {
  const run = path.join(folder, 'too-far');
  const { recipe, ...rest } = plan(1);
  const wild = { warmupSteps: 0, learningRate: 1, learningRateFinal: 1, clipNorm: 1e9 };
  await createRun(run, {
    ...rest,
    recipe: { ...recipe, ...wild, loss: { ...noLoss, squared: 1 } },
  });
  const accounts: string[] = [];
  const outcome = await trainRun(run, {
    control: new RunControl(),
    onEvent: (event) => event.event === 'diverged' && accounts.push(event.account),
  });
  expect(outcome).toMatchObject({ kind: 'done', step: 1 });
  expect(accounts[0]).toMatch(/^validation came to .* a loss of (NaN|Infinity)$/);
  const { best } = (await readRun(run)).description;
  expect(best?.step).toBe(1);
  expect((await readModel(path.join(run, 'mine.json'))).manifest.training).toHaveProperty(
    'validation',
    best,
  );
});

it('a damaged best is refused with a way on, which leads to a model', async () => {
  const run = path.join(folder, 'damaged-best');
  const go = () => trainRun(run, { control: new RunControl(), onEvent: () => undefined });
  await createRun(run, plan(2));
  await go();
  const { best } = runFiles(run);
  const bytes = await readFile(best);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await writeFile(best, bytes);
  expect((await refusalOf(go)).message).toMatch(/best\.ngck but it is damaged: delete it in/);
  await rm(best);
  expect(await go()).toMatchObject({ kind: 'done', step: 2 });
});
