/** Training that learns from a model's answers besides the truth. */

import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelsFolder, readModel, termsOf } from '../../../main/network/manifest.ts';
import { Refusal } from '../../../main/base/refusal.ts';
import { readCheckpoint } from '../../../main/training/run/checkpoint.ts';
import { defaultRecipe, recipes, type Recipe } from '../../../main/training/recipe.ts';
import type { Batch, StepSession } from '../../../main/training/step/step-tensors.ts';
import { taughtStep } from '../../../main/training/step/taught-step.ts';
import { checkSameTerms } from '../../../main/commands/train/recipe.ts';
import { writePhotos } from '../photos/made-photos.ts';
import { eventsOf, nightglass } from '../nightglass.ts';
import { refusalOf } from '../refusal-of.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-taught-'));
  await writePhotos(path.join(folder, 'photos'), 3, 160);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const train = (out: string, ...more: string[]) => [
  ...['train', '--photos', path.join(folder, 'photos'), '--out', path.join(folder, out), '--json'],
  ...['--batch', '2', '--patch', '32', '--threads', '1', ...more],
];
const taught = ['--base', '4', '--steps', '60', '--checkpoint-every', '5', '--teacher'];

describe('a taught step', () => {
  const recipe: Recipe = { ...defaultRecipe, batch: 2, patchPacked: 32 };
  const share = 0.25;
  const plane = 32 * 32;
  const batch: Batch = {
    input: Float32Array.from({ length: 2 * 4 * plane }, (_, at) => (at < 4 * plane ? 1 : -1)),
    target: new Float32Array(2 * 12 * plane).fill(0.8),
  };

  function fakes(run: (input: Float32Array) => Promise<Float32Array>, device: 'cpu' | 'webgpu') {
    const seen: Batch[] = [];
    const released: string[] = [];
    const session: StepSession = {
      step: (given) => {
        seen.push(given);
        return Promise.resolve({ loss: 1, norm: 1 });
      },
      state: () => Promise.reject(new Error('not asked for')),
      restore: () => Promise.resolve(),
      release: () => {
        released.push('session');
        return Promise.reject(new Error('lost'));
      },
    };
    const release = () => Promise.resolve(void released.push('teacher'));
    return { seen, released, session, teacher: { run, release, device } };
  }

  it('asks for truth and answer mixed, patch by patch, and for no light below nothing', async () => {
    // Four times white for the first patch, four times as far below black for the second.
    const answer = (input: Float32Array) => new Float32Array(12 * plane).fill(4 * (input[0] ?? 0));
    const { seen, released, session, teacher } = fakes(
      (input) => Promise.resolve(answer(input)),
      'cpu',
    );
    const step = taughtStep(session, teacher, recipe, share);
    await step.step(batch, 1e-3);
    const [given] = seen;
    expect(given?.input).toEqual(batch.input);
    expect(given?.target.subarray(0, 12 * plane).every((v) => Math.abs(v - 1.6) < 1e-6)).toBe(true);
    expect(given?.target.subarray(12 * plane).every((v) => v === 0)).toBe(true);
    expect(batch.target.every((v) => v === Math.fround(0.8))).toBe(true);
    await expect(step.release()).rejects.toThrow('lost');
    expect(released).toEqual(['session', 'teacher']);
  });

  it('learns the truth alone from patches of the night, which the teacher has never seen', async () => {
    const { seen, session, teacher } = fakes(
      () => Promise.resolve(new Float32Array(12 * plane)),
      'cpu',
    );
    await taughtStep(session, teacher, recipe, share).step({ ...batch, isNight: [false, true] }, 1);
    const target = seen[0]?.target;
    expect(target?.subarray(0, 12 * plane).every((v) => Math.abs(v - 0.6) < 1e-6)).toBe(true);
    expect(target?.subarray(12 * plane)).toEqual(batch.target.subarray(12 * plane));
  });

  it('leaves a card on which the teacher fails, for the processor to go on', async () => {
    const failing = () => Promise.reject(new Refusal('out-of-memory', 'too little memory'));
    const card = fakes(failing, 'webgpu');
    await expect(
      taughtStep(card.session, card.teacher, recipe, share).step(batch, 1),
    ).rejects.toMatchObject({ code: 'device' });
    const processor = fakes(failing, 'cpu');
    await expect(
      taughtStep(processor.session, processor.teacher, recipe, share).step(batch, 1),
    ).rejects.toMatchObject({ code: 'out-of-memory' });
  });

  it('is not taught by a model of other light', async () => {
    const terms = termsOf((await readModel('fast')).manifest);
    checkSameTerms(defaultRecipe, terms, '--teacher', 'fast');
    const error = await refusalOf(() => {
      checkSameTerms(recipes.sid, terms, '--teacher', 'fast');
    });
    expect(error).toMatchObject({ code: 'bad-argument' });
  });
});

it('goes on where it stopped, bit for bit, and says who taught it', async () => {
  const whole = await nightglass(train('whole', ...taught, 'fast'));
  expect(whole).toMatchObject({ status: 0, stderr: '' });
  const stopped = await nightglass(train('halves', ...taught, 'fast'), '"event":"progress"');
  expect(stopped.status).toBe(130);
  const resumed = await nightglass(train('halves', '--resume'));
  expect(resumed).toMatchObject({ status: 0, stderr: '' });
  const [a, b] = await Promise.all(
    ['whole', 'halves'].map((name) => readCheckpoint(path.join(folder, name, 'checkpoint.ngck'))),
  );
  expect(b?.state).toEqual(a?.state);

  const { manifest } = await readModel(path.join(folder, 'whole', 'trained-model.json'));
  const { sha256 } = (await readModel('fast')).manifest;
  expect(manifest.training).toMatchObject({
    recipe: { teacher: { id: 'fast', sha256, share: 0.7 } },
  });
  const card = await readFile(path.join(folder, 'whole', 'trained-model.md'), 'utf8');
  expect(card).toContain(
    `| taught by | fast (SHA-256 ${sha256}), whose answers count 0.7 beside the truth |`,
  );
});

it('has next to nothing to learn from itself', async () => {
  const first = async (out: string, ...more: string[]): Promise<number> => {
    const once = ['--from', 'fast', '--steps', '1', ...more];
    const { stdout } = await nightglass(train(out, ...once));
    return Number(eventsOf(stdout).find(({ event }) => event === 'progress')?.['loss']);
  };
  // Of nights it would learn the truth.
  const self = await first('self', '--no-night', '--teacher', 'fast', '--teacher-share', '1');
  expect(self).toBeLessThan(0.2 * (await first('untaught', '--no-night')));
});

it('wants the same teacher when it goes on, wherever that lies', async () => {
  const copy = async (from: string) => {
    const { manifest } = await readModel(from);
    await copyFile(path.join(modelsFolder, `${from}.json`), path.join(folder, 'teacher.json'));
    await copyFile(path.join(modelsFolder, manifest.file), path.join(folder, manifest.file));
  };
  await copy('fast');
  const teacher = path.join(folder, 'teacher.json');
  const stopped = await nightglass(train('moved', ...taught, teacher), '"event":"progress"');
  expect(stopped.status).toBe(130);
  await copy('quality');
  const refused = await nightglass(train('moved', '--resume'));
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('another model by now');
  const other = await nightglass(train('moved', '--resume', '--teacher', 'quality'));
  expect(other.status).toBe(1);
  const resumed = await nightglass(train('moved', '--resume', '--teacher', 'fast'));
  expect(resumed).toMatchObject({ status: 0, stderr: '' });
});
