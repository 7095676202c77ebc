/** Evaluation: both ways of developing against a known truth, which photos are taken, and the tables. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { cameraToOutput } from '../../main/develop/colour.ts';
import type { RunNetwork } from '../../main/develop/develop.ts';
import type { NetworkTerms } from '../../main/develop/dialect.ts';
import { evaluationPhotos, trainingPhotos } from '../../main/training/photos/dataset.ts';
import {
  defaultLevels,
  evaluatePhoto,
  levelName,
  meanScores,
  middleOf,
  parseLevels,
} from '../../main/scoring/evaluate.ts';
import { rendered } from '../../main/training/validation/metrics.ts';
import type { ScoredNetwork } from '../../main/scoring/network-picture.ts';
import { defaultRecipe, recipes, type Recipe } from '../../main/training/recipe.ts';
import { freshState } from '../../main/training/run/run.ts';
import { writeModel } from '../../main/training/run/trained-model.ts';
import { photoOf, waves, writePhotos } from '../training/photos/made-photos.ts';
import { eventsOf, nightglass } from '../training/nightglass.ts';
import { refusalOf } from '../training/refusal-of.ts';

/** In place of a network: each 2×2 cell's own R, mean G and B at all four of its pixels. */
const runCells: RunNetwork = (packed, width, height) => {
  const area = width * height;
  const output = new Float32Array(12 * area);
  for (let at = 0; at < area; at++) {
    const green = (packed[area + at]! + packed[2 * area + at]!) / 2;
    for (let place = 0; place < 4; place++) {
      output[place * 3 * area + at] = packed[at]!;
      output[(place * 3 + 1) * area + at] = green;
      output[(place * 3 + 2) * area + at] = packed[3 * area + at]!;
    }
  }
  return Promise.resolve(output);
};

const linear: NetworkTerms = { clamp: 4, whiteBalanced: true, domain: 'camera-linear' };
const cellColours: ScoredNetwork = { run: runCells, terms: linear };

