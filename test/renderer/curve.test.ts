/** The arithmetic of curves. */

import { describe, expect, it } from 'vitest';
import {
  extentOf,
  moved,
  nearest,
  padded,
  pathOf,
  ticks,
  tickWords,
  within,
  zoomed,
} from '../../renderer/training/curve.ts';

const line = [0, 10, 20, 30, 40].map((x) => ({ x, y: x / 10 }));

describe('a curve', () => {
  it('reaches from the least to the greatest, whatever is no number left out', () => {
    expect(extentOf([3, Number.NaN, -1, Infinity])).toEqual({ min: -1, max: 3 });
    expect(extentOf([])).toBeUndefined();
    expect(extentOf([5])).toEqual({ min: 4.5, max: 5.5 });
    expect(extentOf([0])).toEqual({ min: -1, max: 1 });
    expect(padded({ min: 0, max: 10 }, 0.1)).toEqual({ min: -1, max: 11 });
  });

  it('has round ticks, none outside', () => {
    expect(ticks({ min: 0, max: 1 }, 4)).toEqual([0, 0.5, 1]);
    expect(ticks({ min: 0.12, max: 0.31 }, 4)).toEqual([0.15, 0.2, 0.25, 0.3]);
    expect(ticks({ min: 0, max: 30_000 }, 5)).toEqual([0, 10_000, 20_000, 30_000]);
    expect(ticks({ min: 1, max: 1 }, 4)).toEqual([]);
    expect(tickWords(0.15, { min: 0.12, max: 0.31 })).toBe('0.15');
    expect(tickWords(20_000, { min: 0, max: 30_000 })).toBe('20,000');
  });

  it('is drawn with the greatest on top', () => {
    const scales = { x: { min: 0, max: 40 }, y: { min: 0, max: 4 } };
    expect(pathOf(line.slice(0, 2), scales, { width: 400, height: 100 })).toBe(
      'M0.0 100.0L100.0 75.0',
    );
  });

  it('keeps a point beyond each edge, so that its line goes on', () => {
    expect(within(line, { min: 12, max: 28 }).map(({ x }) => x)).toEqual([10, 20, 30]);
    expect(within(line, { min: 0, max: 40 })).toHaveLength(5);
    expect(nearest(line, 13)?.x).toBe(10);
    expect(nearest([], 13)).toBeUndefined();
  });

  it('zooms about a place that stays, never out of itself', () => {
    const all = { min: 0, max: 100 };
    expect(zoomed(all, all, 0.5, 20)).toEqual({ min: 10, max: 60 });
    expect(zoomed({ min: 10, max: 60 }, all, 2.1, 20)).toBeUndefined();
    expect(zoomed(all, all, 0.5, 0)).toEqual({ min: 0, max: 50 });
    const least = { min: 5, max: 5.2 };
    expect(zoomed(least, all, 0.5, 5)).toEqual(least);
    expect(moved({ min: 10, max: 60 }, all, 0.5)).toEqual({ min: 35, max: 85 });
    expect(moved({ min: 10, max: 60 }, all, 5)).toEqual({ min: 50, max: 100 });
  });
});
