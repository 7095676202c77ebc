/** Scores on pairs: what they measure, and the table of `nightglass evaluate`. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunNetwork } from '../../main/develop/develop.ts';
import type { NetworkTerms } from '../../main/develop/dialect.ts';
import { readModel } from '../../main/network/manifest.ts';
import { seenByModel } from '../../main/training/pairs/seen.ts';
import { seenByRun } from '../../main/training/run/folder.ts';
import { evaluatePair } from '../../main/scoring/evaluate-pairs.ts';
import type { ScoredNetwork } from '../../main/scoring/network-picture.ts';
import { dimmed, pairOf, sceneOf, writePair } from '../training/pairs/made-pairs.ts';
import { eventsOf, nightglass, type Outcome } from '../training/nightglass.ts';

const linear: NetworkTerms = { clamp: 4, whiteBalanced: true, domain: 'camera-linear' };

/** A network that gives every pixel of a cell the cell's own samples, times a factor. */
function cells(factor: number): ScoredNetwork {
  const run: RunNetwork = (packed, width, height) => {
    const area = width * height;
    const output = new Float32Array(12 * area);
    for (let site = 0; site < 4; site++) {
      for (let at = 0; at < area; at++) {
        const green = site === 2 ? packed[2 * area + at] : packed[area + at];
        output[site * 3 * area + at] = factor * (packed[at] ?? 0);
        output[(site * 3 + 1) * area + at] = factor * (green ?? 0);
        output[(site * 3 + 2) * area + at] = factor * (packed[3 * area + at] ?? 0);
      }
    }
    return Promise.resolve(output);
  };
  return { run, terms: linear };
}

describe('the scores of a pair', () => {
  const { long } = pairOf(sceneOf(4, [160, 120]), { camera: 'nikon-d850-bggr', iso: 800 });
  // A short exposure without any noise of its own, the eighth part of the long one.
  const pair = {
    short: dimmed(long, 1 / 8),
    target: { kind: 'raw' as const, mosaic: long },
    ratio: 8,
  };

  it('are at the sensor’s own samples what the network made of them', async () => {
    const { network, amplified } = await evaluatePair({
      pair,
      network: cells(1),
      crop: 999,
    });
    // What is left is the rounding of an eighth to whole numbers, times eight.
    expect(network.raw?.plain).toBeGreaterThan(65);
    expect(amplified.raw?.plain).toBeGreaterThan(65);
    expect(amplified.srgb.psnr).toBeGreaterThan(45);
    expect(amplified.srgb.ssim).toBeGreaterThan(0.99);
    // Cells of one colour are no demosaicing.
    expect(network.srgb.psnr).toBeLessThan(amplified.srgb.psnr - 10);
  });

  it('tell a wrong brightness, and what is left without it', async () => {
    // So noisy a frame, if it were one, that nothing which the network left out could be detail.
    const short = { ...pair.short, noiseProfile: { slope: 0, offset: 1 } };
    const { network } = await evaluatePair({
      pair: { ...pair, short },
      network: cells(0.8),
      crop: 999,
    });
    expect(network.raw?.plain).toBeLessThan(30);
    expect(network.raw?.aligned).toBeGreaterThan(60);
  });

  it('are those of what is exported: with the detail that noise does not explain', async () => {
    const { network } = await evaluatePair({ pair, network: cells(0.8), crop: 999 });
    expect(network.raw?.plain).toBeGreaterThan(33);
  });

  it('of a painter are those of its picture, and none in raw', async () => {
    const grey: RunNetwork = (_packed, width, height) =>
      Promise.resolve(new Float32Array(12 * width * height).fill(0.5));
    const painter: NetworkTerms = { clamp: 1, whiteBalanced: false, domain: 'srgb' };
    const { network, amplified } = await evaluatePair({
      pair,
      network: { run: grey, terms: painter },
      crop: 64,
    });
    expect(network.raw).toBeUndefined();
    expect(network.srgb.psnr).toBeLessThan(25);
    expect(amplified.srgb.psnr).toBeGreaterThan(40);
  });

  it('with a finished picture are those of pictures alone', async () => {
    const { width, height } = long;
    const samples = new Uint16Array(width * height * 3).fill(32_768);
    const { network } = await evaluatePair({
      pair: { ...pair, target: { kind: 'picture', picture: { width, height, samples } } },
      network: {
        run: (_packed, w, h) => Promise.resolve(new Float32Array(12 * w * h).fill(0.214)),
        terms: { ...linear, domain: 'srgb' },
      },
      crop: 999,
    });
    expect(network.raw).toBeUndefined();
    // 0.214 is no light here but a picture's value: 0.286 from 0.5 everywhere.
    expect(network.srgb.psnr).toBeCloseTo(-20 * Math.log10(0.5 - 0.214), 2);
  });
});

