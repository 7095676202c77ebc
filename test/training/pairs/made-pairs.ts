/** Pairs of exposures made with the simulation: real DNG files, small. */

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { siteColours } from '../../../main/raw/cfa.ts';
import { cfaDng } from '../../../main/raw/dng.ts';
import type { Mosaic } from '../../../main/raw/mosaic.ts';
import type { LinearPhoto } from '../../../main/darkness/linear-photo.ts';
import { Random } from '../../../main/darkness/random.ts';
import {
  longExposureSeconds,
  simulateMosaic,
  type Simulation,
} from '../../../main/darkness/simulate.ts';
import { photoOf } from '../photos/made-photos.ts';

/** A scene full of edges and colours at every scale, another for each seed. */
export function sceneOf(seed: number, [width, height]: readonly [number, number]): LinearPhoto {
  const random = new Random(seed);
  const discs = Array.from({ length: 60 }, () => ({
    x: random.uniform(0, width),
    y: random.uniform(0, height),
    radius: random.logUniform(3, width / 5),
    light: [random.uniform(0.02, 0.8), random.uniform(0.02, 0.8), random.uniform(0.02, 0.8)],
  }));
  return photoOf(`scene-${seed}`, [width, height], (x, y, channel) => {
    const disc = discs.findLast((one) => Math.hypot(one.x - x, one.y - y) < one.radius);
    return disc?.light[channel] ?? 0.1 + (0.2 * x) / width;
  });
}

export interface PairOptions {
  readonly ratio?: number;
  readonly camera?: string;
  readonly iso?: number;
  readonly seed?: number;
}

export interface MadePair {
  readonly short: Mosaic;
  readonly long: Mosaic;
  readonly truth: Simulation['truth'];
}

/** Both exposures of a photo by one simulated camera. */
export function pairOf(photo: LinearPhoto, options: PairOptions = {}): MadePair {
  const { ratio = 100, camera = 'sony-a7s2', iso = 1600, seed = 1 } = options;
  const taken = (exposure: number, noiseSeed: number): Simulation =>
    simulateMosaic(photo, { camera, iso, ratio: exposure, random: new Random(seed, noiseSeed) });
  const short = taken(ratio, 1);
  const long = taken(1, 2);
  return { short: short.mosaic, long: long.mosaic, truth: long.truth };
}

export async function writeRaw(file: string, mosaic: Mosaic): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, Buffer.concat([...cfaDng(mosaic).chunks()]));
}

/** Writes a pair as the paper names it. */
export async function writePair(
  folder: string,
  scene: string,
  pair: Pick<MadePair, 'short' | 'long'>,
): Promise<{ readonly short: string; readonly long: string }> {
  const seconds = (mosaic: Mosaic): number => mosaic.shot.exposureSeconds ?? longExposureSeconds;
  const short = path.join(folder, 'short', `${scene}_00_${seconds(pair.short)}s.dng`);
  const long = path.join(folder, 'long', `${scene}_00_${seconds(pair.long)}s.dng`);
  await writeRaw(short, pair.short);
  await writeRaw(long, pair.long);
  return { short, long };
}

/** A finished picture of linear light (0–1), as 16-bit sRGB. */
export async function writePicture(
  file: string,
  { width, height, samples }: Pick<Simulation['truth'], 'width' | 'height' | 'samples'>,
): Promise<void> {
  const codes = Uint16Array.from(samples, (light) => {
    const x = Math.min(1, Math.max(0, light));
    return 65_535 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
  });
  await mkdir(path.dirname(file), { recursive: true });
  await sharp(codes, { raw: { width, height, channels: 3 } })
    .toColourspace('rgb16')
    .png()
    .toFile(file);
}

/** The mosaic cut down by whole cells from its upper left corner, so that its scene moves. */
export function movedBy(mosaic: Mosaic, columns: number, rows: number, crop: number): Mosaic {
  const [width, height] = [mosaic.width - crop, mosaic.height - crop];
  const samples = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (y + rows) * mosaic.width + columns;
    samples.set(mosaic.samples.subarray(from, from + width), y * width);
  }
  return { ...mosaic, width, height, samples };
}

/** Every sample at its limit. */
export function burntOut(mosaic: Mosaic): Mosaic {
  return { ...mosaic, samples: mosaic.samples.map(() => mosaic.whiteLevel) };
}

/** Light taken off every sample above black, of one channel or all. */
export function dimmed(mosaic: Mosaic, factor: number, channel?: 'R' | 'G' | 'B'): Mosaic {
  const colours = siteColours(mosaic.cfa);
  const samples = mosaic.samples.map((sample, at) => {
    const [y, x] = [Math.floor(at / mosaic.width), at % mosaic.width];
    const site = (y & 1) * 2 + (x & 1);
    if (channel !== undefined && colours[site] !== channel) return sample;
    const black = mosaic.blackLevel[site] ?? 0;
    return Math.round(black + (sample - black) * factor);
  });
  return { ...mosaic, samples };
}
