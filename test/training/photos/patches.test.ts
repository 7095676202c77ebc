/** Patches: packing order, what is drawn, and that a batch depends on its number alone. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PatchSource } from '../../../main/training/photos/patch-source.ts';
import {
  amplifiedLimit,
  makeBatch,
  PatchMaker,
  poolOf,
  type Batch,
} from '../../../main/training/photos/patches.ts';
import { drawDarkness } from '../../../main/darkness/drawn-darkness.ts';
import { loadLinearPhoto } from '../../../main/training/photos/photos.ts';
import { codeOfLight, type LinearPhoto } from '../../../main/darkness/linear-photo.ts';
import { Random } from '../../../main/darkness/random.ts';
import {
  drawLook,
  hueAndSaturation,
  multiplied,
  srgbToBalancedCamera,
} from '../../../main/darkness/scene.ts';
import { colourMatrices } from '../../../main/darkness/colour-matrices.ts';
import { tukeyStandardDeviation } from '../../../main/darkness/tukey.ts';

function photoOf(
  name: string,
  width: number,
  height: number,
  light: (x: number, y: number, channel: number) => number,
  space: LinearPhoto['space'] = 'srgb',
): LinearPhoto {
  const codes = new Uint16Array(width * height * 3);
  for (let at = 0; at < codes.length; at++) {
    const pixel = Math.floor(at / 3);
    codes[at] = codeOfLight(light(pixel % width, Math.floor(pixel / width), at % 3));
  }
  return { name, width, height, codes, space };
}

const ramp = photoOf('ramp', 96, 80, (x, y, channel) => 0.1 + (x + 2 * y) / 400 + channel * 0.05);
const dots = photoOf('dots', 40, 40, (x, y) => ((x * 7 + y * 13) % 11) / 11);

/** Mean of the input samples of one RGGB site over patch n. */
function siteMeans(batch: Batch, n: number, patchPacked: number): number[] {
  const area = patchPacked ** 2;
  return [0, 1, 2, 3].map((site) => {
    const from = (n * 4 + site) * area;
    return batch.input.subarray(from, from + area).reduce((sum, v) => sum + v, 0) / area;
  });
}

