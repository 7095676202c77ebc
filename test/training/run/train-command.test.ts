/** `nightglass train`, from a folder of photos to a model. */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import packageJson from '../../../package.json' with { type: 'json' };
import { runtimeVersion } from '../../../main/network/device.ts';
import { readModel } from '../../../main/network/manifest.ts';
import { contents } from '../../../main/network/protobuf-reader.ts';
import { openNetwork } from '../../../main/network/session.ts';
import { encodeCheckpoint, readCheckpoint } from '../../../main/training/run/checkpoint.ts';
import { defaultRecipe, type Recipe } from '../../../main/training/recipe.ts';
import { readRun } from '../../../main/training/run/folder.ts';
import { takeRun } from '../../../main/training/run/lock.ts';
import { freshState } from '../../../main/training/run/run.ts';
import { noLoss } from '../../../main/training/step/loss.ts';
import { writePhotos } from '../photos/made-photos.ts';
import { eventsOf, nightglass } from '../nightglass.ts';

/** An ONNX file's own metadata: field 14 of ModelProto, keys and values. */
function* metadataOf(onnx: Uint8Array): Generator<readonly [string, string]> {
  for (const entry of contents(onnx, 14)) {
    const [key, value] = [1, 2].map((field) => [...contents(entry, field)][0]);
    yield [Buffer.from(key ?? []).toString('utf8'), Buffer.from(value ?? []).toString('utf8')];
  }
}

// So many steps that Ctrl-C comes in time, on a busy machine too.
const options = '--base 4 --batch 1 --patch 32 --steps 300 --threads 1'.split(' ');
let folder = '';
let photos = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-train-command-'));
  photos = path.join(folder, 'photos');
  await writePhotos(photos, 3, 160);
  // Kept for evaluation by its name.
  await writePhotos(path.join(folder, 'kept'), 1, 160);
  await writeFile(
    path.join(photos, 'kodim3.png'),
    await readFile(path.join(folder, 'kept', 'made-0.png')),
  );
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('saves on Ctrl-C, goes on where it stopped, and writes the model it would have written', async () => {
  const out = path.join(folder, 'stopped');
  const train = ['train', '--photos', photos, ...options, '--name', 'A test', '--json'];
  const stopped = await nightglass([...train, '--out', out], '"event":"progress"');
  expect(stopped.stderr).toBe('');
  expect(stopped.status).toBe(130);
  const [start] = eventsOf(stopped.stdout);
  expect(start).toMatchObject({ photos: 3, excluded: ['kodim3.png'] });
  const end = eventsOf(stopped.stdout).at(-1);
  expect(end).toMatchObject({ event: 'stopped', steps: 300 });
  const { state } = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
  expect(end).toHaveProperty('step', state.step);
  expect(state.step).toBeGreaterThan(0);
  expect(state.step).toBeLessThan(300);
  expect((await readdir(out)).sort()).toEqual([
    '.lock',
    'checkpoint.ngck',
    'log.jsonl',
    'run.json',
  ]);

  const again = await nightglass([...train, '--out', out]);
  expect(again).toMatchObject({ status: 2, stdout: '' });
  expect(again.stderr).toContain('--resume');

  const resumed = await nightglass([...train, '--out', out, '--resume']);
  expect(resumed).toMatchObject({ status: 0, stderr: '' });
  expect(eventsOf(resumed.stdout)[0]).toMatchObject({ event: 'start', step: state.step });
  const whole = path.join(folder, 'whole');
  expect(await nightglass([...train, '--out', whole])).toMatchObject({ status: 0, stderr: '' });
  const [resumedBytes, wholeBytes] = await Promise.all(
    [out, whole].map((run) => readFile(path.join(run, 'a-test.onnx'))),
  );
  expect(resumedBytes!.equals(wholeBytes!)).toBe(true);

  const model = await readModel(path.join(out, 'a-test.onnx'));
  const network = await openNetwork(model, { device: 'cpu', threads: 1 });
  await network.release();
  expect(model.manifest.training).toMatchObject({ photos: 3, step: 300 });
}, 200_000);

it('writes the model of a finished run again, and starts another from its weights', async () => {
  const whole = path.join(folder, 'whole');
  const renamed = await nightglass([
    'train',
    '--out',
    whole,
    '--resume',
    '--name',
    'Renamed',
    '--passes',
    '2',
  ]);
  expect(renamed).toMatchObject({ status: 0, stderr: '' });
  const { manifest } = await readModel(path.join(whole, 'renamed.json'));
  expect(manifest).toMatchObject({ name: 'Renamed', passes: 2 });

  const out = path.join(folder, 'from');
  const from = await nightglass([
    'train', '--photos', photos, '--out', out, '--batch', '1', '--patch', '32', '--steps', '1',
    '--learning-rate', '1e-8', '--from', path.join(whole, 'checkpoint.ngck'), '--threads', '1',
  ]); // prettier-ignore
  expect(from.status).toBe(0);
  const [before, after] = await Promise.all(
    [whole, out].map((run) => readCheckpoint(path.join(run, 'checkpoint.ngck'))),
  );
  expect(after!.state.step).toBe(1);
  const moved = after!.state.weights.map((weight, at) =>
    Math.abs(weight - before!.state.weights[at]!),
  );
  expect(Math.max(...moved)).toBeLessThan(1e-6);
  expect(after!.state.weights.length).toBe(before!.state.weights.length);
});

