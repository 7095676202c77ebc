/** Crops, turns and what the library and the develop view reckon with. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropSchema } from '../../preload/contract/edits.ts';
import {
  after,
  apply,
  cropAt,
  cropOf,
  cropTurned,
  easel,
  framed,
  inverse,
  quarter,
  turnedSize,
} from '../../renderer/develop/geometry.ts';
import { areaOf, levelFor, tilesIn } from '../../renderer/develop/tile-plan.ts';
import { Hand } from '../../renderer/develop/hand.ts';
import {
  fitScale,
  fitted,
  held,
  isFit,
  toPicture,
  zoomedAt,
} from '../../renderer/develop/viewport.ts';

const stored = fc.record({
  width: fc.integer({ min: 40, max: 9000 }),
  height: fc.integer({ min: 40, max: 9000 }),
  orientation: fc.integer({ min: 1, max: 8 }),
});
const crops = fc
  .record({
    x: fc.double({ min: 0, max: 0.8, noNaN: true }),
    y: fc.double({ min: 0, max: 0.8, noNaN: true }),
    width: fc.double({ min: 0.05, max: 1, noNaN: true }),
    height: fc.double({ min: 0.05, max: 1, noNaN: true }),
  })
  .map(({ x, y, width, height }) => ({
    x,
    y,
    width: Math.min(width, 1 - x),
    height: Math.min(height, 1 - y),
  }));
const angles = fc.double({ min: -45, max: 45, noNaN: true });
const turns = fc.integer({ min: 0, max: 3 }).map(quarter);

describe('framing', () => {
  test('a crop made to fit an angle shows no place outside of the picture', () => {
    fc.assert(
      fc.property(stored, crops, angles, turns, (frame, crop, angle, rotate) => {
        const fit = cropAt(crop, frame, angle, rotate);
        expect(cropSchema.safeParse(fit).success).toBe(true);
        const { size, toStored } = framed(frame, { crop: fit, angle, rotate });
        // A crop at its least size (a hundredth) may not fit in a corner; rounding may cost a pixel.
        if (fit.width <= 0.0101 || fit.height <= 0.0101) return;
        for (const [x, y] of [
          [0, 0],
          [size.width, 0],
          [0, size.height],
          [size.width, size.height],
        ] as const) {
          const at = apply(toStored, { x, y });
          expect(at.x).toBeGreaterThanOrEqual(-1.5);
          expect(at.y).toBeGreaterThanOrEqual(-1.5);
          expect(at.x).toBeLessThanOrEqual(frame.width + 1.5);
          expect(at.y).toBeLessThanOrEqual(frame.height + 1.5);
        }
      }),
    );
  });

  test('the frame on the easel is the crop, there and back', () => {
    fc.assert(
      fc.property(stored, crops, angles, turns, (frame, crop, angle, rotate) => {
        const fit = cropAt(crop, frame, angle, rotate);
        if (fit.width <= 0.0101 || fit.height <= 0.0101) return;
        const back = cropOf(easel(frame, { crop: fit, angle, rotate }).frame, frame, angle, rotate);
        expect(back.x).toBeCloseTo(fit.x, 5);
        expect(back.y).toBeCloseTo(fit.y, 5);
        expect(back.width).toBeCloseTo(fit.width, 5);
        expect(back.height).toBeCloseTo(fit.height, 5);
      }),
    );
  });

  test('turning the picture and its crop together shows the same pixels', () => {
    const frame = { width: 600, height: 400, orientation: 1 };
    const crop = { x: 0.1, y: 0.2, width: 0.5, height: 0.25 };
    const before = framed(frame, { crop, angle: 0, rotate: 0 });
    const turned = framed(frame, { crop: cropTurned(crop, true), angle: 0, rotate: 1 });
    expect(turned.size).toEqual({ width: before.size.height, height: before.size.width });
    // The top left corner has become the top right one.
    const corner = apply(before.toStored, { x: 0, y: 0 });
    const same = apply(turned.toStored, { x: turned.size.width, y: 0 });
    expect(same.x).toBeCloseTo(corner.x, 6);
    expect(same.y).toBeCloseTo(corner.y, 6);
    expect(cropTurned(cropTurned(crop, true), false).x).toBeCloseTo(crop.x, 9);
    expect(turnedSize({ ...frame, orientation: 6 }, 1)).toEqual({ width: 600, height: 400 });
  });

  test('an affine map and its inverse undo each other', () => {
    const map = { a: 2, b: 1, c: 5, d: -1, e: 3, f: 7 };
    const same = after(inverse(map), map);
    expect(apply(same, { x: 11, y: -4 }).x).toBeCloseTo(11, 9);
    expect(apply(same, { x: 11, y: -4 }).y).toBeCloseTo(-4, 9);
  });
});

describe('the view', () => {
  const picture = { width: 6000, height: 4000 };
  const viewport = { width: 1000, height: 800 };

  test('zooms about the pointer', () => {
    const device = { x: 320, y: 610 };
    const view = fitted(picture, viewport);
    const before = toPicture(view, viewport, device);
    const after = toPicture(zoomedAt(view, 1, viewport, device), viewport, device);
    expect(after.x).toBeCloseTo(before.x, 6);
    expect(after.y).toBeCloseTo(before.y, 6);
  });

  test('100 % is one pixel of the screen for each of the photo, also where a small one fits above it', () => {
    const crop = { width: 320, height: 200 };
    expect(fitScale(crop, viewport)).toBeGreaterThan(2);
    expect(isFit(1, crop, viewport)).toBe(false);
    expect(isFit(fitScale(crop, viewport), crop, viewport)).toBe(true);
    expect(
      held(zoomedAt(fitted(crop, viewport), 1, viewport, { x: 9, y: 9 }), crop, viewport),
    ).toEqual({ scale: 1, x: 160, y: 100 });
    // It gets no smaller than that, nor a large one smaller than it fits.
    expect(held({ scale: 0.3, x: 0, y: 0 }, crop, viewport).scale).toBe(1);
    expect(isFit(0.01, picture, viewport)).toBe(true);
    expect(isFit(1, picture, viewport)).toBe(false);
  });

  test('one finger moves it, two also pinch it, about the place between them', () => {
    const hand = new Hand();
    expect(hand.move(1, { x: 0, y: 0 })).toBeUndefined();
    hand.down(1, { x: 100, y: 100 });
    expect(hand.move(1, { x: 110, y: 95 })).toEqual({
      by: { x: 10, y: -5 },
      factor: 1,
      at: { x: 110, y: 95 },
    });
    hand.down(2, { x: 210, y: 95 });
    hand.down(3, { x: 0, y: 0 });
    expect(hand.move(2, { x: 310, y: 95 })).toEqual({
      by: { x: 50, y: 0 },
      factor: 2,
      at: { x: 210, y: 95 },
    });
    hand.up(1);
    expect(hand.isHolding).toBe(true);
    expect(hand.move(2, { x: 300, y: 95 })?.factor).toBe(1);
    hand.up(2);
    expect(hand.isHolding).toBe(false);
  });

  test('never leaves the picture', () => {
    const view = held({ scale: 1, x: -5000, y: 99_999 }, picture, viewport);
    expect(view).toEqual({ scale: 1, x: 500, y: 3600 });
  });
});

describe('tiles', () => {
  const grid = {
    tileSide: 512,
    origin: { x: 1, y: 0 },
    coarseLevel: 3,
    levels: [0, 1, 2, 3].map((level) => ({
      level,
      width: Math.ceil(3002 / 2 ** level),
      height: Math.ceil(2000 / 2 ** level),
    })),
  };

  test('the level is never coarser than the screen by much, nor finer than there is', () => {
    expect(levelFor(grid, 2)).toBe(0);
    expect(levelFor(grid, 1)).toBe(0);
    expect(levelFor(grid, 0.5)).toBe(1);
    expect(levelFor(grid, 0.3)).toBe(2);
    expect(levelFor(grid, 0.01)).toBe(3);
  });

  test('those of the whole frame cover it, each once', () => {
    const spots = tilesIn(grid, 1, { x: 0, y: 0, width: 3001, height: 2000 });
    expect(new Set(spots.map(({ x, y }) => `${x}/${y}`)).size).toBe(3 * 2);
    const last = areaOf(grid, { level: 1, x: 2, y: 1 }, 1501 - 1024, 1000 - 512);
    expect(last).toEqual({ x: 2047, y: 1024, width: 954, height: 976 });
  });

  test('only what is seen is wanted, the middle first', () => {
    const spots = tilesIn(grid, 0, { x: 1050, y: 600, width: 900, height: 300 });
    expect(spots[0]).toEqual({ level: 0, x: 2, y: 1 });
    expect(new Set(spots.map(({ x, y }) => `${x}/${y}`))).toEqual(new Set(['2/1', '3/1']));
  });
});
