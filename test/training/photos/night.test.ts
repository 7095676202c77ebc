/** Stars, lamps and sensors' faults: what they add to patches and to simulated frames, in figures. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulatedCameras } from '../../../main/darkness/cameras.ts';
import {
  addLamps,
  addStars,
  drawLamps,
  drawStars,
  fluxOfSnr,
  starColour,
} from '../../../main/darkness/night-scene.ts';
import { Random } from '../../../main/darkness/random.ts';
import { srgbToBalancedCamera } from '../../../main/darkness/scene.ts';
import { simulateMosaic, type NightOptions } from '../../../main/darkness/simulate.ts';
import {
  drawNight,
  nightNames,
  nightNoise,
  noNight,
  type NightShares,
} from '../../../main/training/photos/night.ts';
import { drawDarkness } from '../../../main/darkness/drawn-darkness.ts';
import { makeBatch, PatchMaker, poolOf } from '../../../main/training/photos/patches.ts';
import { PatchSource } from '../../../main/training/photos/patch-source.ts';
import type { Mosaic } from '../../../main/raw/mosaic.ts';
import { photoOf, writePhotos } from './made-photos.ts';
import { eventsOf, nightglass } from '../nightglass.ts';

const toCamera = srgbToBalancedCamera(simulatedCameras[0]!.xyzToCamera);
const sceneOf = (side: number) => ({
  width: side,
  height: side,
  samples: new Float32Array(side * side * 3),
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

describe('stars', () => {
  it('keep their light in a spot of the width asked for', () => {
    const scene = sceneOf(65);
    const flux = [3, 2, 1] as const;
    addStars(scene, [{ x: 32.3, y: 31.8, fwhmPixels: 4, flux, snr: 10 }]);
    for (const c of [0, 1, 2]) {
      const sum = scene.samples.reduce((all, value, at) => (at % 3 === c ? all + value : all), 0);
      expect(sum).toBeCloseTo(flux[c]!, 4);
    }
    const row = Array.from({ length: 65 }, (_, x) => scene.samples[(32 * 65 + x) * 3]!);
    const half = Math.max(...row) / 2;
    // Half of the height lies between two pixels on each side, and pixels widen the spot by a little.
    expect(row.filter((value) => value > half).length).toBe(4);
  });

  it('of SNR 1 are found by a matched filter with an SNR of 1', () => {
    const sigma = 0.04;
    const scene = sceneOf(33);
    const green = fluxOfSnr(sigma, 3);
    addStars(scene, [{ x: 16, y: 16, fwhmPixels: 3, flux: [green, green, green], snr: 1 }]);
    const squares = scene.samples.reduce(
      (sum, value, at) => sum + (at % 3 === 1 ? value ** 2 : 0),
      0,
    );
    // Summing over pixels in place of the integral costs some per cent.
    expect(Math.sqrt(squares) / sigma).toBeGreaterThan(0.94);
    expect(Math.sqrt(squares) / sigma).toBeLessThan(1.02);
  });

  it('are as many, as bright and as coloured as asked', () => {
    const field = {
      perMegapixel: 20_000,
      fwhmPixels: 2,
      snr: [3, 300],
      steepness: 1,
      fluxAtSnrOne: 0.1,
      toCamera,
    } as const;
    const stars = drawStars(sceneOf(512), field, new Random(5));
    expect(stars.length / (0.02 * 512 ** 2)).toBeGreaterThan(0.95);
    expect(stars.length / (0.02 * 512 ** 2)).toBeLessThan(1.05);
    const snrs = stars.map(({ snr }) => snr);
    expect(Math.min(...snrs)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...snrs)).toBeLessThanOrEqual(300);
    // Of a law of SNR^−1 from 3 to 300, (1/30 − 1/300) / (1/3 − 1/300) = 9.1 % lie above 30.
    const bright = snrs.filter((snr) => snr > 30).length / snrs.length;
    expect(Math.abs(bright - 0.0909)).toBeLessThan(0.012);
    for (const { flux, snr } of stars) expect(flux[1]).toBeCloseTo(snr * 0.1, 6);
    // A hot star is blue, a cool one orange, and daylight's colour next to white.
    const [hot, white, cool] = [25_000, 6500, 2500].map((kelvin) => starColour(kelvin, toCamera));
    expect(hot![2]).toBeGreaterThan(1.3);
    expect(cool![0]).toBeGreaterThan(1.5);
    expect(cool![2]).toBeLessThan(0.5);
    for (const value of white!) expect(Math.abs(value - 1)).toBeLessThan(0.06);
  });
});

describe('lamps', () => {
  it('are 1 to 30 times white in their brightest colour, in as many pixels as their disc has', () => {
    const scene = sceneOf(128);
    const lamps = drawLamps(scene, 200, new Random(3));
    expect(lamps).toHaveLength(200);
    for (const { light } of lamps) {
      expect(Math.max(...light)).toBeGreaterThan(0.3);
      expect(Math.max(...light)).toBeLessThanOrEqual(30);
    }
    // Some are as pure as no sRGB photo is.
    expect(lamps.some(({ light }) => Math.min(...light) < 0.04 * Math.max(...light))).toBe(true);
    const light = [6, 3, 0.2] as const;
    addLamps(scene, [{ x: 60, y: 60, radiusPixels: 8, light }]);
    const sum = scene.samples.reduce((all, value, at) => (at % 3 === 0 ? all + value : all), 0);
    expect(Math.abs(sum / (6 * Math.PI * 64) - 1)).toBeLessThan(0.02);
    const glowing = sceneOf(128);
    const glow = { share: 0.02, radiusPixels: 10 };
    addLamps(glowing, [{ x: 60, y: 60, radiusPixels: 8, light, glow }]);
    expect(glowing.samples[(60 * 128 + 75) * 3]).toBeGreaterThan(0.01);
    expect(scene.samples[(60 * 128 + 75) * 3]).toBe(0);
  });
});

describe('the night of a patch', () => {
  it('has each thing as often as asked, and costs no die where nothing is', () => {
    const shares: NightShares = { ...noNight, hotPixels: 0.35, stars: 0.1, banding: 1 };
    const random = new Random(1);
    const drawn = Array.from({ length: 4000 }, () => drawNight(shares, random));
    for (const name of nightNames) {
      const share = drawn.filter((night) => night[name]).length / drawn.length;
      expect(Math.abs(share - shares[name])).toBeLessThan(0.025);
    }
    const [untouched, asked] = [new Random(9), new Random(9)];
    drawNight(noNight, asked);
    expect(asked.uint32()).toBe(untouched.uint32());
  });

  const photo = photoOf('grey', [64, 64], () => 0.2);
  const [pool, patchPacked] = [poolOf([photo]), 16];
  const batchOf = (night: NightShares, step = 1, darkness = drawDarkness) =>
    makeBatch({
      pool,
      seed: 4,
      step,
      batch: 8,
      maker: new PatchMaker(patchPacked, (random) => darkness(random), night),
    });

  it('leaves patches as they were, bit for bit, where there is none', () => {
    const maker = new PatchMaker(patchPacked);
    const before = makeBatch({ pool, seed: 4, step: 1, batch: 8, maker });
    expect(batchOf(noNight)).toEqual(before);
    expect(before.isNight).toEqual(Array.from({ length: 8 }, () => false));
  });

  it.each([
    'hotPixels',
    'banding',
    'columnBanding',
    'clipBlack',
    'blackOffset',
    'ampGlow',
  ] as const)('puts %s into the input and not into the target', (name) => {
    const plain = batchOf(noNight);
    const spoilt = batchOf({ ...noNight, [name]: 1 });
    expect(spoilt.target).toEqual(plain.target);
    expect(spoilt.input).not.toEqual(plain.input);
    expect(spoilt.isNight).not.toContain(false);
  });

  it.each(['stars', 'lamps'] as const)('puts %s into both', (name) => {
    const plain = batchOf(noNight);
    const shining = batchOf({ ...noNight, [name]: 1 });
    expect(shining.target).not.toEqual(plain.target);
    // At the target's brightest spots the input is bright as well.
    const most = shining.target.indexOf(Math.max(...shining.target));
    const area = patchPacked ** 2;
    const [patch, cell] = [Math.floor(most / (12 * area)), most % area];
    const sites = [0, 1, 2, 3].map((site) => shining.input[(patch * 4 + site) * area + cell]!);
    expect(Math.max(...sites)).toBeGreaterThan(0.5);
  });

  it('bands rows by up to σ 10 DN and puts black up to 5 DN off', () => {
    const random = new Random(2);
    const night = { ...drawNight(noNight, random), banding: true, blackOffset: true };
    const noises = Array.from({ length: 500 }, () => {
      const { parameters } = drawDarkness(random);
      const { rowSigmaDn, blackErrorDn, whiteLevel } = nightNoise(parameters, night, random);
      const dn = (whiteLevel - parameters.blackLevel[0]) / 15_871;
      return {
        extra: Math.sqrt(rowSigmaDn ** 2 - parameters.rowSigmaDn ** 2) / dn,
        black: blackErrorDn / dn,
      };
    });
    const extras = noises.map(({ extra }) => extra);
    expect(Math.max(...extras)).toBeLessThanOrEqual(10.001);
    expect(Math.max(...extras)).toBeGreaterThan(8);
    const blacks = noises.map(({ black }) => Math.abs(black));
    expect(Math.max(...blacks)).toBeLessThanOrEqual(5);
    expect(Math.abs(mean(blacks) - 2.5)).toBeLessThan(0.3);
  });

  it('comes through the threads the same', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-night-'));
    await writePhotos(folder, 1, 64);
    const night = { ...noNight, hotPixels: 0.5, stars: 0.5 };
    const options = {
      files: [path.join(folder, 'made-0.png')],
      seed: 3,
      batch: 4,
      patchPacked: 16,
      night,
    };
    const sources = [await PatchSource.open(options), await PatchSource.open(options)];
    try {
      const batches = await Promise.all(sources.map((source) => source.next()));
      expect(batches[0]).toEqual(batches[1]);
      expect(batches[0]!.isNight).toHaveLength(4);
      expect(batches[0]!.isNight).toContain(true);
    } finally {
      await Promise.all(sources.map((source) => source.close()));
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a simulated night', () => {
  const photo = photoOf('dusk', [256, 256], () => 0.05);
  const simulated = (night: NightOptions, seed = 1) =>
    simulateMosaic(photo, {
      camera: 'sony-a7s2',
      iso: 6400,
      ratio: 100,
      random: new Random(seed),
      night,
    });
  const plain = simulated({});
  /** What a night changed at each pixel, DN. */
  const changes = (mosaic: Mosaic): number[] =>
    Array.from(mosaic.samples, (value, at) => value - plain.mosaic.samples[at]!);

  it('is the same for the same seed, and no other where nothing is asked for', () => {
    const all = { hotPixels: 1e-3, stars: 500, lamps: 3, bandingDn: 4, columnBandingDn: 2 };
    expect(simulated(all).mosaic.samples).toEqual(simulated(all).mosaic.samples);
    expect(simulated(all).mosaic.samples).not.toEqual(simulated(all, 2).mosaic.samples);
    const { mosaic } = simulateMosaic(photo, {
      camera: 'sony-a7s2',
      iso: 6400,
      ratio: 100,
      random: new Random(1),
    });
    expect(mosaic.samples).toEqual(plain.mosaic.samples);
  });

  it('has as many hot pixels as asked, log-uniform to saturation, and they are no part of the truth', () => {
    const { mosaic, truth, night } = simulated({ hotPixels: 0.002 });
    expect(truth.samples).toEqual(plain.truth.samples);
    const expected = 0.002 * 256 ** 2;
    expect(Math.abs(night.hotPixels.length - expected)).toBeLessThan(4 * Math.sqrt(expected));
    const changed = changes(mosaic).filter((change) => change !== 0);
    // A quarter as many are dead; two may fall on one pixel.
    expect(Math.abs(changed.length - 1.25 * expected)).toBeLessThan(4 * Math.sqrt(1.25 * expected));
    for (const { x, y, excessDn } of night.hotPixels) {
      expect(mosaic.samples[y * 256 + x]).toBeGreaterThanOrEqual(
        Math.min(16_383, plain.mosaic.samples[y * 256 + x]! + excessDn),
      );
    }
    const logs = night.hotPixels.map(({ excessDn }) => Math.log10(excessDn / 15_871));
    // Uniform from −3 to 0.
    expect(Math.abs(mean(logs) + 1.5)).toBeLessThan(0.3);
    expect(Math.abs(deviation(logs) - 3 / Math.sqrt(12))).toBeLessThan(0.15);
  });

  it('has rows and columns that differ by the σ asked for', () => {
    const side = 256;
    const means = (samples: Uint16Array, isRow: boolean): number[] =>
      Array.from({ length: side }, (_, line) =>
        mean(
          Array.from(
            { length: side },
            (_, k) => samples[isRow ? line * side + k : k * side + line]!,
          ),
        ),
      );
    const rows = simulated({ bandingDn: 10 }).mosaic.samples;
    expect(Math.abs(deviation(means(rows, true)) - 10)).toBeLessThan(2);
    expect(deviation(means(rows, false))).toBeLessThan(3);
    const columns = simulated({ columnBandingDn: 10 }).mosaic.samples;
    expect(Math.abs(deviation(means(columns, false)) - 10)).toBeLessThan(2);
    expect(deviation(means(columns, true))).toBeLessThan(3);
  });

  it('cuts black off, puts it off, and glows in a corner', () => {
    const clipped = simulated({ clipsBlack: true }).mosaic.samples;
    expect(Math.min(...clipped)).toBe(512);
    expect(Math.min(...plain.mosaic.samples)).toBeLessThan(500);
    const off = simulated({ blackOffsetDn: 3 }).mosaic;
    expect(off.blackLevel).toEqual(plain.mosaic.blackLevel);
    expect(mean(changes(off))).toBeCloseTo(3, 5);
    const glowing = simulated({ ampGlowDn: 400 });
    expect(glowing.truth.samples).toEqual(plain.truth.samples);
    const corner = changes(glowing.mosaic).filter((_, at) => at % 256 > 248 && at > 248 * 256);
    expect(mean(corner)).toBeGreaterThan(330);
    expect(mean(changes(glowing.mosaic).slice(0, 8 * 256))).toBeLessThan(20);
  });

  it('shows its stars and lamps in the truth, where it says they are', () => {
    const { truth, night } = simulated({ stars: 300, starFwhm: 2, lamps: 2 });
    expect(night.lamps).toHaveLength(2);
    const bright = night.stars.filter(
      ({ x, y, snr }) => snr > 20 && Math.min(x, y, 255 - x, 255 - y) > 2,
    );
    expect(bright.length).toBeGreaterThan(0);
    for (const { x, y, flux } of bright) {
      const at = (Math.round(y) * 256 + Math.round(x)) * 3 + 1;
      const added = truth.samples[at]! - plain.truth.samples[at]!;
      // A pixel in the middle of a spot 2 wide holds 0.13 to 0.2 of it.
      expect(added).toBeGreaterThan(0.12 * flux[1]);
    }
  });
});

describe('nightglass simulate', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'nightglass-simulated-night-'));
    await writePhotos(folder, 1, 64);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('takes the whole night and says what it put there', async () => {
    const run = await nightglass([
      'simulate', path.join(folder, 'made-0.png'), '--ratio', '50', '--camera', 'sony-a7s2', '--iso', '6400',
      '--out', path.join(folder, 'night.dng'), '--hot-pixels', '0.01', '--stars', '2000', '--star-fwhm', '2',
      '--lamps', '2', '--banding', '5', '--column-banding', '3', '--clip-black', '--black-offset', '-2',
      '--amp-glow', '50', '--json',
    ]); // prettier-ignore
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const [result] = eventsOf(run.stdout);
    expect(result).toMatchObject({
      night: { lamps: 2 },
      darkness: { blackErrorDn: -2, columnSigmaDn: 3 },
    });
  });
});