it('starts a wider network from a narrow one, looks as often, and keeps its loss', async () => {
  const out = path.join(folder, 'wide');
  const base =
    2 *
    (await readCheckpoint(path.join(folder, 'whole', 'checkpoint.ngck'))).recipe.unet.baseChannels;
  const wide = await nightglass([
    'train', '--photos', photos, '--out', out, '--batch', '1', '--patch', '32', '--steps', '1', '--base', String(base),
    '--loss', 'tonedSquared:1', '--from', path.join(folder, 'whole', 'renamed.json'), '--threads', '1',
  ]); // prettier-ignore
  expect(wide.status).toBe(0);
  const { recipe } = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
  expect(recipe.unet.baseChannels).toBe(base);
  const { manifest, onnx } = await readModel(path.join(out, 'trained-model.json'));
  // It says where it comes from, in the manifest, the card and the file itself, without this machine's folders.
  const start = await readModel(path.join(folder, 'whole', 'renamed.json'));
  expect(manifest.licence).toBe(start.manifest.licence);
  const { sha256 } = start.manifest;
  const facts = { program: packageJson.version, threads: 1, device: 'cpu', startSha256: sha256 };
  expect(manifest.training).toMatchObject({ ...facts, runtime: runtimeVersion() });
  const command = z.string().parse(manifest.training['command']);
  expect(command).toContain('nightglass train --photos photos --batch 1');
  const metadata = new Map(metadataOf(onnx));
  expect(metadata.get('nightglass.command')).toBe(command);
  expect(metadata.get('nightglass.startedFrom')).toContain(sha256);
  expect(metadata.get('nightglass.recipe')).toContain('"seed":1');
  expect(metadata.get('nightglass.dataset')).toBe(manifest.training['dataset']);
  const card = await readFile(path.join(out, 'trained-model.md'), 'utf8');
  for (const text of [sha256, command, '1 thread of the processor']) expect(card).toContain(text);
  for (const text of [JSON.stringify(manifest), card, ...metadata.values()]) {
    expect(text).not.toContain(folder);
  }
  expect(manifest.passes).toBe(2);
  expect(recipe.loss).toEqual({ ...noLoss, tonedSquared: 1 });
  // And from that one, nothing said of a loss.
  const next = path.join(folder, 'next');
  const on = await nightglass([
    'train', '--photos', photos, '--out', next, '--batch', '1', '--patch', '32', '--steps', '1',
    '--from', path.join(out, 'trained-model.json'), '--threads', '1',
  ]); // prettier-ignore
  expect(on.status).toBe(0);
  const second = await readCheckpoint(path.join(next, 'checkpoint.ngck'));
  expect(second.recipe).toMatchObject({ loss: recipe.loss, unet: recipe.unet });
});

it('refuses other photos and other settings for a run that goes on', async () => {
  const out = path.join(folder, 'half');
  await mkdir(out);
  const recipe: Recipe = {
    ...defaultRecipe,
    unet: { ...defaultRecipe.unet, baseChannels: 4 },
    batch: 2,
  };
  const checkpoint = { recipe, dataset: 'other photos', state: freshState(recipe) };
  await writeFile(path.join(out, 'checkpoint.ngck'), Buffer.concat(encodeCheckpoint(checkpoint)));
  const resume = ['train', '--out', out, '--resume'];
  const cases: [string[], number, string][] = [
    [[...resume, '--photos', photos], 1, 'other photos'],
    [[...resume, '--photos', photos, '--batch', '3'], 2, '--batch 2'],
    [resume, 2, '--photos'],
  ];
  for (const [args, status, message] of cases) {
    const refused = await nightglass(args);
    expect(refused).toMatchObject({ status, stdout: '' });
    expect(refused.stderr).toContain(message);
  }
});

