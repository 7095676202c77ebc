/** Which network of a run counts as its best. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readModel } from '../../../main/network/manifest.ts';
import type { TrainingState } from '../../../main/training/step/state.ts';
import { parameterCount } from '../../../main/network/unet.ts';
import { RunControl } from '../../../main/training/run/control.ts';
import { createRun, readRun, runFiles, writeRun } from '../../../main/training/run/folder.ts';
import { RunJournal } from '../../../main/training/run/journal.ts';
import { RunValidation } from '../../../main/training/run/validation.ts';
import { freshState } from '../../../main/training/run/run.ts';
import { trainRun } from '../../../main/training/run/train-run.ts';
import { Validator, type ValidationPatch } from '../../../main/training/validation/validation.ts';
import { writePhotos } from '../photos/made-photos.ts';
import { smallPlan } from './small-run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-run-validation-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const side = 32;
/** What a network of zeros answers exactly. */
const black: ValidationPatch = {
  name: 'black',
  sidePacked: side,
  input: new Float32Array(4 * side ** 2).fill(0.5),
  target: new Float32Array(12 * side ** 2),
  cameraToSrgb: [1, 0, 0, 0, 1, 0, 0, 0, 1],
};

it('scores are numbers where pictures are equal', async () => {
  const { recipe } = smallPlan(folder, 4);
  const zeros = new Float32Array(parameterCount(recipe.unet));
  const { psnrDb, ssim, loss } = await new Validator(recipe, [black], 1).validate(zeros);
  expect([psnrDb, ssim]).toEqual([100, 1]);
  expect(loss).toBeCloseTo(0, 6);
});

it('a step made again counts if it comes out the same, and not if a setback made it worse', async () => {
  const run = path.join(folder, 'again');
  const description = await createRun(run, smallPlan(folder, 4));
  const isBest: boolean[] = [];
  const troubles: string[] = [];
  const journal = new RunJournal(run, description, (event) => {
    if (event.event === 'validated') isBest.push(event.isBest);
    if (event.event === 'trouble') troubles.push(event.account);
  });
  const set = { patches: [black], isHeldOut: true, about: 'black' };
  const validation = new RunValidation(run, journal, set, { threads: 1 });
  const { recipe } = description;
  const worse = { ...freshState(recipe), step: 2 };
  const good = { ...worse, weights: new Float32Array(worse.weights.length) };
  const validate = (state: TrainingState) =>
    validation.validate({ recipe, dataset: 'black', state });
  await validate(good);
  const best = await readFile(runFiles(run).best);
  await validate(worse);
  expect((await readFile(runFiles(run).best)).equals(best)).toBe(true);
  expect(journal.description.best).toMatchObject({ step: 2, psnrDb: 100 });
  await validate(good);
  expect(isBest).toEqual([true, false, true]);
  expect(troubles).toEqual([]);
  // Better by PSNR than what was, and worse by SSIM: smoother.
  await journal.note({ best: { step: 1, psnrDb: -50, ssim: 1, loss: 1 } });
  await validate(worse);
  expect(isBest.at(-1)).toBe(true);
  expect(troubles).toEqual([expect.stringMatching(/^PSNR rose to .* SSIM fell from 1\.0000/)]);
  await journal.end();
});

it('a run that goes on with other photos is not measured by what it was on the old ones', async () => {
  const run = path.join(folder, 'other');
  const [old, other] = [path.join(folder, 'old'), path.join(folder, 'other-photos')];
  await writePhotos(old, 2, 160);
  await writePhotos(other, 3, 160);
  const begun = { control: new RunControl(), onEvent: () => undefined };
  await createRun(run, smallPlan(old, 2));
  expect(await trainRun(run, begun)).toMatchObject({ kind: 'done', step: 2 });

  const { description } = await readRun(run);
  const { best } = description;
  if (best === undefined) throw new Error('expected a validation');
  const { recipe, dataset } = smallPlan(other, 4);
  // Photos as easy as that are found: nothing learned from others comes near it.
  await writeRun(run, { ...description, recipe, dataset, best: { ...best, psnrDb: 90 } });
  const outcome = await trainRun(run, { ...begun, acceptsOtherData: true });
  expect(outcome).toMatchObject({ kind: 'done', step: 4 });
  expect((await readRun(run)).description.best).toMatchObject({ step: 4 });
  expect((await readModel(path.join(run, 'mine.json'))).manifest.training).toMatchObject({
    step: 4,
    photos: 3,
  });
});
