/** The library's arithmetic: ten thousand photos in rows, their order, and selecting many of them. */

import { describe, expect, test } from 'vitest';
import type { Photo } from '../../preload/contract/contract.ts';
import { Arranger, plainArrangement, type Arrangement } from '../../renderer/state/arrange.ts';
import {
  layoutGrid,
  moveBy,
  placeOf,
  scrollTo,
  visibleRange,
} from '../../renderer/library/grid-layout.ts';
import {
  all,
  emptySelection,
  extendedTo,
  only,
  toggled,
  without,
} from '../../renderer/state/selection.ts';
import { positionOf, readNumber, toStep, valueAt } from '../../renderer/parts/scale.ts';

function photo(name: string, part: Partial<Photo> = {}): Photo {
  return {
    id: name.padStart(24, '0'),
    name,
    subfolder: '',
    bytes: 1,
    modifiedMs: 0,
    state: 'new',
    exported: [],
    rating: 0,
    stamp: '',
    ...part,
  };
}

const facts = { width: 1, height: 1, autoRatio: 1 };

describe('the grid', () => {
  const layout = layoutGrid(10_000, 1400, 220);

  test('only rows on the screen are drawn, wherever it is scrolled to', () => {
    for (const scrollTop of [0, 3333, layout.height / 2, layout.height - 800]) {
      const { first, end } = visibleRange(layout, 10_000, scrollTop, 800);
      expect(end - first).toBeLessThan(60);
      expect(placeOf(layout, first).y).toBeLessThanOrEqual(Math.max(layout.padding, scrollTop));
      expect(placeOf(layout, end - 1).y + layout.cellHeight).toBeGreaterThanOrEqual(
        Math.min(scrollTop + 800, layout.height) - layout.padding,
      );
    }
  });

  test('keys lead to neighbours and stop at the ends', () => {
    expect(moveBy('ArrowRight', 0, 10_000, layout, 800)).toBe(1);
    expect(moveBy('ArrowDown', 3, 10_000, layout, 800)).toBe(3 + layout.columns);
    expect(moveBy('ArrowUp', 2, 10_000, layout, 800)).toBe(0);
    expect(moveBy('End', 5, 10_000, layout, 800)).toBe(9999);
    expect(moveBy('x', 5, 10_000, layout, 800)).toBeUndefined();
    expect(moveBy('End', 0, 0, layout, 800)).toBeUndefined();
  });

  test('scrolls no further than a photo needs', () => {
    const { y } = placeOf(layout, 5000);
    expect(scrollTo(layout, 5000, y - 100, 800)).toBe(y - 100);
    expect(scrollTo(layout, 5000, 0, 800)).toBe(y + layout.cellHeight + layout.padding - 800);
  });
});

describe('the order', () => {
  const photos = [
    photo('DSC10.ARW', { rating: 3, facts: { ...facts, iso: 6400, camera: 'Sony ILCE-7SM2' } }),
    photo('DSC9.ARW', { state: 'failed' }),
    photo('DSC2.ARW', { rating: 5, facts: { ...facts, iso: 1600, camera: 'Canon EOS 6D' } }),
  ];
  const arrange = (photos: readonly Photo[], arrangement: Arrangement): readonly Photo[] =>
    new Arranger().arrange(photos, arrangement);
  const names = (list: readonly Photo[]): string[] => list.map(({ name }) => name);

  test('names count as people do', () => {
    expect(names(arrange(photos, plainArrangement))).toEqual(['DSC2.ARW', 'DSC9.ARW', 'DSC10.ARW']);
  });

  test('what is not known stands last, both ways', () => {
    const up = arrange(photos, { ...plainArrangement, sort: 'iso' });
    const down = arrange(photos, { ...plainArrangement, sort: 'iso', isDescending: true });
    expect(names(up)).toEqual(['DSC2.ARW', 'DSC10.ARW', 'DSC9.ARW']);
    expect(names(down)).toEqual(['DSC10.ARW', 'DSC2.ARW', 'DSC9.ARW']);
  });

  test('follows photos that come, go and become known', () => {
    const arranger = new Arranger();
    const by = { ...plainArrangement, sort: 'iso' } as const;
    const [first, second, third] = photos.slice(0, 3);
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    expect(names(arranger.arrange([first, second], by))).toEqual(['DSC10.ARW', 'DSC9.ARW']);
    const known = { ...second, facts: { ...facts, iso: 100 } };
    expect(names(arranger.arrange([first, known], by))).toEqual(['DSC9.ARW', 'DSC10.ARW']);
    expect(names(arranger.arrange([third, first], plainArrangement))).toEqual([
      'DSC2.ARW',
      'DSC10.ARW',
    ]);
    expect(names(arranger.arrange([third], plainArrangement))).toEqual(['DSC2.ARW']);
  });

  test('filters and words narrow it', () => {
    expect(names(arrange(photos, { ...plainArrangement, ratingMin: 4 }))).toEqual(['DSC2.ARW']);
    expect(names(arrange(photos, { ...plainArrangement, state: 'failed' }))).toEqual(['DSC9.ARW']);
    expect(names(arrange(photos, { ...plainArrangement, search: 'sony dsc' }))).toEqual([
      'DSC10.ARW',
    ]);
  });
});

test('selecting: one, many, a range, all, and none of what has vanished', () => {
  const order = ['a', 'b', 'c', 'd'];
  const range = extendedTo(only('b'), 'd', order);
  expect([...range.chosen]).toEqual(['b', 'c', 'd']);
  expect(extendedTo(range, 'a', order).chosen).toEqual(new Set(['a', 'b']));
  expect(toggled(range, 'c').chosen).toEqual(new Set(['b', 'd']));
  expect(all(emptySelection, order)).toMatchObject({ cursor: 'a', chosen: new Set(order) });
  expect(without(range, new Set(['d'])).cursor).toBeUndefined();
});

describe('sliders', () => {
  const ratio = { min: 1, max: 300, scale: 'log' } as const;

  test('the logarithmic one has ×17.3 in its middle and comes back to every value', () => {
    expect(valueAt(0.5, ratio)).toBeCloseTo(Math.sqrt(300), 9);
    for (const value of [1, 2.5, 42, 300]) {
      expect(valueAt(positionOf(value, ratio), ratio)).toBeCloseTo(value, 9);
    }
    expect(positionOf(1000, ratio)).toBe(1);
  });

  test('steps leave no stray digits', () => {
    expect(toStep(0.1 + 0.2, 0.05, { min: -5, max: 5, scale: 'linear' })).toBe(0.3);
  });

  test('numbers are read as people write them', () => {
    expect(readNumber('×12,5')).toBe(12.5);
    expect(readNumber('5500 K')).toBe(5500);
    expect(readNumber('−0.30')).toBe(-0.3);
    expect(readNumber('bright')).toBeUndefined();
  });
});
