/** Adding frames up: exact, in any order, in the sensor's own colours, and never across clipped lamps. */

import { describe, expect, it } from 'vitest';
import { blockGrid } from '../../main/burst/blocks.ts';
import { sampleTables, scaleOf, Sums, wholeWeight } from '../../main/burst/gather.ts';
import { still, type Pose } from '../../main/burst/pose.ts';
import { siteColours } from '../../main/raw/cfa.ts';
import type { CfaPattern, Mosaic } from '../../main/raw/mosaic.ts';
import { burstOf, lightOf } from './scene.ts';

const [first] = burstOf({ frames: 2 }).frames;
if (first === undefined) throw new Error('expected a frame');
const frame = first.mosaic;

function whole(mosaic: Mosaic): Uint16Array {
  const { columns, rows } = blockGrid(mosaic);
  return new Uint16Array(columns * rows).fill(wholeWeight);
}

function summed(reference: Mosaic, others: readonly (readonly [Mosaic, Pose])[]) {
  const scale = scaleOf(reference);
  const sums = new Sums(reference);
  for (const [mosaic, pose] of [[reference, still] as const, ...others]) {
    sums.add(mosaic, pose, sampleTables(mosaic, 1, scale), whole(mosaic));
  }
  return sums.finish(reference, scale);
}

describe('gathering', () => {
  it('gives the samples of one file for eight copies of it', () => {
    const copies = Array.from({ length: 7 }, () => [frame, still] as const);
    const { mosaic, map } = summed(frame, copies);
    expect(mosaic.samples).toEqual(frame.samples);
    expect([mosaic.blackLevel, mosaic.whiteLevel]).toEqual([frame.blackLevel, frame.whiteLevel]);
    expect(new Set(map.sixteenths)).toEqual(new Set([8 * wholeWeight]));
  });

  it('keeps quarters of a number where means have them', () => {
    const brighter = { ...frame, samples: frame.samples.map((sample) => sample + 1) };
    const { mosaic } = summed(frame, [[brighter, still]]);
    expect(mosaic.whiteLevel).toBe(4 * frame.whiteLevel);
    expect(mosaic.samples[1000]).toBe(4 * frame.samples[1000]! + 2);
  });

  it.each<CfaPattern>(['RGGB', 'BGGR', 'GRBG', 'GBRG'])(
    'takes each colour from its own samples under odd shifts and turns: %s',
    (cfa) => {
      const colours = siteColours(cfa);
      const [width, height] = [64, 48];
      const value = { R: 1000, G: 2000, B: 3000 } as const;
      const samples = Uint16Array.from({ length: width * height }, (_, at) => {
        const site = (Math.floor(at / width) & 1) * 2 + ((at % width) & 1);
        return 512 + value[colours[site]!];
      });
      const flat: Mosaic = { ...frame, width, height, cfa, samples };
      const turned: Pose = [0.9998, -0.0175, 2.6, 0.0175, 0.9998, -1.3, 0, 0, 1];
      const shifted: Pose = [1, 0, 3, 0, 1, -5, 0, 0, 1];
      const { mosaic } = summed(flat, [
        [flat, turned],
        [flat, shifted],
      ]);
      expect(mosaic.samples).toEqual(samples);
    },
  );

  it('takes the reference alone where any frame is clipped', () => {
    const lamp = 40 * frame.width + 60;
    const clipped = { ...frame, samples: frame.samples.map((sample) => sample + 8) };
    clipped.samples[lamp] = frame.whiteLevel;
    const { mosaic, map } = summed(frame, [[clipped, still]]);
    const [own, found] = [lightOf(frame), lightOf(mosaic)];
    expect(found[lamp]).toBeCloseTo(own[lamp]!, 9);
    expect(found[lamp + 2]).toBeGreaterThan(own[lamp + 2]!);
    const block = Math.floor(40 / map.blockSide) * map.columns + Math.floor(60 / map.blockSide);
    expect(map.sixteenths[block]).toBeLessThan(2 * wholeWeight);
    expect(map.sixteenths[block + 5]).toBe(2 * wholeWeight);
  });

  it('counts only the reference where a frame does not reach', () => {
    const { map } = summed(frame, [[frame, [1, 0, 16, 0, 1, 0, 0, 0, 1]]]);
    expect(map.sixteenths[map.columns * 5]).toBe(2 * wholeWeight);
    expect(map.sixteenths[map.columns * 6 - 1]).toBe(wholeWeight);
  });
});