describe('packing', () => {
  // A photo of one crop's size and no colour change: whatever way it is turned, each target pixel
  // is one of its pixels, and the input sees of each pixel the colour of its site.
  it('puts pixel (2y + dy, 2x + dx), colour c, in target channel (dy · 2 + dx) · 3 + c', () => {
    const side = 8;
    const pool = poolOf([
      photoOf('numbers', side, side, (x, y, c) => (1 + y * side + x + c * 100) / 1000, 'camera'),
    ]);
    const maker = new PatchMaker(side / 2);
    let plain = 0;
    for (let step = 0; step < 60; step++) {
      const { target } = makeBatch({ pool, seed: 1, step, batch: 1, maker });
      const look = drawLookOf(1, step);
      // Only patches without a colour matrix can be read back by eye.
      const m = look.toBalancedCamera;
      const exposure = m[0];
      if (m[1] !== 0 || m[2] !== 0 || m[3] !== 0 || m[4] !== exposure) continue;
      plain++;
      const at = (x: number, y: number, c: number): number => {
        const channel = ((y & 1) * 2 + (x & 1)) * 3 + c;
        const value = target[channel * 16 + (y >> 1) * 4 + (x >> 1)]!;
        return Math.round((value / exposure) * 1000) - c * 100 - 1;
      };
      const first = at(0, 0, 0);
      const across = at(1, 0, 0) - first;
      const down = at(0, 1, 0) - first;
      expect([1, 8]).toContain(Math.abs(across));
      expect(Math.abs(across) + Math.abs(down)).toBe(9);
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          for (let c = 0; c < 3; c++) {
            expect(at(x, y, c)).toBe(first + x * across + y * down);
          }
        }
      }
    }
    expect(plain).toBeGreaterThan(20);
  });

  /** The look of patch 0 of a step, drawn again: the photo takes one number before it. */
  function drawLookOf(seed: number, step: number): ReturnType<typeof drawLook> {
    const random = new Random(seed, step, 0);
    random.unit();
    return drawLook('camera', random);
  }

  it('packs the input as R, G, G, B and white-balances it: its means are the target’s', () => {
    // Red, green and blue far apart, so that a wrong site shows.
    const pool = poolOf([photoOf('flat', 64, 64, (_x, _y, c) => [0.2, 0.5, 0.9][c]!, 'camera')]);
    const maker = new PatchMaker(32);
    const batch = makeBatch({ pool, seed: 3, step: 0, batch: 48, maker });
    const area = 32 * 32;
    let compared = 0;
    for (let n = 0; n < 48; n++) {
      const truth = [0, 4, 7, 11].map((channel) => batch.target[(n * 12 + channel) * area]!);
      if (Math.max(...truth) > 1) continue;
      compared++;
      siteMeans(batch, n, 32).forEach((mean, site) => {
        // 1024 samples of variance ≤ a·x·gain + (a·2.2·gain)², a ≤ 0.7, gain ≤ 3, and a bias.
        expect(Math.abs(mean - truth[site]!)).toBeLessThan(0.45);
      });
    }
    expect(compared).toBeGreaterThan(25);
    const error = (site: number, channel: number): number => {
      let sum = 0;
      for (let n = 0; n < 48; n++) {
        sum += siteMeans(batch, n, 32)[site]! - batch.target[(n * 12 + channel) * area]!;
      }
      return sum / 48;
    };
    for (const [site, channel] of [
      [0, 0],
      [1, 4],
      [2, 7],
      [3, 11],
    ] as const) {
      expect(Math.abs(error(site, channel))).toBeLessThan(0.03);
    }
  });

  it('keeps inputs within ±4, targets within 0 … 4, and lets both signs be', () => {
    const pool = poolOf([
      ramp,
      photoOf('bright', 80, 80, () => 8),
      photoOf('dark', 80, 80, () => 0),
    ]);
    const maker = new PatchMaker(16);
    const { input, target } = makeBatch({ pool, seed: 5, step: 0, batch: 40, maker });
    expect(Math.max(...input)).toBe(amplifiedLimit);
    expect(Math.min(...input)).toBeGreaterThanOrEqual(-amplifiedLimit);
    expect(Math.min(...input)).toBeLessThan(-0.1);
    expect(Math.max(...target)).toBe(amplifiedLimit);
    expect(Math.min(...target)).toBe(0);
  });

  it('continues a photo smaller than the patch by its mirror image', () => {
    const pool = poolOf([photoOf('tiny', 3, 2, (x) => (x + 1) / 10, 'camera')]);
    const { target } = makeBatch({ pool, seed: 1, step: 0, batch: 4, maker: new PatchMaker(8) });
    expect(target.every((value) => value > 0 && Number.isFinite(value))).toBe(true);
  });
});

