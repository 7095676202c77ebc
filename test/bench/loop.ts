/**
 * `npm run bench -- loop`: how much of a training run's time is spent in its steps.
 *
 * Trains the default recipe on made photos, once with all of them in memory and once with memory for
 * a tenth. Asked for: 95 % of the time inside the step.
 *
 * Usage: npm run bench -- loop [--steps N] [--base N] [--threads N] [--json]
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { defaultRecipe } from '../../main/training/recipe.ts';
import { RunControl } from '../../main/training/run/control.ts';
import { createRun } from '../../main/training/run/folder.ts';
import { trainRun } from '../../main/training/run/train-run.ts';
import { writePhotos } from '../training/photos/made-photos.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '200' },
    base: { type: 'string', default: String(defaultRecipe.unet.baseChannels) },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);

const side = 1400;
const photoCount = 40;
const photoBytes = side * side * 6;

const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-loop-'));
try {
  const photos = path.join(folder, 'photos');
  await writePhotos(photos, photoCount, side);
  for (const [name, held] of [
    ['all photos in memory', photoCount],
    ['memory for a tenth', photoCount / 10],
  ] as const) {
    const measured = await measure(photos, path.join(folder, String(held)), held * photoBytes);
    const share = measured.stepMs / (measured.stepMs + measured.waitMs);
    if (values.json) {
      process.stdout.write(`${JSON.stringify({ name, ...measured, share })}\n`);
    } else {
      const { stepMs, waitMs, rssBytes } = measured;
      process.stdout.write(
        `${name.padEnd(22)} step ${stepMs.toFixed(1)} ms, wait ${waitMs.toFixed(1)} ms, ` +
          `${(share * 100).toFixed(1)} % inside the step, ${(rssBytes / 1e6).toFixed(0)} MB\n`,
      );
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Means over the steps after the first, which opens things. */
async function measure(photos: string, run: string, photoBytesMax: number) {
  await createRun(run, {
    title: { id: 'bench', name: 'Bench', description: '', licence: 'CC0-1.0' },
    recipe: {
      ...defaultRecipe,
      unet: { ...defaultRecipe.unet, baseChannels: Number(values.base) },
      steps,
    },
    dataset: {
      kind: 'photos',
      paths: [photos],
      exclude: [],
      withHeldOut: false,
      setAside: 0,
      photoBytesMax,
    },
    startedFrom: { kind: 'random' },
    settings: {
      device: 'cpu',
      threads: Number(values.threads),
      checkpointEvery: steps,
      validateEvery: steps,
      keep: 'last',
      passes: 1,
    },
  });
  let [count, stepMs, waitMs, rssBytes] = [0, 0, 0, 0];
  let logged = { stepMs: 0, waitMs: 0, count: 0 };
  await trainRun(run, {
    control: new RunControl(),
    onEvent: (event, isLogged) => {
      if (event.event !== 'progress') return;
      rssBytes = Math.max(rssBytes, event.rssBytes ?? 0);
      if (event.step === 1) return;
      // What is told are means since the last logged step.
      logged = { stepMs: event.stepMs, waitMs: event.waitMs, count: logged.count + 1 };
      if (!isLogged) return;
      count += logged.count;
      stepMs += logged.stepMs * logged.count;
      waitMs += logged.waitMs * logged.count;
      logged = { stepMs: 0, waitMs: 0, count: 0 };
    },
  });
  return { stepMs: stepMs / count, waitMs: waitMs / count, rssBytes };
}
