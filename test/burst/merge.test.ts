/** A burst as a whole: less noise, no ghosts, and no frame that does not belong. */

import { describe, expect, it } from 'vitest';
import type { SimulatedBurst } from '../../main/darkness/burst.ts';
import type { FrameOutcome } from '../../main/burst/merge.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { blockGrid } from '../../main/burst/blocks.ts';
import { sampleTables, scaleOf, Sums, wholeWeight } from '../../main/burst/gather.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { boxes, burstOf, cleanOf, errorOf, merged, size } from './scene.ts';

const mosaicsOf = ({ frames }: SimulatedBurst): Mosaic[] => frames.map(({ mosaic }) => mosaic);
const leftOut = (frames: readonly FrameOutcome[]): string[] =>
  frames.flatMap((frame) => (frame.kind === 'left-out' ? [`${frame.name} ${frame.code}`] : []));

/** The mean of all frames in their poses, of the samples as they are, moving or not. The first is the reference. */
function plainMean(mosaics: readonly Mosaic[], frames: readonly FrameOutcome[]): Mosaic {
  const [reference] = mosaics;
  if (reference === undefined) throw new Error('expected a frame');
  const scale = scaleOf(reference);
  const sums = new Sums(reference);
  const { columns, rows } = blockGrid(reference);
  const weights = new Uint16Array(columns * rows).fill(wholeWeight);
  for (const [index, frame] of frames.entries()) {
    if (frame.kind === 'left-out') throw new Error(`${frame.name} ${frame.reason}`);
    const mosaic = mosaics[index]!;
    sums.add(mosaic, frame.pose, sampleTables(mosaic, frame.gain, scale), weights);
  }
  return sums.finish(reference, scale).mosaic;
}

describe('a handheld burst', () => {
  it('has a third of the noise where eight frames show it, and says so', async () => {
    const burst = burstOf({ frames: 8 });
    const clean = cleanOf(burst, 100);
    const { mosaic, frames } = await merged(mosaicsOf(burst), { reference: 0 });
    expect(leftOut(frames)).toEqual([]);
    const { width, height } = mosaic;
    const isFlat = (x: number, y: number): boolean => {
      if (x < 30 || y < 30 || x >= width - 30 || y >= height - 30) return false;
      const own = clean[y * width + x]!;
      return [-4, -2, 2, 4].every(
        (step) => clean[y * width + x + step] === own && clean[(y + step) * width + x] === own,
      );
    };
    const before = errorOf(burst.frames[0]!.mosaic, clean, isFlat);
    expect(errorOf(mosaic, clean, isFlat)).toBeLessThan(0.42 * before);
    const { merged: from, noiseProfile } = mosaic;
    expect(from?.frames).toHaveLength(8);
    expect(from?.exposureSeconds).toBeCloseTo(0.8, 6);
    expect(noiseProfile?.slope).toBeLessThan(1.3 * (6.12 / (16_383 - 512) / 8));
    // At the edges fewer frames stand behind it.
    const { sixteenths } = from!.map;
    expect(Math.min(...sixteenths)).toBeLessThan(8 * 16);
  });

  it('gives the same whatever order its frames come in', async () => {
    const mosaics = mosaicsOf(burstOf({ frames: 3, hasWalker: true, flicker: 0.1 })).map(
      (mosaic) => ({
        ...mosaic,
        shot: { ...mosaic.shot, exposureSeconds: 0.1 },
      }),
    );
    const one = await merged(mosaics);
    const other = await merged(mosaics.toReversed());
    expect(other.mosaic.samples).toEqual(one.mosaic.samples);
    expect(other.mosaic.merged?.map).toEqual(one.mosaic.merged?.map);
  });

  it('keeps whoever walks through as in the reference', async () => {
    const burst = burstOf({ hasWalker: true, frames: 4, iso: 1600 });
    const mosaics = mosaicsOf(burst);
    const walkers = burst.frames.map(({ walker }) => walker!);
    const near = (x: number, y: number): boolean =>
      walkers.some((w) => Math.hypot((x - w.x) / w.radiusX, (y - w.y) / w.radiusY) < 1);
    const clean = cleanOf(burst, 100);
    const frozen = await merged(mosaics, { reference: 0 });
    const { frames } = await merged(mosaics, { reference: 0, motion: 'blur' });
    const averaged = plainMean(mosaics, frames);
    const alone = errorOf(mosaics[0]!, clean, near);
    expect(errorOf(frozen.mosaic, clean, near)).toBeLessThan(1.02 * alone);
    expect(errorOf(frozen.mosaic, clean, near)).toBeLessThan(0.9 * errorOf(averaged, clean, near));
    expect(frozen.movingShare).toBeGreaterThan(0.02);
    expect(frozen.movingShare).toBeLessThan(0.3);
  });

  it('finds nothing moving in a scene that stands still', async () => {
    expect((await merged(mosaicsOf(burstOf()))).movingShare).toBeLessThan(0.02);
  });
});