describe('darkness in amplified units', () => {
  const draws = Array.from({ length: 4000 }, (_, index) => drawDarkness(new Random(9, index)));

  it('stays in the recipe’s ranges and reaches their ends', () => {
    const slopes: number[] = [];
    for (const { parameters: p, ratio } of draws) {
      const range = p.whiteLevel - p.blackLevel[0];
      const slope = (p.gainDnPerElectron * ratio) / range;
      slopes.push(slope);
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(ratio).toBeLessThanOrEqual(300);
      const sigma = p.tukeyScaleDn * tukeyStandardDeviation(p.tukeyLambda);
      const electrons = sigma / p.gainDnPerElectron;
      expect(electrons).toBeGreaterThan(0.39);
      expect(electrons).toBeLessThan(slope > 0.05 ? 2.21 : 4.61);
      expect(p.rowSigmaDn / sigma).toBeGreaterThan(0.029);
      expect(p.rowSigmaDn / sigma).toBeLessThan(0.221);
      expect(Math.max(...p.biasDn.map(Math.abs)) / sigma).toBeLessThan(0.03 * 5);
      expect([4095, 16383]).toContain(p.whiteLevel);
    }
    slopes.sort((a, b) => a - b);
    expect(slopes[0]).toBeLessThan(0.0006);
    expect(slopes.at(-1)).toBeGreaterThan(0.65);
    // Half of the main range lies below its geometric middle, 0.053; a sixth is below 0.004.
    expect(slopes.filter((slope) => slope < 0.004).length / 4000).toBeCloseTo(1 / 6, 1);
    expect(slopes.filter((slope) => slope > 0.0529).length / 4000).toBeCloseTo(5 / 12, 1);
    const twelve = draws.filter(({ parameters }) => parameters.whiteLevel === 4095).length / 4000;
    expect(twelve).toBeCloseTo(0.25, 1);
  });

  it('covers the A7S II at ISO 1600, 6400 and 25600 amplified ×100', () => {
    for (const gain of [1.53, 6.12, 24.5]) {
      const slope = (gain * 100) / 15871;
      const near = draws.filter(({ parameters: p, ratio }) => {
        const drawn = (p.gainDnPerElectron * ratio) / (p.whiteLevel - p.blackLevel[0]);
        return Math.abs(Math.log(drawn / slope)) < 0.3;
      });
      expect(near.length).toBeGreaterThan(200);
    }
  });
});

describe('looks', () => {
  it('keep grey grey: every matrix maps equal channels to equal channels', () => {
    const random = new Random(11);
    for (let round = 0; round < 500; round++) {
      const { toBalancedCamera: m, whiteBalance } = drawLook('srgb', random);
      const rows = [m[0] + m[1] + m[2], m[3] + m[4] + m[5], m[6] + m[7] + m[8]];
      expect(rows[0]).toBeCloseTo(rows[1]!, 9);
      expect(rows[0]).toBeCloseTo(rows[2]!, 9);
      expect(rows[0]).toBeGreaterThan(0.299);
      expect(rows[0]).toBeLessThan(1.601);
      expect(whiteBalance[1]).toBe(1);
      expect(Math.min(...whiteBalance)).toBe(1);
      expect(Math.max(...whiteBalance)).toBeLessThan(3);
    }
  });

  it('turn hue: a third of a circle sends red to green, a full one changes nothing', () => {
    const third = hueAndSaturation((2 * Math.PI) / 3, 1);
    [0, 1, 0].forEach((want, row) => {
      expect(third[row * 3]).toBeCloseTo(want, 12);
    });
    hueAndSaturation(2 * Math.PI, 1).forEach((cell, index) => {
      expect(cell).toBeCloseTo(index % 4 === 0 ? 1 : 0, 12);
    });
    hueAndSaturation(1, 0).forEach((cell) => {
      expect(cell).toBeCloseTo(1 / 3, 12);
    });
  });

  it('list at least twelve cameras, whose matrices can be undone and favour their own channel', () => {
    expect(colourMatrices.size).toBeGreaterThanOrEqual(12);
    for (const [name, matrix] of colourMatrices) {
      const m = srgbToBalancedCamera(matrix);
      for (let row = 0; row < 3; row++) {
        expect(m[row * 3]! + m[row * 3 + 1]! + m[row * 3 + 2]!, name).toBeCloseTo(1, 12);
        expect(m[row * 4], name).toBeGreaterThan(0.4);
      }
    }
    expect(multiplied([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 0, 0, 0, 2, 0, 0, 0, 3])).toEqual([
      1, 4, 9, 4, 10, 18, 7, 16, 27,
    ]);
  });
});

