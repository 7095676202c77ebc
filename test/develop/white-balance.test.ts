/** White balance: temperatures there and back, Adobe's directions, and the automatic. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gainsFor, gainsOf, temperatureOf } from '../../main/develop/white-balance.ts';
import type { CameraColour, Vector3 } from '../../main/raw/mosaic.ts';
import { simulatedCameras } from '../../main/darkness/cameras.ts';
import { expose, mosaicOf, street, type Scene } from './scenes.ts';

function colourOf(id: string): CameraColour {
  const camera = simulatedCameras.find((candidate) => candidate.id === id);
  if (camera === undefined) throw new Error(`no camera ${id}`);
  return { asShotGains: [2, 1, 1.5], xyzToCamera: camera.xyzToCamera };
}

/** sRGB itself as a camera, IEC 61966-2-1: whatever its gains are can be looked up. */
const srgb: CameraColour = {
  asShotGains: [1, 1, 1],
  xyzToCamera: [
    3.2409699, -1.5373832, -0.4986108, -0.9692436, 1.8759675, 0.0415551, 0.0556301, -0.203977,
    1.0569715,
  ],
};

/** Angle between two lights, degrees. */
function angle(a: Vector3, b: Vector3): number {
  const [x, y] = [a.map((gain) => 1 / gain), b.map((gain) => 1 / gain)];
  const dot = x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return (Math.acos(Math.min(1, dot / Math.hypot(...x) / Math.hypot(...y))) * 180) / Math.PI;
}

describe('temperature and tint', () => {
  test.each(simulatedCameras.map(({ id }) => id))('come back from the gains of a %s', (id) => {
    const colour = colourOf(id);
    fc.assert(
      fc.property(
        fc.double({ min: 2600, max: 24_900, noNaN: true }),
        fc.double({ min: -100, max: 100, noNaN: true }),
        (kelvin, tint) => {
          const gains = gainsOf({ kelvin, tint }, colour);
          // A gain at its limit has lost what it was.
          fc.pre(gains.every((gain) => gain > 0.126 && gain < 7.9));
          const back = temperatureOf(gains, colour);
          expect(back.kelvin / kelvin).toBeCloseTo(1, 3);
          expect(back.tint).toBeCloseTo(tint, 1);
          expect(gains[1]).toBe(1);
        },
      ),
      // Where the locus is pieced together, a hair's breadth in which chance seldom looks.
      { numRuns: 60, examples: [[4005.5, 68.2], [3990.4, -88.8], [4009.7, 91.3], [3991.2, -98]] }, // prettier-ignore
    );
  });

  test('of known lights: D65 has its published place, lamplight is illuminant A', () => {
    const d65 = temperatureOf([1, 1, 1], srgb);
    // CIE 15: 6504 K; 0.0032 in uv above the locus, which is Adobe's tint of about +10.
    expect(Math.abs(d65.kelvin - 6504)).toBeLessThan(15);
    expect(d65.tint).toBeGreaterThan(8);
    expect(d65.tint).toBeLessThan(11);
    // Illuminant A: xy = 0.44757, 0.40745 (CIE 15), on the locus at 2856 K.
    const [x, y] = [0.44757, 0.40745];
    const xyz = [x / y, 1, (1 - x - y) / y];
    const rgb = [0, 3, 6].map((row) =>
      xyz.reduce((sum, value, i) => sum + value * srgb.xyzToCamera[row + i]!, 0),
    );
    const lamp = temperatureOf([rgb[1]! / rgb[0]!, 1, rgb[1]! / rgb[2]!], srgb);
    expect(Math.abs(lamp.kelvin - 2856)).toBeLessThan(12);
    expect(Math.abs(lamp.tint)).toBeLessThan(2);
  });

  test('go the ways Adobe goes: more kelvin warms, more tint turns magenta', () => {
    const colour = colourOf('canon-5d4');
    const at = (kelvin: number, tint: number): Vector3 => gainsOf({ kelvin, tint }, colour);
    expect(at(7000, 0)[0]).toBeGreaterThan(at(5000, 0)[0]);
    expect(at(7000, 0)[2]).toBeLessThan(at(5000, 0)[2]);
    expect(at(5000, 40)[0]).toBeGreaterThan(at(5000, 0)[0]);
    expect(at(5000, 40)[2]).toBeGreaterThan(at(5000, 0)[2]);
  });

  test('do not jump where the locus is pieced together', () => {
    const colour = colourOf('sony-a7s2');
    for (const seam of [2222, 4000]) {
      const [below, above] = [
        gainsOf({ kelvin: seam - 1, tint: 0 }, colour),
        gainsOf({ kelvin: seam + 1, tint: 0 }, colour),
      ];
      expect(below[0] / above[0]).toBeCloseTo(1, 2);
      expect(below[2] / above[2]).toBeCloseTo(1, 2);
    }
  });

  test('are held to their range, and gains to what a camera was made for', () => {
    const colour = colourOf('sony-a7s2');
    expect(gainsOf({ kelvin: 100, tint: 0 }, colour)).toEqual(
      gainsOf({ kelvin: 2000, tint: 0 }, colour),
    );
    expect(gainsOf({ kelvin: 1e6, tint: 900 }, colour)).toEqual(
      gainsOf({ kelvin: 25_000, tint: 150 }, colour),
    );
    for (const kelvin of [2000, 3000, 9000, 25_000]) {
      for (const tint of [-150, 0, 150]) {
        for (const gain of gainsOf({ kelvin, tint }, colour)) {
          expect(gain).toBeGreaterThanOrEqual(1 / 8);
          expect(gain).toBeLessThanOrEqual(8);
        }
      }
    }
  });
});