describe('frames that do not belong', () => {
  it('are left out by name: foreign, black, blurred, of another setting, copied', async () => {
    const burst = mosaicsOf(burstOf({ frames: 5 }));
    const [foreign] = mosaicsOf(burstOf({ frames: 2 }, boxes(size.width, size.height, 9)));
    const shaken = burstOf({ frames: 8, shiftMax: 2, shakeMax: 18, seed: 12 }).frames;
    const length = ({ pose }: (typeof shaken)[number]): number =>
      Math.hypot(pose.shakeX, pose.shakeY);
    const blurred = shaken.toSorted((a, b) => length(b) - length(a))[0]!.mosaic;
    const black = { ...burst[0]!, samples: burst[0]!.samples.map((_, at) => 510 + (at % 5)) };
    const other = { ...burst[1]!, shot: { ...burst[1]!.shot, iso: 3200 } };
    const given = [...burst, foreign!, black, other, blurred, burst[2]!];
    const { frames, mosaic } = await merged(given);
    expect(leftOut(frames)).toContain('IMG_6.dng scene');
    expect(leftOut(frames)).toContain('IMG_7.dng black');
    expect(leftOut(frames)).toContain('IMG_8.dng setting');
    expect(leftOut(frames)).toContain('IMG_9.dng blurred');
    expect(leftOut(frames)).toHaveLength(5);
    const alone = await merged(burst);
    expect(mosaic.samples).toEqual(alone.mosaic.samples);
  });

  it('are refused together, each with its reason, if no two go together', async () => {
    const scenes = [1, 2, 3].map((seed) => {
      const [frame] = mosaicsOf(
        burstOf({ frames: 2, seed }, boxes(size.width, size.height, 20 + seed)),
      );
      return frame!;
    });
    const refusal = await merged(scenes).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(String(refusal)).toMatch(
      /no two go together: .*IMG_\d\.dng does not show the scene of IMG_\d\.dng/,
    );
  });

  it('do not include copies of a single file, which make that file', async () => {
    const [frame] = mosaicsOf(burstOf({ frames: 2 }));
    const { mosaic } = await merged(Array.from({ length: 8 }, () => frame!));
    expect(mosaic.samples).toEqual(frame!.samples);
  });
});

it('stops between two frames when it is cancelled', async () => {
  const controller = new AbortController();
  const running = merged(mosaicsOf(burstOf({ frames: 2 })), {
    signal: controller.signal,
    onProgress: ({ stage }) => {
      if (stage === 'place') controller.abort();
    },
  });
  await expect(running).rejects.toThrow(/cancelled/);
});

it('brings samples that lie beside their place nearer to the truth', async () => {
  const burst = burstOf({ frames: 8, iso: 1600, ratio: 30 });
  const mosaics = mosaicsOf(burst);
  const clean = cleanOf(burst, 30);
  const { mosaic, frames } = await merged(mosaics, { reference: 0, motion: 'blur' });
  const plain = plainMean(mosaics, frames);
  const inside = (x: number, y: number): boolean =>
    x > 30 && y > 30 && x < plain.width - 30 && y < plain.height - 30;
  const before = errorOf(plain, clean, inside);
  const after = errorOf(mosaic, clean, inside);
  expect(after).toBeLessThan(0.7 * before);
});