describe('batches', () => {
  const pool = poolOf([ramp, dots]);

  it('depend on photos, seed and step alone', () => {
    const make = (seed: number, step: number): Batch =>
      makeBatch({ pool, seed, step, batch: 2, maker: new PatchMaker(16) });
    const again = make(1, 7);
    make(1, 8);
    expect(make(1, 7)).toEqual(again);
    expect(make(1, 8).input).not.toEqual(again.input);
    expect(make(2, 7).input).not.toEqual(again.input);
    const maker = new PatchMaker(16);
    makeBatch({ pool: poolOf([dots]), seed: 1, step: 3, batch: 1, maker });
    // Neither a used maker nor the order of the photos leaves a trace.
    const shuffled = poolOf([dots, ramp]);
    expect(makeBatch({ pool: shuffled, seed: 1, step: 7, batch: 2, maker })).toEqual(again);
  });

  it('draw photos by the root of their area', () => {
    const large = photoOf('large', 90, 90, () => 1, 'camera');
    const small = photoOf('small', 30, 30, () => 0, 'camera');
    const counted = poolOf([large, small]);
    const maker = new PatchMaker(1);
    let fromLarge = 0;
    for (let step = 0; step < 2000; step++) {
      const { target } = makeBatch({ pool: counted, seed: 1, step, batch: 1, maker });
      if (target[0]! > 0) fromLarge++;
    }
    expect(fromLarge / 2000).toBeCloseTo(0.75, 1);
  });

  it('need a photo', () => {
    const maker = new PatchMaker(4);
    expect(() => makeBatch({ pool: poolOf([]), seed: 1, step: 0, batch: 1, maker })).toThrow(
      /at least one photo/,
    );
    expect(() => new PatchMaker(0)).toThrow(RangeError);
  });
});

describe('the patch thread', () => {
  let folder = '';
  const files: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-patches-'));
    for (const [name, grey] of [
      ['a.png', 90],
      ['b.png', 200],
    ] as const) {
      const file = path.join(folder, name);
      const background = { r: grey, g: grey / 2, b: 30 };
      await sharp({ create: { width: 70, height: 50, channels: 3, background } })
        .png()
        .toFile(file);
      files.push(file);
    }
    files.push(path.join(folder, 'missing.png'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it('serves the same batches as the thread it was started from would make, in order', async () => {
    const seen: number[] = [];
    const source = await PatchSource.open({
      files,
      seed: 4,
      batch: 2,
      patchPacked: 16,
      firstStep: 5,
      ahead: 2,
      onLoading: (loaded) => seen.push(loaded),
    });
    try {
      expect(seen).toEqual([1, 2, 3]);
      expect(source.photos).toBe(2);
      expect(source.skipped).toHaveLength(1);
      expect(source.skipped[0]).toContain('missing.png');
      const pool = poolOf([await loadLinearPhoto(files[0]!), await loadLinearPhoto(files[1]!)]);
      const maker = new PatchMaker(16);
      for (const step of [5, 6, 7, 8]) {
        expect(await source.next()).toEqual(makeBatch({ pool, seed: 4, step, batch: 2, maker }));
      }
    } finally {
      await source.close();
    }
    await expect(source.next()).rejects.toThrow(/closed/);
  });

  it('draws a share of the patches from the deep dark where that is asked for', async () => {
    const readable = files.slice(0, 2);
    const options = { files: readable, seed: 4, batch: 2, patchPacked: 16 };
    const source = await PatchSource.open({ ...options, firstStep: 1, deepDark: 1 });
    try {
      const pool = poolOf(await Promise.all(readable.map((file) => loadLinearPhoto(file))));
      const maker = new PatchMaker(16, (random) => drawDarkness(random, 1));
      const expected = makeBatch({ pool, seed: 4, step: 1, batch: 2, maker });
      expect(await source.next()).toEqual(expected);
    } finally {
      await source.close();
    }
  });

  it('refuses to start without a readable photo, or cancelled', async () => {
    const options = { seed: 1, batch: 1, patchPacked: 8 };
    await expect(PatchSource.open({ ...options, files: files.slice(2) })).rejects.toMatchObject({
      code: 'dataset',
    });
    const signal = AbortSignal.abort();
    await expect(PatchSource.open({ ...options, files, signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
