/** What is measured of a pair: ratio, shift, and whether both show one scene. */

import { describe, expect, it } from 'vitest';
import { measureLikeness } from '../../../main/training/pairs/check/likeness.ts';
import {
  cellsOfMosaic,
  measureRatio,
  measureShift,
} from '../../../main/training/pairs/check/measure.ts';
import { movedBy, pairOf, sceneOf } from './made-pairs.ts';
import { photoOf } from '../photos/made-photos.ts';

describe('the measured ratio', () => {
  const scene = sceneOf(1, [512, 384]);

  it.each([
    { camera: 'sony-a7s2', iso: 1600, ratio: 100, within: 0.02 },
    { camera: 'sony-a7s2', iso: 25_600, ratio: 300, within: 0.06 },
    { camera: 'nikon-d850-bggr', iso: 3200, ratio: 250, within: 0.04 },
  ])('is the exposures’ ($camera ISO $iso ×$ratio)', ({ camera, iso, ratio, within }) => {
    const { short, long } = pairOf(scene, { camera, iso, ratio });
    const measured = measureRatio(cellsOfMosaic(short), cellsOfMosaic(long));
    expect(Math.abs((measured?.ratio ?? 0) / ratio - 1)).toBeLessThan(within);
    // Its own error says so: four standard errors are no lie.
    expect(Math.abs((measured?.ratio ?? 0) / ratio - 1)).toBeLessThan(4 * (measured?.error ?? 0));
  });

  it('is not moved by a wrong black level, burnt-out lamps or something that passed by', () => {
    const { short, long } = pairOf(scene);
    const offset = { ...short, samples: short.samples.map((sample) => sample + 3) };
    const passed = { ...long, samples: long.samples.slice() };
    passed.samples.fill(long.whiteLevel, 0, long.width * 60);
    passed.samples.fill(4000, long.width * 60, long.width * 90);
    const measured = measureRatio(cellsOfMosaic(offset), cellsOfMosaic(passed));
    expect(Math.abs((measured?.ratio ?? 0) / 100 - 1)).toBeLessThan(0.02);
  });

  it.each([-5, 5])('is not moved by a black that is off by %i DN, in a noisy frame', (dn) => {
    const { short, long } = pairOf(sceneOf(3, [256, 192]), { iso: 25_600 });
    const samples = short.samples.map((sample) => Math.max(0, sample + dn));
    const measured = measureRatio(cellsOfMosaic({ ...short, samples }), cellsOfMosaic(long));
    expect(Math.abs((measured?.ratio ?? 0) / 100 - 1)).toBeLessThan(0.05);
  });
});

describe('the measured shift', () => {
  const { short, long } = pairOf(sceneOf(2, [520, 400]), { iso: 6400, ratio: 250 });

  it.each([
    [0, 0],
    [2, 0],
    [0, 4],
    [6, 2],
    [14, 8],
  ])('is %i, %i', (columns, rows) => {
    const still = cellsOfMosaic(movedBy(short, 0, 0, 16));
    // What is cut off at the left and above moves the scene there.
    const moved = cellsOfMosaic(movedBy(long, columns, rows, 16));
    const shift = measureShift(still, moved, 250);
    expect(Math.abs((shift?.x ?? 99) + columns)).toBeLessThan(0.5);
    expect(Math.abs((shift?.y ?? 99) + rows)).toBeLessThan(0.5);
  });

  it('is not known where nothing shows', () => {
    const wall = pairOf(
      photoOf('wall', [256, 256], () => 0.2),
      { iso: 6400 },
    );
    expect(measureShift(cellsOfMosaic(wall.short), cellsOfMosaic(wall.long), 100)).toBeUndefined();
  });
});

describe('the measured likeness', () => {
  const scenes = [1, 2, 3, 5].map((seed) => sceneOf(seed, [512, 384]));
  const longs = scenes.map((scene) => cellsOfMosaic(pairOf(scene).long));

  it.each([
    { iso: 1600, ratio: 100 },
    { iso: 6400, ratio: 250 },
    { iso: 25_600, ratio: 300 },
  ])('tells one scene from another (ISO $iso ×$ratio)', ({ iso, ratio }) => {
    const likenesses = scenes.map((scene) => {
      const short = cellsOfMosaic(pairOf(scene, { iso, ratio }).short);
      return longs.map((long) => measureLikeness(short, long, ratio) ?? 99);
    });
    for (const [short, row] of likenesses.entries()) {
      for (const [long, likeness] of row.entries()) {
        if (short === long) expect(likeness).toBeGreaterThan(0.85);
        else expect(likeness).toBeLessThan(0.6);
      }
    }
  });

  it('is not moved by a trail of light', () => {
    const { short, long } = pairOf(scenes[0]!, { iso: 6400, ratio: 250 });
    const passed = { ...long, samples: long.samples.slice() };
    passed.samples.fill(12_000, long.width * 200, long.width * 220);
    const likeness = measureLikeness(cellsOfMosaic(short), cellsOfMosaic(passed), 250);
    expect(likeness).toBeGreaterThan(0.75);
  });

  it('is not known of walls, or where the short exposure is all noise', () => {
    const wall = pairOf(
      photoOf('wall', [256, 256], () => 0.2),
      { iso: 6400 },
    );
    expect(
      measureLikeness(cellsOfMosaic(wall.short), cellsOfMosaic(wall.long), 100),
    ).toBeUndefined();
    const darkest = pairOf(scenes[0]!, { iso: 25_600, ratio: 1000 });
    expect(measureLikeness(cellsOfMosaic(darkest.short), longs[0]!, 1000)).toBeUndefined();
  });
});
