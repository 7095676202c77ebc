/** Patches out of pairs: both halves fit pixel for pixel in every way of reading, and are made again bit for bit. */

import { renameSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { srgbLight } from '../../../main/develop/tone.ts';
import { siteColours } from '../../../main/raw/cfa.ts';
import type { CfaPattern, Mosaic } from '../../../main/raw/mosaic.ts';
import { demosaicRim, demosaicSquare } from '../../../main/training/pairs/patches/demosaic.ts';
import { psnr } from '../../../main/training/validation/metrics.ts';
import { PairPatchMaker, type LoadedPair } from '../../../main/training/pairs/patches/patches.ts';
import { PairSchedule } from '../../../main/training/pairs/patches/schedule.ts';
import { PairSource } from '../../../main/training/pairs/patches/source.ts';
import { describePairs } from '../../../main/training/pairs/digest.ts';
import type { UsablePair } from '../../../main/training/pairs/pairs.ts';
import { Random } from '../../../main/darkness/random.ts';
import { recipes, type Recipe } from '../../../main/training/recipe.ts';
import { pairOf, sceneOf, writePair, writeRaw } from './made-pairs.ts';
import { refusalOf } from '../refusal-of.ts';

const gains = [2, 1, 1.5] as const;
const whiteLevel = 60_000;
const blackLevel = [1000, 1010, 1020, 1030] as const;

/** A frame without noise of light (0–1, balanced) that is another at each pixel and colour. */
function frameOf(cfa: CfaPattern, width: number, height: number, exposure: number): Mosaic {
  const colours = siteColours(cfa).map((colour) => 'RGB'.indexOf(colour));
  const samples = Uint16Array.from({ length: width * height }, (_, at) => {
    const [y, x] = [Math.floor(at / width), at % width];
    const site = (y & 1) * 2 + (x & 1);
    const channel = colours[site] ?? 0;
    const light = (lightOf(x, y, channel) * exposure) / (gains[channel] ?? 1);
    const black = blackLevel[site] ?? 0;
    return Math.round(black + light * (whiteLevel - black));
  });
  return {
    width,
    height,
    samples,
    cfa,
    blackLevel,
    whiteLevel,
    orientation: 1,
    colour: { asShotGains: gains, xyzToCamera: [1, 0, 0, 0, 1, 0, 0, 0, 1] },
    baselineExposureStops: 0,
    shot: {},
  };
}

function lightOf(x: number, y: number, channel: number): number {
  return 0.05 + 0.9 * (((x * 37 + y * 101 + channel * 53) % 97) / 97);
}

/** The colour that each of the four sites of a packed input has: R, G, G, B. */
const siteChannel = [0, 1, 1, 2] as const;

describe('a patch', () => {
  const side = 32;
  const area = side * side;

  function cutOf(
    pair: LoadedPair,
    terms: Partial<Recipe>,
    key: number,
  ): { input: Float32Array; target: Float32Array } {
    const input = new Float32Array(4 * area);
    const target = new Float32Array(12 * area);
    const maker = new PairPatchMaker({ ...recipes.raw, ...terms, patchPacked: side });
    maker.make(pair, new Random(key), 0, input, target);
    return { input, target };
  }

  const frames = (['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const).flatMap((cfa) =>
    [
      [96, 80],
      [97, 81],
      // Smaller than a patch: mirrored.
      [50, 66],
    ].map(([width = 0, height = 0]) => ({ cfa, width, height })),
  );

  it.each(frames)(
    'of a long exposure has at each site what the sensor saw ($cfa, $width × $height)',
    ({ cfa, width, height }) => {
      const pair: LoadedPair = {
        short: frameOf(cfa, width, height, 1 / 8),
        target: { kind: 'raw', mosaic: frameOf(cfa, width, height, 1) },
        ratio: 8,
      };
      for (let key = 0; key < 16; key++) {
        const { input, target } = cutOf(pair, {}, key);
        for (let site = 0; site < 4; site++) {
          const plane = site * 3 + (siteChannel[site] ?? 0);
          for (let at = 0; at < area; at++) {
            // Eight times the short one's rounding.
            const difference = (input[site * area + at] ?? 9) - (target[plane * area + at] ?? 0);
            if (Math.abs(difference) > 3e-4) expect([key, site, at, difference]).toEqual([]);
          }
        }
      }
    },
  );

  it.each(frames)(
    'of a finished picture lies where the sensor saw it ($cfa, $width × $height)',
    ({ cfa, width, height }) => {
      const samples = Uint16Array.from({ length: width * height * 3 }, (_, at) => {
        const pixel = Math.floor(at / 3);
        const light = lightOf(pixel % width, Math.floor(pixel / width), at % 3);
        return 65_535 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055);
      });
      const pair: LoadedPair = {
        short: frameOf(cfa, width, height, 1 / 4),
        target: { kind: 'picture', picture: { width, height, samples } },
        ratio: 4,
      };
      const terms = { domain: 'srgb', whiteBalanced: false, clamp: 1 } as const;
      for (let key = 0; key < 16; key++) {
        const { input, target } = cutOf(pair, terms, key);
        for (let site = 0; site < 4; site++) {
          const channel = siteChannel[site] ?? 0;
          for (let at = 0; at < area; at++) {
            const light = srgbLight(target[(site * 3 + channel) * area + at] ?? 0);
            const difference = (input[site * area + at] ?? 9) * gains[channel] - light;
            if (Math.abs(difference) > 3e-4) expect([key, site, at, difference]).toEqual([]);
          }
        }
      }
    },
  );

  it('is cut everywhere, in all eight ways of reading', () => {
    const pair: LoadedPair = {
      short: frameOf('GRBG', 96, 80, 1 / 8),
      target: { kind: 'raw', mosaic: frameOf('GRBG', 96, 80, 1) },
      ratio: 8,
    };
    const seen = new Set<string>();
    for (let key = 0; key < 400; key++) seen.add(cutOf(pair, {}, key).input.slice(0, 50).join());
    // 17 × 9 places for each of eight ways, of which the made-up light makes some look alike.
    expect(seen.size).toBeGreaterThan(250);
  });

  it('asks for what the long exposure could not hold, as far as the short one tells it', () => {
    const short = frameOf('RGGB', 96, 80, 1 / 8);
    // Three times longer than white allows.
    const long = frameOf('RGGB', 96, 80, 3);
    const burnt: Mosaic = {
      ...long,
      samples: Uint16Array.from(long.samples, (sample) => Math.min(sample, whiteLevel)),
    };
    const { target } = cutOf({ short, target: { kind: 'raw', mosaic: burnt }, ratio: 24 }, {}, 3);
    expect(Math.max(...target)).toBeGreaterThan(1.8);
    expect(Math.max(...target)).toBeLessThanOrEqual(4);
    expect(Math.min(...target)).toBeGreaterThanOrEqual(0);
  });
});

describe('the colours of a long exposure', () => {
  it('are right to a percent or two, and better than the mean of neighbours', () => {
    const wide = 200;
    const { truth } = pairOf(sceneOf(5, [wide, wide]));
    const mosaic = Float32Array.from({ length: wide * wide }, (_, at) => {
      const channel = (Math.floor(at / wide) & 1) + ((at % wide) & 1);
      return truth.samples[at * 3 + channel] ?? 0;
    });
    const colours = new Float32Array(wide * wide * 3);
    demosaicSquare(mosaic, wide, colours);
    const inner = (samples: Float32Array): Float32Array =>
      samples.filter((_, at) => {
        const pixel = Math.floor(at / 3);
        const [x, y] = [pixel % wide, Math.floor(pixel / wide)];
        return Math.min(x, y, wide - 1 - x, wide - 1 - y) >= demosaicRim;
      });
    const mean = new Float32Array(wide * wide * 3);
    for (let y = 1; y < wide - 1; y++) {
      for (let x = 1; x < wide - 1; x++) {
        for (let channel = 0; channel < 3; channel++) {
          let [sum, count] = [0, 0];
          for (let v = y - 1; v <= y + 1; v++) {
            for (let u = x - 1; u <= x + 1; u++) {
              if ((v & 1) + (u & 1) !== channel) continue;
              sum += mosaic[v * wide + u] ?? 0;
              count += 1;
            }
          }
          mean[(y * wide + x) * 3 + channel] = sum / count;
        }
      }
    }
    const clean = inner(truth.samples);
    expect(psnr(inner(colours), clean)).toBeGreaterThan(psnr(inner(mean), clean) + 2);
    expect(psnr(inner(colours), clean)).toBeGreaterThan(30);
  });
});

describe('the order of pairs', () => {
  it('visits all equally often, a few at a time, in another order each round', () => {
    const bytes = Array.from({ length: 23 }, (_, index) => (40 + index) * 1e6);
    const schedule = new PairSchedule(bytes, 5);
    const again = new PairSchedule(bytes, 5);
    const round = 23 * 32;
    const counts = new Map<number, number>();
    const groups = new Set<string>();
    let before = '';
    for (let patch = 0; patch < round; patch++) {
      const { pair, group, next } = schedule.turnOf(patch);
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
      expect(group).toContain(pair);
      const memory = group.reduce((sum, index) => sum + (bytes[index] ?? 0), 0);
      expect(memory).toBeLessThanOrEqual(256e6);
      // What was announced is what comes.
      if (group.join() !== before) groups.add(group.join());
      before = group.join();
      if (patch + 1 < round) {
        const following = schedule.turnOf(patch + 1).group.join();
        expect([group.join(), next.join()]).toContain(following);
      }
    }
    expect([...counts.values()].every((count) => count === 32)).toBe(true);
    expect(groups.size).toBeGreaterThan(4);
    for (const patch of [9000, 3, 700, 3 * round + 1]) {
      expect(again.turnOf(patch)).toEqual(schedule.turnOf(patch));
    }
    expect(schedule.turnOf(0).group).not.toEqual(schedule.turnOf(round).group);
  });

  it('is one pass a round where all pairs fit into memory', () => {
    const schedule = new PairSchedule([1e6, 1e6, 1e6], 1);
    const drawn = Array.from({ length: 12 }, (_, patch) => schedule.turnOf(patch).pair);
    for (let first = 0; first < 12; first += 3) {
      expect(drawn.slice(first, first + 3).toSorted()).toEqual([0, 1, 2]);
    }
  });
});

describe('a source of batches', () => {
  let folder = '';
  let pairs: UsablePair[] = [];
  const recipe: Recipe = { ...recipes.raw, batch: 2, patchPacked: 32 };
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-source-'));
    pairs = await Promise.all(
      [1, 2, 3].map(async (seed): Promise<UsablePair> => {
        const files = await writePair(folder, `0000${seed}`, pairOf(sceneOf(seed, [96, 80])));
        return {
          ...files,
          id: path.basename(files.short),
          scene: String(seed),
          target: 'raw',
          ratio: 100,
          camera: 'x',
          width: 96,
          height: 80,
        };
      }),
    );
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('gives each batch the same bit for bit, wherever it begins or goes back to', async () => {
    const from = async (firstStep: number) => PairSource.open({ pairs, recipe, firstStep });
    const whole = await from(1);
    const batches = [];
    for (let step = 1; step <= 6; step++) batches.push(await whole.next());
    whole.rewind(3);
    expect(await whole.next()).toEqual(batches[2]);
    whole.rewind(1);
    expect(await whole.next()).toEqual(batches[0]);
    await whole.close();
    const resumed = await from(5);
    expect(await resumed.next()).toEqual(batches[4]);
    expect(await resumed.next()).toEqual(batches[5]);
    await resumed.close();
    expect(batches[0]?.input).not.toEqual(batches[1]?.input);
  });

  it('tells pairs that turn bad and goes on with the others, and says when there are none', async () => {
    const skipped: string[] = [];
    const bad = path.join(folder, 'bad.dng');
    await writeFile(bad, 'not a photo');
    const [first, second] = pairs;
    if (first === undefined || second === undefined) throw new Error('expected pairs');
    const source = await PairSource.open({
      pairs: [{ ...first, short: bad }, second],
      recipe,
      firstStep: 1,
      onSkipped: (account) => skipped.push(account),
    });
    await source.next();
    await source.next();
    await source.close();
    expect(skipped).toEqual([expect.stringMatching(/bad\.dng/)]);
    const refusal = await refusalOf(() =>
      PairSource.open({ pairs: [{ ...first, short: bad }], recipe, firstStep: 1 }),
    );
    expect(refusal.code).toBe('dataset');
  });

  it('refuses files that are others than those that were checked', async () => {
    const [first] = pairs;
    if (first === undefined) throw new Error('expected pairs');
    const refusal = await refusalOf(() =>
      PairSource.open({ pairs: [{ ...first, width: 100 }], recipe, firstStep: 1 }),
    );
    expect(refusal.message).toMatch(/check the pairs again/);
  });

  it('waits for files that are away', async () => {
    const [first] = pairs;
    if (first === undefined) throw new Error('expected pairs');
    const { short } = pairOf(sceneOf(1, [96, 80]));
    const moved = path.join(folder, 'away.dng');
    const elsewhere = path.join(folder, 'elsewhere.dng');
    await writeRaw(elsewhere, short);
    const told: (string | undefined)[] = [];
    const opening = PairSource.open({
      pairs: [{ ...first, short: moved }],
      recipe,
      firstStep: 1,
      onAway: (account) => {
        told.push(account);
        // Back as a whole, as a disk comes back.
        if (account !== undefined) renameSync(elsewhere, moved);
      },
    });
    const source = await opening;
    expect((await source.next()).input.length).toBe(2 * 4 * 32 * 32);
    await source.close();
    expect(told).toEqual([expect.stringMatching(/away\.dng/), undefined]);
  });

  it('is told apart from another by its files', async () => {
    const [first, second] = pairs;
    if (first === undefined || second === undefined) throw new Error('expected pairs');
    const digest = await describePairs([first, second]);
    expect(digest).toMatch(/^2 pairs, [0-9a-f]{16}$/);
    expect(await describePairs([first, { ...second, ratio: 99 }])).not.toBe(digest);
    const refusal = await refusalOf(() => describePairs([{ ...first, long: '/nowhere.dng' }]));
    expect(refusal.message).toMatch(/nowhere\.dng/);
  });
});
