/** The way into the network: black and white, the packed grid in every phase, mirrored rims, gain. */

import { describe, expect, test } from 'vitest';
import { amplify, amplifiedLimit } from '../../main/develop/amplify.ts';
import { normalisation } from '../../main/develop/normalise.ts';
import { packedGrid, packWindow } from '../../main/develop/pack.ts';
import type { Rectangle } from '../../main/develop/tiles.ts';
import { siteColours } from '../../main/raw/cfa.ts';
import type { CfaPattern, Mosaic, PerSite } from '../../main/raw/mosaic.ts';
import { mosaicOf } from './scenes.ts';

const phases: readonly CfaPattern[] = ['RGGB', 'GRBG', 'GBRG', 'BGGR'];
const colourNumber = { R: 0, G: 1, B: 2 } as const;

/** A scene whose every place and colour has a number of its own. */
function sceneSample(x: number, y: number, colour: 'R' | 'G' | 'B'): number {
  return 1000 + 4000 * colourNumber[colour] + 61 * y + x;
}

/**
 * The scene seen by a sensor of the given phase whose first pixel lies at (left, top). A phase is
 * chosen by where the corner lies, as on a real sensor: the colours stay with the places.
 */
function photograph(
  cfa: CfaPattern,
  width: number,
  height: number,
  left: number,
  top: number,
): Mosaic {
  const colours = siteColours(cfa);
  const samples = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      samples[y * width + x] = sceneSample(left + x, top + y, colours[(y & 1) * 2 + (x & 1)]!);
    }
  }
  return mosaicOf(width, height, samples, cfa);
}

/** Where a sensor's corner must lie for its phase, on a plane that reads RGGB from (0, 0). */
const corners = { RGGB: [0, 0], GRBG: [1, 0], GBRG: [0, 1], BGGR: [1, 1] } as const;

/** The packed frame in the file's own numbers. */
function pack(mosaic: Mosaic, window?: Rectangle): number[] {
  const grid = packedGrid(mosaic);
  const area = window ?? { x: 0, y: 0, width: grid.width, height: grid.height };
  const packed = packWindow(mosaic, grid, normalisation(mosaic), area);
  return Array.from(packed, (value) => Math.round(value * 16_383));
}

describe('packing', () => {
  test.each(
    phases.flatMap((cfa) =>
      [
        [20, 14],
        [21, 14],
        [20, 13],
        [21, 13],
      ].map(([w = 0, h = 0]) => [cfa, w, h] as const),
    ),
  )('%s of %i × %i reads R, G, G, B at the places of the scene', (cfa, width, height) => {
    const [left, top] = corners[cfa];
    const mosaic = photograph(cfa, width, height, left, top);
    const grid = packedGrid(mosaic);
    expect([grid.columnsBefore, grid.rowsBefore]).toEqual([left, top]);
    expect(2 * grid.width).toBeGreaterThanOrEqual(width + left);
    expect(2 * grid.width - width - left).toBeLessThan(2);
    expect(2 * grid.height - height - top).toBeLessThan(2);
    const packed = pack(mosaic);
    const fold = (at: number, first: number, size: number): number => {
      const own = at - first;
      return first + (own < 0 ? -own : own >= size ? 2 * (size - 1) - own : own);
    };
    (['R', 'G', 'G', 'B'] as const).forEach((colour, site) => {
      for (let y = 0; y < grid.height; y++) {
        for (let x = 0; x < grid.width; x++) {
          const sceneX = fold(2 * x + (site & 1), left, width);
          const sceneY = fold(2 * y + (site >> 1), top, height);
          const value = packed[(site * grid.height + y) * grid.width + x];
          expect(value).toBe(sceneSample(sceneX, sceneY, colour));
        }
      }
    });
  });

  test('phases of one scene differ in nothing but their rims', () => {
    const frames = phases.map((cfa) => {
      const [left, top] = corners[cfa];
      return pack(photograph(cfa, 24, 18, left, top), { x: 1, y: 1, width: 10, height: 7 });
    });
    for (const frame of frames) expect(frame).toEqual(frames[0]);
  });

  test('a window past the frame mirrors it about its edge samples, as often as it must', () => {
    const mosaic = photograph('RGGB', 6, 4, 0, 0);
    const [width, height] = [40, 30];
    const packed = pack(mosaic, { x: -17, y: -11, width, height });
    // One colour's period along an axis is 2 · (size − 1): 10 samples across, 6 down.
    const mirrored = (at: number, size: number): number => {
      const period = 2 * (size - 1);
      const place = ((at % period) + period) % period;
      return place < size ? place : period - place;
    };
    for (let site = 0; site < 4; site++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [sx, sy] = [
            mirrored(2 * (x - 17) + (site & 1), 6),
            mirrored(2 * (y - 11) + (site >> 1), 4),
          ];
          expect(packed[(site * height + y) * width + x]).toBe(mosaic.samples[sy * 6 + sx]);
        }
      }
    }
  });

  test.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [3, 1],
    [1, 5],
  ])('a frame of %i × %i packs to its own samples', (width, height) => {
    for (const cfa of phases) {
      const mosaic = photograph(cfa, width, height, 0, 0);
      const own = new Set(mosaic.samples);
      for (const value of pack(mosaic, { x: -2, y: -2, width: 6, height: 6 }))
        expect(own.has(value)).toBe(true);
    }
  });
});