describe('evaluatePhoto', () => {
  const photo = photoOf('waves', [150, 131], waves);
  const bright = [
    { camera: 'sony-a7s2', iso: 50, ratio: 1 },
    { camera: 'nikon-d850-bggr', iso: 100, ratio: 1 },
  ];

  // The cells are half a pixel off (48 dB, ΔE 0.6); a pixel more would cost another 9 dB, and a wrong
  // phase, gain or black far more.
  it.each(bright)(
    'scores both pictures as nearly perfect in the light ($camera)',
    async (level) => {
      const { network, libraw } = await evaluatePhoto({
        photo,
        level,
        network: cellColours,
        crop: 512,
      });
      expect(network.raw).toBeGreaterThan(44);
      expect(network.rgbP).toBeGreaterThan(42);
      expect(network.blockDeltaE).toBeLessThan(0.8);
      expect(libraw.raw).toBeGreaterThan(48);
      expect(libraw.rgbP).toBeGreaterThan(47);
      expect(libraw.blockDeltaE).toBeLessThan(0.15);
    },
  );

  it('finds that darkness costs, the same each time', async () => {
    const level = { camera: 'sony-a7s2', iso: 25_600, ratio: 300 };
    const once = await evaluatePhoto({ photo, level, network: cellColours, crop: 96 });
    const again = await evaluatePhoto({ photo, level, network: cellColours, crop: 96 });
    expect(again).toEqual(once);
    const milder = { camera: 'sony-a7s2', iso: 1600, ratio: 100 };
    const better = await evaluatePhoto({ photo, level: milder, network: cellColours, crop: 96 });
    for (const which of ['network', 'libraw'] as const) {
      expect(once[which].raw).toBeLessThan(better[which].raw! - 5);
      expect(once[which].ssim).toBeLessThan(better[which].ssim);
      expect(once[which].blockDeltaE).toBeGreaterThan(better[which].blockDeltaE);
    }
    // Noise below black is kept by the develop line and clipped by LibRaw: its colours drift.
    expect(once.network.blockDeltaE).toBeLessThan(once.libraw.blockDeltaE);
  });

  it('holds a finished picture against the rendering, without a raw score', async () => {
    const level = bright[0]!;
    const { mosaic } = simulateMosaic(photo, {
      camera: level.camera,
      iso: 50,
      ratio: 1,
      random: new Random(1),
    });
    const [red, , blue] = mosaic.colour.asShotGains;
    const toSrgb = cameraToOutput(mosaic.colour, 'srgb');
    let brightest = 0;
    // Paints the very rendering that scores are made of, from what such a network is given: unbalanced.
    const paint: RunNetwork = async (packed, width, height) => {
      const area = width * height;
      const balanced = packed.map((value, at) => {
        brightest = Math.max(brightest, value);
        return value * [red, 1, 1, blue][Math.floor(at / area)]!;
      });
      const light = await runCells(balanced, width, height);
      // Planes of one colour each, so the rendering takes them pixel by pixel and back.
      const samples = light.map((_, index) => {
        const [pixel, colour] = [Math.floor(index / 3), index % 3];
        const [place, at] = [Math.floor(pixel / area), pixel % area];
        return light[(place * 3 + colour) * area + at]!;
      });
      const picture = rendered({ width, height: 4 * height, samples }, toSrgb).samples;
      return light.map((_, index) => {
        const [plane, at] = [Math.floor(index / area), index % area];
        return picture[(Math.floor(plane / 3) * area + at) * 3 + (plane % 3)]!;
      });
    };
    const terms: NetworkTerms = { clamp: 1, whiteBalanced: false, domain: 'srgb' };
    const { network } = await evaluatePhoto({
      photo,
      level,
      network: { run: paint, terms },
      crop: 512,
    });
    expect(brightest).toBeLessThanOrEqual(1);
    expect(network).not.toHaveProperty('raw');
    expect(network.rgbP).toBeGreaterThan(42);
    expect(network.blockDeltaE).toBeLessThan(0.8);
    expect(meanScores([network, network])).toEqual(network);
  });

  it('stops when asked to', async () => {
    const level = bright[0]!;
    const signal = AbortSignal.abort();
    await expect(
      evaluatePhoto({ photo, level, network: cellColours, crop: 64, signal }),
    ).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('cuts out the middle, with even sides', () => {
  const photo = photoOf('p', [101, 60], () => 0.5);
  expect(middleOf(photo, 512)).toEqual({ left: 0, top: 0, width: 100, height: 60 });
  expect(middleOf(photo, 40)).toEqual({ left: 30, top: 10, width: 40, height: 40 });
});

it('averages each measure', () => {
  const one = { rgbP: 20, raw: 30, ssim: 0.5, blockDeltaE: 4 };
  const other = { rgbP: 24, raw: 32, ssim: 0.7, blockDeltaE: 2 };
  const { rgbP, raw, ssim, blockDeltaE } = meanScores([one, other]);
  expect([rgbP, raw, ssim, blockDeltaE].map((value) => Number(value?.toFixed(9)))).toEqual([
    22, 31, 0.6, 3,
  ]);
});

it('reads levels as it names them, and refuses others by name', async () => {
  expect(parseLevels(defaultLevels.map(levelName).join(','))).toEqual(defaultLevels);
  for (const wrong of [
    '', 'sony-a7s2', 'sony-a7s2:1600', 'sony-a7s2:1600:0', 'sony-a7s2:1600:NaN', 'sony-a7s2::100',
    'sony-a7s2:1600:100:1', 'sony-a7s2:1:100', 'leica:1600:100', 'sony-a7s2:1600:100,',
  ]) {
    expect((await refusalOf(() => parseLevels(wrong))).code, wrong).toBe('bad-argument');
  }
}); // prettier-ignore

describe('photos', () => {
  let folder = '';
  const inFolder = (...names: string[]): string[] => names.map((name) => path.join(folder, name));
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-evaluate-'));
    await mkdir(path.join(folder, 'more'));
    await mkdir(path.join(folder, 'plain'));
    for (const name of [
      'a.png',
      'kodim3.png',
      'more/b.jpg',
      'more/hotel_room_1k.hdr',
      'plain/c.png',
    ]) {
      await writeFile(path.join(folder, name), 'x');
    }
    await writeFile(path.join(folder, 'notes.txt'), 'x');
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('for evaluation are those that training leaves out, if a folder has any', async () => {
    const heldOut = inFolder('kodim3.png', 'more/hotel_room_1k.hdr');
    expect(await evaluationPhotos([folder], { all: false })).toEqual({
      files: heldOut,
      isHeldOutOnly: true,
    });
    const all = inFolder(
      'a.png',
      'kodim3.png',
      'more/b.jpg',
      'more/hotel_room_1k.hdr',
      'plain/c.png',
    );
    expect(await evaluationPhotos([folder], { all: true })).toEqual({
      files: all,
      isHeldOutOnly: false,
    });
    const plain = path.join(folder, 'plain');
    expect(await evaluationPhotos([plain, ...inFolder('a.png')], { all: false })).toEqual({
      files: inFolder('a.png', 'plain/c.png'),
      isHeldOutOnly: false,
    });
  });

  it('for training are all the others, each once', async () => {
    const options = { exclude: ['b.jpg'], withHeldOut: false };
    expect(await trainingPhotos([folder, path.join(folder, 'plain')], options)).toMatchObject({
      files: inFolder('a.png', 'plain/c.png'),
      excluded: ['kodim3.png', 'b.jpg', 'hotel_room_1k.hdr'],
    });
    const { files } = await trainingPhotos([folder], { exclude: [], withHeldOut: true });
    expect(files).toHaveLength(5);
  });
});

const scores = z.object({
  rgbP: z.number(),
  raw: z.number(),
  ssim: z.number(),
  blockDeltaE: z.number(),
});

describe('nightglass evaluate', () => {
  let folder = '';
  let model = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-evaluate-command-'));
    await writePhotos(path.join(folder, 'photos'), 2, 130);
    await writeFile(path.join(folder, 'photos', 'broken.png'), 'no picture');
    const recipe: Recipe = { ...defaultRecipe, unet: { ...defaultRecipe.unet, baseChannels: 4 } };
    const checkpoint = { recipe, dataset: 'none', state: freshState(recipe) };
    const title = { id: 'untrained', name: 'Untrained', description: '', licence: 'CC0-1.0' };
    model = (await writeModel(folder, checkpoint, title)).manifest;
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('prints each photo, each level and the means as JSON; a bad photo costs itself', async () => {
    const run = await nightglass([
      'evaluate', path.join(folder, 'photos'), '--model', model, '--json', '--crop', '96',
      '--levels', 'sony-a7s2:1600:100,nikon-d850-bggr:3200:250',
    ]); // prettier-ignore
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^left out: [^\n]*broken\.png[^\n]*\n$/);
    const events = eventsOf(run.stdout);
    expect(events.every((event) => event['simulated'] === true)).toBe(true);
    expect(events.map(({ event }) => event)).toEqual([
      'start', 'failed', 'photo', 'photo', 'photo', 'photo', 'level', 'level', 'result',
    ]); // prettier-ignore
    expect(events[1]).toHaveProperty('message', expect.stringContaining('broken.png'));
    const of = (index: number) => scores.parse(events[index]?.['network']);
    expect(of(6)).toEqual(meanScores([of(2), of(4)]));
    expect(of(7)).toEqual(meanScores([of(3), of(5)]));
    expect(events[8]).toMatchObject({ model: 'untrained', photos: 3, failed: 1 });
  });

  it('prints a table as text or Markdown that says what it is', async () => {
    const common = [
      'evaluate',
      path.join(folder, 'photos', 'made-0.png'),
      '--model',
      model,
      '--crop',
      '64',
    ];
    const level = ['--levels', 'sony-a7s2:1600:100'];
    const text = await nightglass([...common, ...level]);
    expect(text).toMatchObject({ status: 0, stderr: '' });
    expect(text.stdout).toMatch(/ILCE-7SM2 ISO 1600 ×100( +-?\d+\.\d+){8}\n/);
    expect(text.stdout).toContain('Simulated darkness');
    const markdown = await nightglass([...common, ...level, '--markdown']);
    expect(markdown.stdout).toMatch(
      /\| ILCE-7SM2 ISO 1600 ×100 \|( \*\*-?[\d.]+\*\* \(-?[\d.]+\) \|){4}\n/,
    );
    expect(markdown.stdout).toContain('Simulated darkness');
  });

  it('says of a model that paints finished pictures how it was scored', async () => {
    const recipe: Recipe = { ...recipes.sid, unet: { ...recipes.sid.unet, baseChannels: 4 } };
    const checkpoint = { recipe, dataset: 'none', state: freshState(recipe) };
    const title = { id: 'painter', name: 'Painter', description: '', licence: 'CC0-1.0' };
    const painter = (await writeModel(folder, checkpoint, title)).manifest;
    const { status, stdout } = await nightglass([
      'evaluate', path.join(folder, 'photos', 'made-0.png'), '--model', painter, '--crop', '64',
      '--levels', 'sony-a7s2:1600:100',
    ]); // prettier-ignore
    expect(status).toBe(0);
    expect(stdout).toMatch(/×100 +-?\d+\.\d +-?\d+\.\d +– +-?\d+\.\d +/);
    expect(stdout).toContain('paints finished pictures');
  });

  it('refuses an unknown model, unknown levels and folders without photos', async () => {
    const photo = path.join(folder, 'photos', 'made-0.png');
    const cases: [string[], number, string][] = [
      [[photo, '--model', 'nothing'], 2, 'nothing'],
      [[photo, '--model', model, '--levels', 'leica:1:1'], 2, 'leica'],
      [[path.join(folder, 'nowhere'), '--model', model], 1, 'nowhere'],
      [[path.join(folder, 'photos', 'broken.png'), '--model', model], 1, 'broken.png'],
    ];
    for (const [args, status, message] of cases) {
      const refused = await nightglass(['evaluate', ...args]);
      expect(refused).toMatchObject({ status, stdout: '' });
      expect(refused.stderr).toContain(message);
    }
  });
});
