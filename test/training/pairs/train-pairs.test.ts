/** `nightglass train` on pairs: what is no dataset is refused before training, what is one is learned from. */

import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../../main/network/manifest.ts';
import { readCheckpoint } from '../../../main/training/run/checkpoint.ts';
import { burntOut, pairOf, sceneOf, writePair, writePicture, writeRaw } from './made-pairs.ts';
import { eventsOf, nightglass } from '../nightglass.ts';

const size = [128, 96] as const;

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'nightglass-train-pairs-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Pairs of scenes in the paper's layout. */
async function datasetOf(
  name: string,
  scenes: readonly { readonly seed: number; readonly camera?: string; readonly ratio?: number }[],
): Promise<string> {
  const folder = path.join(root, name);
  await mkdir(folder, { recursive: true });
  for (const { seed, ...options } of scenes) {
    const scene = String(seed).padStart(5, '0');
    await writePair(folder, scene, pairOf(sceneOf(seed, size), { ...options, seed }));
  }
  return folder;
}

const small = ['--patch', '32', '--base', '4', '--steps', '6', '--threads', '1'];

describe('what is no dataset', () => {
  /** Trains and is refused; nothing is left behind. */
  async function answer(paths: readonly string[], more: readonly string[] = []): Promise<string> {
    const out = path.join(root, 'refused');
    const { status, stderr } = await nightglass([
      'train',
      ...paths,
      '--out',
      out,
      ...small,
      ...more,
    ]);
    expect(status).not.toBe(0);
    expect(existsSync(out)).toBe(false);
    const lines = stderr.trimEnd().split('\n');
    return lines.at(-1) ?? '';
  }

  it('is told: nothing there, one pair, all burnt out, unreadable', async () => {
    const empty = path.join(root, 'empty');
    await mkdir(empty);
    expect(await answer([empty])).toMatch(/neither RAW files, nor the folders/);

    const one = await datasetOf('one', [{ seed: 1 }]);
    expect(await answer([one])).toMatch(/at least 2 pairs .* there is only one/);

    const burnt = path.join(root, 'burnt');
    for (const seed of [1, 2]) {
      const pair = pairOf(sceneOf(seed, size), { seed });
      await writePair(burnt, `0000${seed}`, { ...pair, long: burntOut(pair.long) });
    }
    expect(await answer([burnt])).toMatch(/of 2 only none can be used: 2 are burnt out/);

    const unreadable = path.join(root, 'unreadable');
    await cp(await datasetOf('sound', [{ seed: 1 }, { seed: 2 }]), unreadable, { recursive: true });
    await writeFile(path.join(unreadable, 'long', '00001_00_10s.dng'), 'not a photo');
    await writeFile(path.join(unreadable, 'long', '00002_00_10s.dng'), 'not a photo');
    expect(await answer([unreadable])).toMatch(/2 cannot be read \(.*00001_00_10s\.dng/);
  });

  it('is told: two cameras, wrong lists, pictures of another size or for the wrong recipe', async () => {
    const mixed = await datasetOf('mixed', [
      { seed: 1 },
      { seed: 2 },
      { seed: 3, camera: 'nikon-d850-bggr' },
    ]);
    expect(await answer([mixed])).toMatch(
      /one camera but found 2 of .*7SM2, 1 of .*D850.*--only-camera/,
    );

    await datasetOf('archive/Sony', [{ seed: 1 }, { seed: 2 }]);
    await datasetOf('archive/Nikon', [{ seed: 1, camera: 'nikon-d850-bggr' }]);
    expect(await answer([path.join(root, 'archive')])).toMatch(
      /one camera but found 1 of .*D850, 2 of .*7SM2.*--only-camera/,
    );

    const list = path.join(root, 'wrong_train_list.txt');
    await writeFile(list, './short/a.ARW ./long/b.ARW ISO200 F8\n');
    expect(await answer([list])).toMatch(/found none of them, \.\/short\/a\.ARW/);

    const [dark, bright] = [path.join(root, 'dark'), path.join(root, 'bright')];
    await mkdir(bright);
    for (const seed of [1, 2]) {
      const { short, truth } = pairOf(sceneOf(seed, size), { seed });
      await writeRaw(path.join(dark, `${seed}.dng`), short);
      await writePicture(path.join(bright, `${seed}.png`), truth);
    }
    expect(await answer([dark, bright])).toMatch(/long exposures for the recipe "raw".*"sid"/);
    for (const seed of [1, 2]) {
      const cropped = await sharp(path.join(bright, `${seed}.png`))
        .resize(64, 64)
        .toBuffer();
      await writeFile(path.join(bright, `${seed}.png`), cropped);
    }
    expect(await answer([dark, bright], ['--recipe', 'sid'])).toMatch(
      /2 differ in size \(1\.png has 64 × 64 pixels, 1\.dng 128 × 96: export it uncropped/,
    );
    expect(await answer([], ['--photos', bright, '--recipe', 'sid'])).toMatch(/expected pairs for/);
  });

  it('is told: scenes for the test alone, or a finished picture among those that watch', async () => {
    const folder = await datasetOf('listed', [{ seed: 1 }, { seed: 2 }, { seed: 3 }]);
    const lineOf = (seed: number, long: string): string =>
      `./short/0000${seed}_00_0.1s.dng ./long/0000${seed}_00_${long} ISO1600 F8\n`;
    const test = path.join(folder, 'only_test_list.txt');
    await writeFile(test, lineOf(1, '10s.dng') + lineOf(2, '10s.dng'));
    expect(await answer([test])).toMatch(
      /all 2 that can be used of only_test_list\.txt are kept for the test.*name training scenes too/,
    );
    const train = path.join(folder, 'some_train_list.txt');
    await writeFile(train, lineOf(1, '10s.dng') + lineOf(2, '10s.dng'));
    const watching = path.join(folder, 'one_val_list.txt');
    await writeFile(watching, lineOf(3, '10s.png'));
    await writePicture(
      path.join(folder, 'long', '00003_00_10s.png'),
      pairOf(sceneOf(3, size)).truth,
    );
    expect(await answer([train, watching])).toMatch(
      /long exposures for the recipe "raw" but 00003_00_10s\.png is a finished picture/,
    );
  });
});

describe('a dataset of pairs', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await datasetOf(
      'pairs',
      [1, 2, 3, 4, 5].map((seed) => ({ seed, ratio: seed === 5 ? 250 : 100 })),
    );
  });

  it('is learned from the paper’s way, to a model that paints finished pictures', async () => {
    const out = path.join(root, 'sid');
    const train = [
      'train',
      folder,
      '--out',
      out,
      '--recipe',
      'sid',
      ...small,
      '--name',
      'Mine',
      '--json',
    ];
    const { status, stdout, stderr } = await nightglass(train);
    expect([status, stderr]).toEqual([0, '']);
    const events = eventsOf(stdout);
    expect(events.filter(({ event }) => event === 'pair')).toHaveLength(5);
    expect(events.find(({ event }) => event === 'pairs')).toMatchObject({
      layout: 'sid',
      train: 3,
      validation: 1,
      test: 1,
    });
    expect(events.some(({ event }) => event === 'validated')).toBe(true);

    const { recipe } = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
    expect(recipe).toMatchObject({
      name: 'sid',
      domain: 'srgb',
      whiteBalanced: false,
      schedule: 'halfway',
      batch: 1,
      loss: { linear: 1, squared: 0 },
    });
    const model = path.join(out, 'mine.json');
    const { manifest } = await readModel(model);
    expect(manifest.output.domain).toBe('srgb');
    expect(manifest.input).toEqual({ packing: 'RGGB', clamp: 1, whiteBalanced: false });
    expect(manifest.training['recipe']).toEqual(recipe);

    const pictures = path.join(root, 'pictures');
    const dark = path.join(folder, 'short');
    const enhance = [
      'enhance',
      dark,
      '--out',
      pictures,
      '--model',
      model,
      '--device',
      'cpu',
      '--format',
      'png',
    ];
    expect((await nightglass(enhance)).status).toBe(0);
    // Six steps teach nothing, but the picture is one of 128 × 96.
    const { width, height } = await sharp(path.join(pictures, '00001_00_0.1s.png')).metadata();
    expect([width, height]).toEqual(size);
  });

  it('is gone on with by the run’s own memory of it', async () => {
    const out = path.join(root, 'whole');
    const more = ['--patch', '32', '--base', '4', '--threads', '1', '--keep', 'last'];
    const train = async (...args: string[]): Promise<void> => {
      const { status, stderr } = await nightglass(['train', '--out', out, ...args]);
      expect([status, stderr.includes('nightglass:')]).toEqual([0, false]);
    };
    await train(folder, ...more, '--steps', '4');
    const before = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
    expect(before.dataset).toMatch(/^3 pairs, /);
    expect(before.recipe.name).toBe('raw');
    await train('--resume', '--steps', '5');
    const { dataset, state } = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
    expect([dataset, state.step]).toEqual([before.dataset, 5]);
  });

  it('adapts the shipped model, which becomes no other kind of network', async () => {
    const out = path.join(root, 'adapt');
    const adapt = [
      'train',
      folder,
      '--out',
      out,
      '--recipe',
      'adapt',
      '--steps',
      '2',
      '--batch',
      '1',
      '--patch',
      '32',
      '--threads',
      '1',
      '--json',
    ];
    expect((await nightglass(adapt)).status).toBe(0);
    const { recipe } = await readCheckpoint(path.join(out, 'checkpoint.ngck'));
    expect(recipe).toMatchObject({ name: 'adapt', learningRate: 1e-4, unet: { baseChannels: 16 } });
    const wrong = await nightglass([
      'train',
      folder,
      '--out',
      path.join(root, 'none'),
      '--recipe',
      'sid',
      '--from',
      'fast',
      ...small.filter((option) => option !== '--base' && option !== '4'),
    ]);
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/fast gives linear light: leave out --from/);
  });

  it('is not said to be held out where nothing is', async () => {
    const folder = await datasetOf('two', [{ seed: 1 }, { seed: 2 }]);
    const out = path.join(root, 'two-run');
    const { status, stdout, stderr } = await nightglass(['train', folder, '--out', out, ...small]);
    expect([status, stdout + stderr]).toEqual([
      0,
      expect.stringMatching(/on patches it is trained on/),
    ]);
    expect(stdout + stderr).toMatch(/too few scenes to give one away/);
    expect(stdout + stderr).not.toMatch(/held-out/);
  });
});