describe('black and white', () => {
  const black: PerSite = [100, 200, 300, 400];

  test.each(phases)('each site of a %s loses its own black, and full is 1', (cfa) => {
    const [width, height] = [9, 7];
    const samples = new Uint16Array(width * height);
    for (let i = 0; i < samples.length; i++) {
      const site = (Math.floor(i / width) & 1) * 2 + ((i % width) & 1);
      // A quarter of each site's own range above its own black.
      samples[i] = black[site]! + (4100 - black[site]!) / 4;
    }
    const mosaic = {
      ...mosaicOf(width, height, samples, cfa),
      blackLevel: black,
      whiteLevel: 4100,
    };
    const grid = packedGrid(mosaic);
    const window = { x: -3, y: -3, width: grid.width + 6, height: grid.height + 6 };
    for (const value of packWindow(mosaic, grid, normalisation(mosaic), window)) {
      expect(value).toBeCloseTo(0.25, 6);
    }
  });

  test('the masked margin knows better than the file', () => {
    const opticalBlack: PerSite = [101.5, 199, 300.25, 402];
    const mosaic = {
      ...mosaicOf(2, 2, new Uint16Array([4095, 100, 300, 402])),
      blackLevel: black,
      opticalBlack,
      whiteLevel: 4095,
    };
    const packed = packWindow(mosaic, packedGrid(mosaic), normalisation(mosaic), {
      x: 0,
      y: 0,
      width: 1,
      height: 1,
    });
    expect(packed[0]).toBeCloseTo(1, 6);
    expect(packed[1]).toBeCloseTo(-99 / (4095 - 199), 6);
    expect(packed[2]).toBeCloseTo(-0.25 / (4095 - 300.25), 8);
    expect(packed[3]).toBe(0);
  });

  test('noise below black stays', () => {
    const mosaic = {
      ...mosaicOf(2, 2, new Uint16Array([0, 50, 100, 511])),
      blackLevel: [512, 512, 512, 512] as const,
    };
    const packed = packWindow(mosaic, packedGrid(mosaic), normalisation(mosaic), {
      x: 0,
      y: 0,
      width: 1,
      height: 1,
    });
    for (const value of packed) expect(value).toBeLessThan(0);
    expect(packed[0]).toBeCloseTo(-512 / (16_383 - 512), 6);
  });
});

describe('amplification', () => {
  test('multiplies by ratio and gain, greens alike, in place', () => {
    const packed = new Float32Array([0.001, -0.002, 0.003, 0.004, -0.005, 0.006, 0.007, 0.008]);
    const amplified = amplify(packed, 100, [2, 1, 1.5]);
    expect(amplified).toBe(packed);
    [0.2, -0.4, 0.3, 0.4, -0.5, 0.6, 1.05, 1.2].forEach((value, i) =>
      expect(amplified[i]).toBeCloseTo(value, 6),
    );
  });

  test('ends at the limits that the network was trained on', () => {
    const amplified = amplify(new Float32Array([0.5, -0.5, 0.0199, -0.0199]), 200, [1, 1, 1]);
    expect(Array.from(amplified.subarray(0, 2))).toEqual([amplifiedLimit, -amplifiedLimit]);
    expect(amplified[2]).toBeCloseTo(3.98, 5);
    expect(amplified[3]).toBeCloseTo(-3.98, 5);
  });
});
