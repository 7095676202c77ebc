/** Which photos of a folder are bursts: by time, setting and number, and never by time alone. */

import { describe, expect, it } from 'vitest';
import { findBursts, type SeenPhoto } from '../../main/burst/find.ts';
import type { Shot } from '../../main/raw/mosaic.ts';

function photo(name: string, second: number, shot: Partial<Shot> = {}): SeenPhoto {
  const takenAt = new Date(Date.UTC(2026, 0, 1, 20, 0, second)).toISOString().slice(0, 19);
  const usual = { make: 'Canon', model: 'R6', iso: 6400, exposureSeconds: 0.1, takenAt };
  return {
    path: `/night/${name}`,
    summary: { width: 6000, height: 4000, cfa: 'RGGB', shot: { ...usual, ...shot } },
  };
}

const namesOf = (bursts: readonly (readonly SeenPhoto[])[]): string[][] =>
  bursts.map((burst) => burst.map(({ path }) => path.slice('/night/'.length)));

describe('findBursts', () => {
  it('puts frames together that follow each other, whatever order they come in', () => {
    const frames = [photo('IMG_3.CR3', 1), photo('IMG_1.CR3', 0), photo('IMG_2.CR3', 0)];
    expect(namesOf(findBursts(frames))).toEqual([['IMG_1.CR3', 'IMG_2.CR3', 'IMG_3.CR3']]);
  });

  it('ends a burst where the camera rested', () => {
    const frames = [0, 1, 9, 10].map((second, i) => photo(`IMG_${i + 1}.CR3`, second));
    expect(namesOf(findBursts(frames))).toEqual([
      ['IMG_1.CR3', 'IMG_2.CR3'],
      ['IMG_3.CR3', 'IMG_4.CR3'],
    ]);
  });

  it('counts the exposure itself to the time between frames', () => {
    const long = { exposureSeconds: 8 };
    expect(findBursts([photo('A_1.NEF', 0, long), photo('A_2.NEF', 9, long)])).toHaveLength(1);
  });

  it.each([
    ['ISO', { iso: 3200 }],
    ['time', { exposureSeconds: 0.2 }],
    ['aperture', { aperture: 4 }],
    ['focal length', { focalLengthMm: 50 }],
    ['camera', { model: 'R5' }],
  ])('keeps another %s apart', (_, shot) => {
    expect(findBursts([photo('IMG_1.CR3', 0), photo('IMG_2.CR3', 0, shot)])).toEqual([]);
  });

  it('keeps photos apart whose numbers are far apart', () => {
    expect(findBursts([photo('IMG_1.CR3', 0), photo('IMG_40.CR3', 1)])).toEqual([]);
  });

  it('goes on where the counter begins again', () => {
    expect(findBursts([photo('IMG_9999.CR3', 0), photo('IMG_0001.CR3', 1)])).toHaveLength(1);
  });

  it('leaves photos alone that do not say when they were taken', () => {
    const { takenAt: _, ...shot } = photo('a', 0).summary.shot;
    const silent = (name: string): SeenPhoto => ({
      path: name,
      summary: { width: 9, height: 9, shot },
    });
    expect(findBursts([silent('IMG_1.CR3'), silent('IMG_2.CR3')])).toEqual([]);
  });
});
