/** A burst as a whole: less noise, no ghosts, and no frame that does not belong. */

import { describe, expect, it } from 'vitest';
import type { SimulatedBurst } from '../../main/darkness/burst.ts';
import type { FrameOutcome } from '../../main/burst/merge.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { boxes, burstOf, differenceOf, merged, size } from './scene.ts';

const still = { turnMax: 0, shiftMax: 0.001 } as const;
const mosaicsOf = ({ frames }: SimulatedBurst): Mosaic[] => frames.map(({ mosaic }) => mosaic);
const leftOut = (frames: readonly FrameOutcome[]): string[] =>
  frames.flatMap((frame) => (frame.kind === 'left-out' ? [`${frame.name} ${frame.code}`] : []));

/** What the first frame would be without noise, nearly: the mean of many from a tripod. */
async function cleanOf(photo = boxes(size.width, size.height)): Promise<Mosaic> {
  const many = burstOf({ ...still, frames: 40, seed: 77, iso: 200, ratio: 100 }, photo);
  return (await merged(mosaicsOf(many), { reference: 0, motion: 'blur' })).mosaic;
}

describe('a handheld burst', () => {
  it('has a third of the noise with eight frames, and says so', async () => {
    const burst = burstOf({ frames: 8 });
    const clean = await cleanOf();
    const { mosaic, frames } = await merged(mosaicsOf(burst), { reference: 0 });
    expect(leftOut(frames)).toEqual([]);
    const inside = (x: number, y: number): boolean =>
      x > 30 && y > 30 && x < mosaic.width - 30 && y < mosaic.height - 30;
    const before = differenceOf(burst.frames[0]!.mosaic, clean, inside);
    expect(differenceOf(mosaic, clean, inside)).toBeLessThan(0.5 * before);
    const { merged: from, noiseProfile } = mosaic;
    expect(from?.frames).toHaveLength(8);
    expect(from?.exposureSeconds).toBeCloseTo(0.8, 6);
    expect(noiseProfile?.slope).toBeLessThan(1.3 * (6.12 / (16_383 - 512) / 8));
    // At the edges fewer frames stand behind it.
    const { sixteenths } = from!.map;
    expect(Math.min(...sixteenths)).toBeLessThan(8 * 16);
  });

  it('gives the same whatever order its frames come in', async () => {
    const mosaics = mosaicsOf(burstOf({ hasWalker: true, flicker: 0.1 })).map((mosaic) => ({
      ...mosaic,
      shot: { ...mosaic.shot, exposureSeconds: 0.1 },
    }));
    const one = await merged(mosaics);
    const other = await merged(mosaics.toReversed());
    expect(other.mosaic.samples).toEqual(one.mosaic.samples);
    expect(other.mosaic.merged?.map).toEqual(one.mosaic.merged?.map);
  });

  it('keeps whoever walks through as in the reference', async () => {
    const burst = burstOf({ hasWalker: true, frames: 4 });
    const mosaics = mosaicsOf(burst);
    const walkers = burst.frames.map(({ walker }) => walker!);
    const near = (x: number, y: number): boolean =>
      walkers.some((w) => Math.hypot((x - w.x) / w.radiusX, (y - w.y) / w.radiusY) < 1);
    // The same frames, were everything in them to stand still, tell what noise alone would do.
    const frozen = await merged(mosaics, { reference: 0 });
    const ghost = await merged(mosaics, { reference: 0, motion: 'blur' });
    const own = burst.frames[0]!.mosaic;
    const noise = Math.sqrt((6.12 * 30 + 7.1 ** 2) / (16_383 - 512) ** 2);
    expect(differenceOf(ghost.mosaic, own, near)).toBeGreaterThan(1.5 * noise);
    expect(differenceOf(frozen.mosaic, own, near)).toBeLessThan(1.1 * noise);
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
    const blurred = mosaicsOf(burstOf({ frames: 3, shakeMax: 30, seed: 12 })).slice(1);
    const black = { ...burst[0]!, samples: burst[0]!.samples.map((_, at) => 510 + (at % 5)) };
    const other = { ...burst[1]!, shot: { ...burst[1]!.shot, iso: 3200 } };
    const given = [...burst, foreign!, black, other, blurred[0]!, burst[2]!];
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
      const [frame] = mosaicsOf(burstOf({ frames: 2, seed }, boxes(size.width, size.height, 20 + seed)));
      return frame!;
    });
    const refusal = await merged(scenes).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(String(refusal)).toMatch(/no two go together: .*IMG_\d\.dng does not show the scene of IMG_\d\.dng/);
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