describe('the choice', () => {
  const mosaic = mosaicOf(64, 64, new Uint16Array(4096).fill(300));

  test('as shot is what the camera wrote, green 1', () => {
    expect(gainsFor('as-shot', mosaic)).toEqual([2, 1, 1.5]);
    const doubled = { ...mosaic, colour: { ...mosaic.colour, asShotGains: [4, 2, 3] as const } };
    expect(gainsFor('as-shot', doubled)).toEqual([2, 1, 1.5]);
    const sodium = { ...mosaic, colour: { ...mosaic.colour, asShotGains: [0.9, 1, 24] as const } };
    expect(gainsFor('as-shot', sodium)).toEqual([0.9, 1, 24]);
    const broken = { ...mosaic, colour: { ...mosaic.colour, asShotGains: [0, 1, 99] as const } };
    expect(gainsFor('as-shot', broken)).toEqual([64, 1, 64]);
  });

  test('a temperature is that of `gainsOf`', () => {
    const light = { kelvin: 3400, tint: 12 };
    expect(gainsFor(light, mosaic)).toEqual(gainsOf(light, mosaic.colour));
  });
});

describe('automatic', () => {
  const colour = colourOf('sony-a7s2');
  /** Surfaces of every hue whose mean is grey. */
  const market: Scene = (x, y) => {
    const hue = (((Math.floor(x / 50) * 5 + Math.floor(y / 50) * 3) % 12) * Math.PI) / 6;
    const level = 0.1 + 0.05 * (Math.floor(y / 50) % 3);
    const of = (phase: number): number => level * (1 + 0.6 * Math.cos(hue + phase));
    return [of(0), of((2 * Math.PI) / 3), of((4 * Math.PI) / 3)];
  };

  test.each([2700, 3500, 4500, 5500, 7500])('finds a light of %i K in the noise', (kelvin) => {
    const gains = gainsOf({ kelvin, tint: 0 }, colour);
    const dark = expose(market, 600, 600, { camera: 'sony-a7s2', iso: 6400, ratio: 100, gains });
    expect(angle(gainsFor('auto', dark), gains)).toBeLessThan(2);
  });

  test('on a street with lamps and coloured houses is within a few degrees', () => {
    const gains = gainsOf({ kelvin: 4000, tint: 5 }, colour);
    const dark = expose(street, 640, 480, { camera: 'sony-a7s2', iso: 6400, ratio: 100, gains });
    expect(angle(gainsFor('auto', dark), gains)).toBeLessThan(5);
  });

  test('takes no colour of paint for a light', () => {
    for (const paint of [
      [0.01, 0.2, 0.01],
      [0.3, 0.01, 0.3],
      [0.01, 0.01, 0.3],
      [0.3, 0.02, 0.005],
    ] as const) {
      const gains = gainsOf({ kelvin: 5000, tint: 0 }, colour);
      const one = expose(() => paint, 200, 200, {
        camera: 'sony-a7s2',
        iso: 400,
        ratio: 10,
        gains,
      });
      const found = temperatureOf(gainsFor('auto', one), colour);
      expect(found.kelvin).toBeGreaterThan(2290);
      expect(found.kelvin).toBeLessThan(9510);
      expect(Math.abs(found.tint)).toBeLessThan(25.1);
    }
  });

  test('has nothing to say of black or saturated frames', () => {
    expect(gainsFor('auto', mosaicOf(64, 64, new Uint16Array(4096)))).toEqual([2, 1, 1.5]);
    expect(gainsFor('auto', mosaicOf(64, 64, new Uint16Array(4096).fill(16_383)))).toEqual([
      2, 1, 1.5,
    ]);
    expect(gainsFor('auto', mosaicOf(1, 1, new Uint16Array([900])))).toEqual([2, 1, 1.5]);
  });
});