describe('nightglass evaluate on pairs', () => {
  const photos = { kind: 'photos' as const, paths: ['/photos'], exclude: [], withHeldOut: false };
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-evaluate-'));
    for (const [scene, ratio] of [
      ['00001', 100],
      ['00002', 250],
      ['10003', 100],
      ['10004', 303],
    ] as const) {
      const pair = pairOf(sceneOf(Number(scene), [128, 96]), { ratio, seed: Number(scene) });
      await writePair(folder, scene, pair);
    }
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('scores the scenes kept for it, by ratio, beside the amplified exposure', async () => {
    const { status, stdout } = await nightglass(['evaluate', folder, '--model', 'fast', '--json']);
    expect(status).toBe(0);
    const events = eventsOf(stdout);
    expect(events.filter(({ event }) => event === 'scored').map(({ scene }) => scene)).toEqual([
      '10003',
      '10004',
    ]);
    const result = events.at(-1);
    expect(result).toMatchObject({
      event: 'result',
      model: 'fast',
      testOnly: true,
      ratios: [{ ratio: 100, pairs: 1 }, { ratio: 300 }, { ratio: 'all', pairs: 2 }],
    });
    expect(JSON.stringify(result)).toMatch(/"network":\{"raw":\{"plain":\d/);
  });

  it.each(['NIKON D850', 'NIKON CORPORATION NIKON D850'])(
    'scores the pairs of an archive, of the one camera that is asked for: %s',
    async (camera) => {
      const archive = path.join(folder, 'archive');
      await mkdir(archive);
      await symlink(folder, path.join(archive, 'Sony'));
      for (const seed of [1, 2]) {
        const pair = pairOf(sceneOf(seed, [128, 96]), { camera: 'nikon-d850-bggr', seed });
        await writePair(path.join(archive, 'Nikon'), `0000${seed}`, pair);
      }
      const args = ['--all', '--only-camera', camera, '--crop', '64', '--json'];
      const { status, stdout, stderr } = await nightglass(['evaluate', archive, ...args]);
      expect([status, stderr]).toEqual([0, '']);
      const events = eventsOf(stdout);
      expect(events.filter(({ event }) => event === 'pair')).toHaveLength(6);
      expect(events.filter(({ event }) => event === 'scored').map(({ scene }) => scene)).toEqual([
        'Nikon/00001',
        'Nikon/00002',
      ]);
      await rm(archive, { recursive: true });
    },
  );

  it('leaves out scenes that the model has seen, whatever they are called by now', async () => {
    const [own, later] = [path.join(folder, 'own'), path.join(folder, 'later')];
    // What is trained on first is among what is kept for the score later.
    for (const seed of [1, 2]) {
      const pair = pairOf(sceneOf(seed, [128, 96]), { seed });
      await writePair(own, `0000${seed}`, pair);
      await writePair(later, `1000${seed}`, pair);
    }
    await writePair(later, '00004', pairOf(sceneOf(4, [128, 96])));
    const run = path.join(folder, 'run');
    const small = ['--patch', '32', '--base', '4', '--steps', '2', '--threads', '1'];
    expect((await nightglass(['train', own, '--out', run, ...small])).status).toBe(0);
    const model = path.join(run, 'trained-model.json');
    const evaluate = (...more: string[]): Promise<Outcome> =>
      nightglass(['evaluate', later, '--model', model, ...more]);

    const none = await evaluate();
    expect([none.status, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toMatch(
      /trained-model has seen all 2 pairs of them in training: add new scenes/,
    );

    await writePair(later, '10003', pairOf(sceneOf(3, [128, 96])));
    const some = await evaluate('--json');
    const scored = eventsOf(some.stdout).filter(({ event }) => event === 'scored');
    expect(scored.map(({ scene }) => scene)).toEqual(['10003']);
    expect(eventsOf(some.stdout).at(-1)).toMatchObject({ pairs: 1, seenIsKnown: true });

    const { manifest } = await readModel(model);
    const { pairsSeen, ...training } = manifest.training;
    expect(pairsSeen).toHaveLength(2);
    // What is made from it has seen them too.
    expect(seenByRun({ dataset: photos, seenBefore: [...(seenByModel(manifest) ?? [])] })).toEqual(
      pairsSeen,
    );
    expect(seenByRun({ dataset: photos })).toBeUndefined();
    expect(seenByModel((await readModel('fast')).manifest)).toEqual([]);

    await writeFile(model, JSON.stringify({ ...manifest, training }));
    expect((await evaluate()).stdout).toMatch(
      /means over 3 pairs .* does not say whether it was trained/,
    );
  });

  it('scores all as Markdown if asked to', async () => {
    const { status, stdout } = await nightglass(['evaluate', folder, '--all', '--markdown']);
    expect(status).toBe(0);
    const [head, , first, ...more] = stdout.split('\n');
    expect(head).toMatch(/^\| ratio \| pairs \| sRGB PSNR \(amplified\) \| sRGB SSIM/);
    const [, ratio, pairs, srgb = ''] = (first ?? '').split('|').map((cell) => cell.trim());
    expect([ratio, pairs]).toEqual(['×100', '2']);
    const [network = 0, amplified = 99] = srgb.match(/[\d.]+/g)?.map(Number) ?? [];
    // The shipped model sees more in the dark than brightening shows.
    expect(network).toBeGreaterThan(amplified + 3);
    expect(more.slice(0, 3).map((line) => line.slice(0, 6))).toEqual([
      '| ×250',
      '| ×300',
      '| all ',
    ]);
    expect(stdout).toMatch(/must never be compared/);
  });
});