it('goes on by the command that began a run, or by less of it', async () => {
  const out = path.join(folder, 'begun');
  const from = path.join(folder, 'whole', 'renamed.json');
  const few =
    '--batch 1 --patch 32 --threads 1 --validation-photos 1 --photo-memory 1 --json'.split(' ');
  const begun = [
    'train',
    '--photos',
    photos,
    ...few,
    '--exclude',
    'made-0.png',
    '--out',
    out,
    '--from',
    from,
  ];
  const resume = [...begun, '--resume']; // prettier-ignore
  expect(await nightglass([...begun, '--steps', '2'])).toMatchObject({ status: 0, stderr: '' });
  const { dataset } = (await readRun(out)).description;
  expect(dataset).toMatchObject({ exclude: ['made-0.png'], setAside: 1, photoBytesMax: 1e6 });
  expect(await nightglass([...resume, '--steps', '3'])).toMatchObject({ status: 0, stderr: '' });
  const short = ['train', '--photos', photos, '--out', out, '--resume', '--steps', '4', '--json'];
  expect(await nightglass(short)).toMatchObject({ status: 0, stderr: '' });
  const after = (await readRun(out)).description;
  expect(after.dataset).toEqual(dataset);
  expect((await readCheckpoint(path.join(out, 'checkpoint.ngck'))).state.step).toBe(4);

  const cases: [string[], number, string][] = [
    [['--from', 'fast'], 2, `began from ${from}`],
    [['--loss', 'mse'], 2, '--loss toned:1,linear:0.2,blocks:0.5'],
    [['--epochs', '3'], 2, '--epochs'],
    [['--exclude', 'kodim3.png'], 1, '--other-photos'],
    [['--with-held-out'], 1, '--other-photos'],
  ];
  for (const [args, status, message] of cases) {
    const refused = await nightglass(['train', '--out', out, '--resume', ...args]);
    expect(refused).toMatchObject({ status, stdout: '' });
    expect(refused.stderr).toContain(message);
  }
  expect((await readRun(out)).description).toEqual(after);
}, 200_000);

it('says which step the model is of, and tells its card the same', async () => {
  const out = path.join(folder, 'best');
  const from = path.join(folder, 'whole', 'renamed.json');
  // So large a step spoils what it starts from, which is kept.
  const few = '--batch 1 --patch 32 --threads 1 --steps 1 --learning-rate 0.5 --warmup 0'.split(
    ' ',
  );
  const done = await nightglass([
    'train',
    '--photos',
    photos,
    ...few,
    '--out',
    out,
    '--from',
    from,
  ]);
  expect(done.stdout).toMatch(/^Wrote .*trained-model\.onnx of step 0, the best of 1\.\n$/);
  const card = (): Promise<string> => readFile(path.join(out, 'trained-model.md'), 'utf8');
  expect(await card()).toContain('| steps | 0 of 1,');
  const last = await nightglass(['train', '--out', out, '--export-only', '--json']);
  expect(eventsOf(last.stdout)).toMatchObject([{ event: 'result', step: 1, modelStep: 1 }]);
  expect(await card()).toContain('| steps | 1 of 1,');
});

it('leaves the description of a run that trains alone', async () => {
  const out = path.join(folder, 'from');
  const before = await readFile(path.join(out, 'run.json'), 'utf8');
  const release = takeRun(out);
  try {
    const commands = [
      ['--resume', '--steps', '7', '--name', 'Other'],
      ['--photos', photos],
    ];
    for (const args of commands) {
      const refused = await nightglass(['train', '--out', out, ...args]);
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toContain('another process is training it');
    }
  } finally {
    release();
  }
  expect(await readFile(path.join(out, 'run.json'), 'utf8')).toBe(before);
});

it('measures where steps are made faster if it is asked to, and says so', async () => {
  const out = path.join(folder, 'auto');
  const few = '--base 4 --batch 1 --patch 32 --steps 3 --threads 1 --device auto'.split(' ');
  const done = await nightglass(['train', '--photos', photos, ...few, '--json', '--out', out]);
  expect(done).toMatchObject({ status: 0, stderr: '' });
  const [chosen] = eventsOf(done.stdout);
  expect(chosen).toMatchObject({ event: 'device' });
  // Whatever card there is, the run goes by what was said.
  const { settings } = (await readRun(out)).description;
  expect(chosen).toHaveProperty('device', settings.device);
  const { stepMs, processorMs } = z
    .object({ stepMs: z.number().positive(), processorMs: z.number().optional() })
    .parse(chosen);
  if (settings.device === 'cpu') expect(processorMs).toBeUndefined();
  else expect(processorMs).toBeGreaterThan(stepMs);
}, 200_000);

it('trains a network whose first level is at half size, which an engine can run', async () => {
  const out = path.join(folder, 'half-size');
  const half = await nightglass([
    'train', '--photos', photos, '--out', out, '--batch', '1', '--patch', '32', '--steps', '1', '--base', '16',
    '--first-level', 'half', '--threads', '1',
  ]); // prettier-ignore
  expect(half).toMatchObject({ status: 0 });
  const model = await readModel(path.join(out, 'trained-model.json'));
  expect(model.manifest.unet).toMatchObject({ baseChannels: 16, firstLevel: 'half', levels: 4 });
  const network = await openNetwork(model, { device: 'cpu', threads: 1 });
  const answer = await network.run(new Float32Array(4 * 16 * 32).fill(0.5), 32, 16);
  await network.release();
  expect(answer.length).toBe(12 * 16 * 32);
  expect(answer.every(Number.isFinite)).toBe(true);
  const card = await readFile(path.join(out, 'trained-model.md'), 'utf8');
  expect(card).toContain('first level at half size');
});
