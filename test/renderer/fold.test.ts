/** Bursts in the grid: which cells there are, what they stand for, and what of them is selected. */

import { describe, expect, test } from 'vitest';
import type { Photo } from '../../preload/contract/contract.ts';
import type { Burst } from '../../preload/contract/bursts.ts';
import {
  coversOf,
  foldBursts,
  foldSelection,
  photosOf,
  type GridCell,
} from '../../renderer/state/fold.ts';
import { only } from '../../renderer/state/selection.ts';

const photo = (id: string): Photo => ({
  id,
  name: `${id}.dng`,
  subfolder: '',
  bytes: 1,
  modifiedMs: 0,
  state: 'new',
  rating: 0,
  stamp: '',
  exported: [],
});
const photos = ['x', 'a', 'b', 'c', 'y'].map(photo);
const burst: Burst = { id: 'a', frames: ['a', 'b', 'c'], leftOut: [], motion: 'freeze' };
const none = new Set<string>();
const idsOf = (cells: readonly GridCell[]) => cells.map((cell) => cell.photo.id);
const without = (...ids: string[]) => photos.filter(({ id }) => !ids.includes(id));

describe('a folded burst', () => {
  const cells = foldBursts(photos, [burst], none);

  test('is one cell that stands for all its frames', () => {
    expect(idsOf(cells)).toEqual(['x', 'a', 'y']);
    expect(photosOf(cells)).toEqual(photos);
    expect(cells[1]?.burst?.frames).toHaveLength(3);
  });

  test('shows its reference, in the place of that', () => {
    const chosen = { ...burst, reference: 'c' };
    expect(idsOf(foldBursts(photos, [chosen], none))).toEqual(['x', 'c', 'y']);
    expect(idsOf(foldBursts(without('c'), [chosen], none))).toEqual(['x', 'a', 'y']);
  });

  test('stands for the frames that the filter lets through, and one of them is a photo', () => {
    const some = foldBursts(without('a'), [burst], none);
    expect(idsOf(some)).toEqual(['x', 'b', 'y']);
    expect(photosOf(some.slice(1, 2)).map(({ id }) => id)).toEqual(['b', 'c']);
    const [, lone] = foldBursts(without('a', 'b'), [burst], none);
    expect(lone).toEqual({ photo: photo('c') });
  });

  test('is selected where a frame of it was', () => {
    const covers = coversOf(cells);
    expect(
      foldSelection({ chosen: new Set(['b', 'y']), cursor: 'c', anchor: 'y' }, covers),
    ).toEqual({ chosen: new Set(['a', 'y']), cursor: 'a', anchor: 'y' });
    const untouched = only('y');
    expect(foldSelection(untouched, covers)).toBe(untouched);
  });
});

test('an unfolded burst shows its frames, and where they stand in it', () => {
  const cells = foldBursts(without('b'), [burst], new Set(['a']));
  expect(idsOf(cells)).toEqual(['x', 'a', 'c', 'y']);
  expect(cells.map((cell) => cell.burst?.place)).toEqual([undefined, 1, 3, undefined]);
  expect(photosOf(cells.slice(1, 2))).toEqual([photo('a')]);
  expect(coversOf(cells).size).toBe(0);
});

test('ten thousand photos in bursts of eight fold at once', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => photo(String(index)));
  const bursts = Array.from({ length: 1250 }, (_, index): Burst => {
    const frames = many.slice(8 * index, 8 * index + 8).map(({ id }) => id);
    return { id: frames[0] ?? '', frames, leftOut: [], motion: 'freeze' };
  });
  const cells = foldBursts(many, bursts, none);
  expect(cells).toHaveLength(1250);
  expect(photosOf(cells)).toHaveLength(10_000);
});
