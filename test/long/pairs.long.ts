/** That training on pairs teaches what it is told to: from nothing by `sid`, and a foreign camera by `adapt`. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { pairOf, sceneOf, writePair, type PairOptions } from '../training/pairs/made-pairs.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'nightglass-long-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const scoresSchema = z.object({
  ratios: z.array(
    z.object({
      network: z.object({ srgb: z.object({ psnr: z.number() }) }),
      amplified: z.object({ srgb: z.object({ psnr: z.number() }) }),
    }),
  ),
});

/** sRGB PSNR on the test scenes, of the model and of the amplified exposure. */
async function scored(folder: string, model: string) {
  const { status, stdout, stderr } = await nightglass([
    'evaluate',
    folder,
    '--model',
    model,
    '--json',
  ]);
  expect([status, stderr]).toEqual([0, '']);
  const [row] = scoresSchema.parse(eventsOf(stdout).at(-1)).ratios;
  if (row === undefined) throw new Error('expected a score');
  return { network: row.network.srgb.psnr, amplified: row.amplified.srgb.psnr };
}

/** Numbered as in the paper: 0… is trained on, 1… tested, 2… validates. */
async function writeScenes(
  folder: string,
  scenes: readonly string[],
  options: PairOptions,
  change: (short: Mosaic) => Mosaic = (short) => short,
): Promise<void> {
  for (const scene of scenes) {
    const seed = Number(scene);
    const { short, long } = pairOf(sceneOf(seed, [320, 256]), { ...options, seed });
    await writePair(folder, scene, { short: change(short), long });
  }
}

const numbered = (first: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${first}${String(index + 1).padStart(4, '0')}`);

it('sid, from random weights, lowers the error steadily and beats the amplified exposure by 6 dB', async () => {
  const folder = path.join(root, 'sid');
  const scenes = [...numbered('0', 16), ...numbered('1', 4), ...numbered('2', 4)];
  await writeScenes(folder, scenes, { iso: 1600, ratio: 100 });
  const out = path.join(root, 'sid-run');
  const steps = 3200;
  const beginMs = performance.now();
  const { status, stdout } = await nightglass(
    ['train', folder, '--out', out, '--recipe', 'sid', '--name', 'Sid', '--json'].concat(
      // The paper's network at half its width, on patches that the scenes have room for.
      ['--base', '16', '--patch', '64', '--batch', '2', '--steps', String(steps)],
      ['--learning-rate', '5e-4', '--validate-every', String(steps / 8)],
    ),
  );
  expect(status).toBe(0);
  const losses = eventsOf(stdout)
    .filter(({ event }) => event === 'validated')
    .map((event) => z.object({ loss: z.number(), psnrDb: z.number() }).parse(event));
  const seconds = (performance.now() - beginMs) / 1000;
  const { network, amplified } = await scored(folder, path.join(out, 'sid.json'));
  console.log(
    `sid: ${steps} steps in ${seconds.toFixed(0)} s, validation`,
    losses.map(({ loss, psnrDb }) => `${loss.toFixed(4)} (${psnrDb.toFixed(1)} dB)`).join(', '),
    `test ${network.toFixed(2)} dB, amplified ${amplified.toFixed(2)} dB`,
  );
  expect(losses).toHaveLength(8);
  for (const [index, { loss }] of losses.entries()) {
    // A tenth is what single validations wander at this rate.
    if (index > 0) expect(loss).toBeLessThan(1.1 * (losses[index - 1]?.loss ?? 0));
  }
  expect(losses.at(-1)?.loss).toBeLessThan(0.7 * (losses[0]?.loss ?? 0));
  expect(network).toBeGreaterThan(amplified + 6);
});

it('adapt, with two pairs, makes the shipped model better for a camera it has not met', async () => {
  const folder = path.join(root, 'foreign');
  // Its black lies elsewhere than its files say, at each site by another amount.
  const offsets = [3, -1, 2, 5];
  const foreign = (short: Mosaic): Mosaic => ({
    ...short,
    samples: short.samples.map((sample, at) => {
      const [y, x] = [Math.floor(at / short.width), at % short.width];
      return Math.max(0, sample + (offsets[(y & 1) * 2 + (x & 1)] ?? 0));
    }),
  });
  const options = { camera: 'nikon-d850-bggr', iso: 3200, ratio: 250 };
  await writeScenes(folder, [...numbered('0', 2), ...numbered('1', 4)], options, foreign);
  const before = await scored(folder, 'fast');
  const out = path.join(root, 'foreign-run');
  const beginMs = performance.now();
  const { status } = await nightglass(
    ['train', folder, '--out', out, '--recipe', 'adapt', '--steps', '600', '--name', 'Mine'].concat(
      '--keep',
      'last',
    ),
  );
  expect(status).toBe(0);
  const after = await scored(folder, path.join(out, 'mine.json'));
  console.log(
    `adapt: ${((performance.now() - beginMs) / 1000).toFixed(0)} s, test ${before.network.toFixed(2)}`,
    `to ${after.network.toFixed(2)} dB, amplified ${before.amplified.toFixed(2)} dB`,
  );
  expect(after.network).toBeGreaterThan(before.network + 1);
});
