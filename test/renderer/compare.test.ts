/** Two pictures beside each other, and crops that keep a shape. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepShape, ratioOf, shaped } from '../../renderer/develop/aspect.ts';
import { layersOf } from '../../renderer/develop/layers.ts';
import { inFirstPane, panesOf } from '../../renderer/develop/viewport.ts';

const side = fc.integer({ min: 60, max: 6000 });
const size = fc.record({ width: side, height: side });

describe('side by side', () => {
  test('two panes of one size lie in the viewport, apart from each other', () => {
    fc.assert(
      fc.property(size, size, (picture, viewport) => {
        const { size: pane, second } = panesOf(picture, viewport);
        expect(second.x + pane.width).toBeLessThanOrEqual(viewport.width);
        expect(second.y + pane.height).toBeLessThanOrEqual(viewport.height);
        expect(second.x >= pane.width || second.y >= pane.height).toBe(true);
        const at = { x: pane.width / 3, y: pane.height / 3 };
        const same = { x: at.x + second.x, y: at.y + second.y };
        expect(inFirstPane({ size: pane, second }, at)).toEqual(at);
        const back = inFirstPane({ size: pane, second }, same);
        expect(back.x).toBeCloseTo(at.x);
        expect(back.y).toBeCloseTo(at.y);
      }),
    );
  });

  test('a wide picture in a tall viewport is shown above itself, else beside', () => {
    expect(panesOf({ width: 3000, height: 1000 }, { width: 800, height: 900 }).second.x).toBe(0);
    expect(panesOf({ width: 3000, height: 2000 }, { width: 1600, height: 800 }).second.y).toBe(0);
  });

  test('each is painted in its own pane, moved by as much as the pane is', () => {
    const panes = panesOf({ width: 300, height: 200 }, { width: 802, height: 300 });
    const layers = layersOf({
      enhanced: [],
      plain: [],
      look: {
        grain: 0.5,
        blackShift: [0, 0, 0],
        balance: [1, 1, 1],
        white: 1,
        cameraToOutput: [],
        luminance: [],
        exposure: 0,
        saturation: 0,
        highlights: 0,
        shadows: 0,
        contrast: 0,
        overlay: 'guessed',
        noise: { slope: 0, offset: 0 },
        ratio: 1,
      },
      toStored: { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 },
      view: { a: 2, b: 0, c: -50, d: 0, e: 2, f: -50 },
      clip: { x: -50, y: -50, width: 600, height: 400 },
      compare: { panes },
    });
    expect(layers.map(({ clip }) => clip)).toEqual([
      { x: 0, y: 0, width: 400, height: 300 },
      { x: 402, y: 0, width: 400, height: 300 },
      { x: 402, y: 0, width: 400, height: 300 },
    ]);
    expect(layers.map(({ toDevice }) => toDevice.c)).toEqual([-50, 352, 352]);
    // The plain picture has no grain of the network's to give back, and no guesses.
    expect(layers.map(({ look }) => [look.grain, look.overlay])).toEqual([
      [0, 'none'],
      [0, 'none'],
      [0.5, 'guessed'],
    ]);
  });
});

describe('shapes', () => {
  test('are those of their names, also upright', () => {
    const picture = { width: 300, height: 200 };
    expect(ratioOf('free', picture, false)).toBeUndefined();
    expect(ratioOf('original', picture, true)).toBe(1.5);
    expect(ratioOf('16:9', picture, false)).toBeCloseTo(16 / 9);
    expect(ratioOf('16:9', picture, true)).toBeCloseTo(9 / 16);
  });

  test('fit in the frame they are made of, about its middle', () => {
    const frame = { x: 10, y: 20, width: 300, height: 100 };
    expect(shaped(frame, 1)).toEqual({ x: 110, y: 20, width: 100, height: 100 });
    expect(shaped(frame, 6)).toEqual({ x: 10, y: 45, width: 300, height: 50 });
  });

  test('are kept by every handle, in the picture, and what lies opposite stays', () => {
    const share = fc.double({ min: 0.05, max: 0.45, noNaN: true });
    const handles = fc.constantFrom('n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw');
    const ratios = fc.double({ min: 0.4, max: 2.5, noNaN: true });
    fc.assert(
      fc.property(
        size,
        share,
        share,
        share,
        share,
        handles,
        ratios,
        (room, x, y, w, h, handle, ratio) => {
          const dragged = {
            x: x * room.width,
            y: y * room.height,
            width: w * room.width,
            height: h * room.height,
          };
          const kept = keepShape(dragged, handle, ratio, room);
          expect(kept.width / kept.height).toBeCloseTo(ratio, 6);
          expect(kept.x).toBeGreaterThanOrEqual(-1e-6);
          expect(kept.y).toBeGreaterThanOrEqual(-1e-6);
          expect(kept.x + kept.width).toBeLessThanOrEqual(room.width + 1e-6);
          expect(kept.y + kept.height).toBeLessThanOrEqual(room.height + 1e-6);
          const right = (frame: typeof dragged): number => frame.x + frame.width;
          const bottom = (frame: typeof dragged): number => frame.y + frame.height;
          if (handle.includes('e')) expect(kept.x).toBeCloseTo(dragged.x, 6);
          if (handle.includes('w')) expect(right(kept)).toBeCloseTo(right(dragged), 6);
          if (handle.includes('s')) expect(kept.y).toBeCloseTo(dragged.y, 6);
          if (handle.includes('n')) expect(bottom(kept)).toBeCloseTo(bottom(dragged), 6);
        },
      ),
    );
  });
});
