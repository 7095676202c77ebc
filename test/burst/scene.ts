/** A made-up night scene for bursts: boxes of all sizes and colours, lit and unlit. */

import {
  simulateBurst,
  type BurstOptions,
  type SimulatedBurst,
} from '../../main/darkness/burst.ts';
import { codeOfLight, type LinearPhoto } from '../../main/darkness/linear-photo.ts';
import { Random } from '../../main/darkness/random.ts';
import { mergeBurst, type BurstFrame, type MergeOptions } from '../../main/burst/merge.ts';
import { siteColours } from '../../main/raw/cfa.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';

/** @param seed another one is another scene */
export function boxes(width: number, height: number, seed = 1): LinearPhoto {
  const random = new Random(0x626f_7865, seed);
  const codes = new Uint16Array(width * height * 3).fill(codeOfLight(0.12));
  for (let box = 0; box < 220; box++) {
    const size = random.logUniform(4, 70);
    const left = Math.floor(random.uniform(-10, width));
    const top = Math.floor(random.uniform(-10, height));
    const right = Math.min(width, left + Math.ceil(size * random.uniform(0.5, 2)));
    const bottom = Math.min(height, top + Math.ceil(size));
    const light = random.logUniform(0.03, 0.8);
    const colour = [0, 1, 2].map(() => codeOfLight(light * random.uniform(0.6, 1.4)));
    for (let y = Math.max(0, top); y < bottom; y++) {
      for (let x = Math.max(0, left); x < right; x++) {
        colour.forEach((code, c) => (codes[(y * width + x) * 3 + c] = code));
      }
    }
  }
  return { name: `boxes ${seed}`, width, height, codes, space: 'srgb' };
}

export const size = { width: 360, height: 300 } as const;

export function burstOf(
  options: Partial<BurstOptions> = {},
  photo = boxes(size.width, size.height),
) {
  return simulateBurst(photo, {
    camera: 'sony-a7s2',
    iso: 6400,
    ratio: 100,
    frames: 4,
    seed: 3,
    ...options,
  });
}

function frameOf(mosaic: Mosaic, name: string): BurstFrame {
  return { name, load: () => Promise.resolve(mosaic) };
}

export function merged(mosaics: readonly Mosaic[], options: Partial<MergeOptions> = {}) {
  const frames = mosaics.map((mosaic, index) => frameOf(mosaic, `IMG_${index + 1}.dng`));
  return mergeBurst(frames, { reference: 'auto', motion: 'freeze', ...options });
}

/** Normalised samples of a mosaic without black. */
export function lightOf({ samples, blackLevel, whiteLevel, width }: Mosaic): Float64Array {
  return Float64Array.from(samples, (sample, at) => {
    const black = blackLevel[(Math.floor(at / width) & 1) * 2 + ((at % width) & 1)]!;
    return (sample - black) / (whiteLevel - black);
  });
}

/** What the first frame would be without noise, in normalised samples. */
export function cleanOf({ frames, truth }: SimulatedBurst, ratio: number): Float64Array {
  const mosaic = frames[0]!.mosaic;
  const colours = siteColours(mosaic.cfa);
  const gains = mosaic.colour.asShotGains;
  return Float64Array.from(mosaic.samples, (_, at) => {
    const site = (Math.floor(at / mosaic.width) & 1) * 2 + ((at % mosaic.width) & 1);
    const channel = 'RGB'.indexOf(colours[site]!);
    return truth.samples[at * 3 + channel]! / (gains[channel]! * ratio);
  });
}

/** Root of the mean square of a mosaic's error, in the pixels that count. */
export function errorOf(
  mosaic: Mosaic,
  clean: Float64Array,
  counts: (x: number, y: number) => boolean,
): number {
  const light = lightOf(mosaic);
  let [sum, count] = [0, 0];
  for (let at = 0; at < light.length; at++) {
    if (!counts(at % mosaic.width, Math.floor(at / mosaic.width))) continue;
    sum += (light[at]! - clean[at]!) ** 2;
    count += 1;
  }
  return Math.sqrt(sum / count);
}
