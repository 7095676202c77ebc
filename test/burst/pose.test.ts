/** Where frames lie, found from dark noisy samples alone and held against how they were made. */

import { describe, expect, it } from 'vitest';
import type { BurstOptions, SimulatedBurst } from '../../main/darkness/burst.ts';
import { heldAt } from '../../main/darkness/burst.ts';
import { placed, type Pose } from '../../main/burst/pose.ts';
import { boxes, burstOf, merged, size } from './scene.ts';

/** Root mean square over the frame of how far a pose is off, pixels. */
function errorOf({ frames }: SimulatedBurst, index: number, pose: Pose): number {
  const { mosaic, pose: held } = frames[index]!;
  let [sum, count] = [0, 0];
  for (let y = -mosaic.height / 2; y < mosaic.height / 2; y += 8) {
    for (let x = -mosaic.width / 2; x < mosaic.width / 2; x += 8) {
      const [foundX, foundY] = placed(pose, x, y);
      const [trueX, trueY] = heldAt(held, x, y);
      sum += (foundX - trueX) ** 2 + (foundY - trueY) ** 2;
      count += 1;
    }
  }
  return Math.sqrt(sum / count);
}

async function errorsOf(options: Partial<BurstOptions>): Promise<number[]> {
  const burst = burstOf(options);
  const { frames } = await merged(
    burst.frames.map(({ mosaic }) => mosaic),
    { reference: 0, motion: 'blur' },
  );
  return frames.flatMap((frame, index) =>
    frame.kind === 'merged' ? [errorOf(burst, index, frame.pose)] : [],
  );
}

describe('poses', () => {
  it('at ISO 6400 ×100 are found to 0.15 pixels', async () => {
    const errors = await errorsOf({});
    expect(errors).toHaveLength(3);
    expect(Math.max(...errors)).toBeLessThan(0.15);
  });

  it('at ISO 25600 ×300, with half an electron a pixel, to 1.1 pixels', async () => {
    const errors = await errorsOf({ iso: 25_600, ratio: 300 });
    expect(errors).toHaveLength(3);
    expect(Math.max(...errors)).toBeLessThan(1.1);
  });

  it('are found of frames turned by up to 2° and shifted by up to 5 %', async () => {
    const errors = await errorsOf({ turnMax: 2, shiftMax: 15, seed: 8 });
    expect(errors).toHaveLength(3);
    expect(Math.max(...errors)).toBeLessThan(0.15);
  });

  it('and gains are found where lamps flicker by 40 %', async () => {
    const burst = burstOf({ flicker: 0.4 }, boxes(size.width, size.height, 4));
    const { frames } = await merged(
      // Their files do not know that the light differed.
      burst.frames.map(({ mosaic }) => ({
        ...mosaic,
        shot: { ...mosaic.shot, exposureSeconds: 0.1 },
      })),
      { reference: 0 },
    );
    for (const [index, frame] of frames.entries()) {
      if (frame.kind === 'left-out') throw new Error(`${frame.name} ${frame.reason}`);
      expect(Math.abs(frame.gain * burst.frames[index]!.pose.light - 1)).toBeLessThan(0.06);
    }
  });
});
