/** Hot and dead pixels of a single frame are mended; stars, lamps and detail are left alone. */

import { describe, expect, it } from 'vitest';
import { addStars, addLamps } from '../../main/darkness/night-scene.ts';
import { Random } from '../../main/darkness/random.ts';
import { simulateMosaic } from '../../main/darkness/simulate.ts';
import { withoutLonePixels } from '../../main/develop/lone-pixels.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import type { Mosaic, Vector3 } from '../../main/raw/mosaic.ts';
import { codeOfLight, lightOfCode, type LinearPhoto } from '../../main/darkness/linear-photo.ts';

const side = 192;

/** A night photo in a camera's own colours, whose light a function paints. */
function nightOf(paint: (scene: Float32Array) => void): LinearPhoto {
  const scene = new Float32Array(side * side * 3).fill(0.03);
  paint(scene);
  const codes = Uint16Array.from(scene, codeOfLight);
  return { name: 'night', width: side, height: side, codes, space: 'camera' };
}

const dark = nightOf(() => undefined);

interface Sensor {
  readonly camera?: string;
  readonly iso?: number;
  readonly ratio?: number;
  readonly hotPixels?: number;
}

function taken(photo: LinearPhoto, { hotPixels, ...sensor }: Sensor = {}) {
  return simulateMosaic(photo, {
    camera: 'sony-a7s2',
    iso: 6400,
    ratio: 50,
    ...sensor,
    random: new Random(11),
    night: hotPixels === undefined ? {} : { hotPixels },
  });
}

const mended = (mosaic: Mosaic): Mosaic => withoutLonePixels(mosaic, frameNoise(mosaic).ceiling);

/** Indexes of samples that differ. */
function changed(a: Mosaic, b: Mosaic): number[] {
  return Array.from(a.samples.keys()).filter((at) => a.samples[at] !== b.samples[at]);
}

describe('pixels that are alone', () => {
  it.each(['sony-a7s2', 'nikon-d850'])(
    'of a %s are mended: all but 5 in 100 of the bright ones',
    (camera) => {
      const { mosaic, night } = taken(dark, { camera, iso: 3200, ratio: 100, hotPixels: 0.002 });
      const clean = taken(dark, { camera, iso: 3200, ratio: 100 }).mosaic;
      const after = mended(mosaic);
      // Four times white of green at ×100.
      const bright = night.hotPixels.filter(
        ({ x, y, excessDn }) =>
          excessDn > 0.04 * (mosaic.whiteLevel - mosaic.blackLevel[0]) &&
          Math.min(x, y) >= 3 &&
          Math.max(x, y) < side - 3,
      );
      expect(bright.length).toBeGreaterThan(10);
      const left = bright.filter(({ x, y, excessDn }) => {
        const at = y * side + x;
        return Math.abs(after.samples[at]! - clean.samples[at]!) > excessDn / 2;
      });
      expect(left.length).toBeLessThanOrEqual(0.05 * bright.length);
      // What was no defect stays as it is, but for far tails of the noise, of which the D850 has many.
      const spoilt = new Set(changed(clean, mosaic));
      const touched = changed(mosaic, after).filter((at) => !spoilt.has(at));
      expect(touched.length).toBeLessThan(side ** 2 / 1000);
    },
  );

  it('that read nothing are mended too', () => {
    const { mosaic } = taken(
      nightOf((scene) => scene.fill(0.4)),
      { iso: 1600, ratio: 4 },
    );
    const samples = mosaic.samples.slice();
    const at = 60 * side + 71;
    samples[at] = 512;
    const after = mended({ ...mosaic, samples });
    expect(after.samples[at]! / mosaic.samples[at]!).toBeGreaterThan(0.8);
    expect(changed(after, { ...mosaic, samples })).toEqual([at]);
  });
});

describe('what is not alone stays, bit for bit', () => {
  it('a frame without hot pixels is the same object', () => {
    const { mosaic } = taken(
      nightOf((scene) => scene.fill(0.3)),
      { iso: 1600, ratio: 20 },
    );
    expect(mended(mosaic)).toBe(mosaic);
  });

  const white: Vector3 = [1, 1, 1];
  const blue: Vector3 = [0.5, 1, 1.6];
  const orange: Vector3 = [1.6, 1, 0.4];
  it.each([
    ['white', 1.2, white],
    ['blue', 1.6, blue],
    ['orange', 1.6, orange],
    ['white', 3, white],
  ] as const)('%s stars %d pixels wide, from faint to clipped', (_, fwhmPixels, colour) => {
    const photo = nightOf((samples) => {
      const random = new Random(7);
      const stars = Array.from({ length: 144 }, (__, index) => {
        const flux = 0.3 * 2 ** (index % 12);
        return {
          x: 8 + 15 * (index % 12) + random.uniform(0, 2),
          y: 8 + 15 * Math.floor(index / 12) + random.uniform(0, 2),
          fwhmPixels,
          flux: [flux * colour[0], flux * colour[1], flux * colour[2]] as const,
          snr: 0,
        };
      });
      addStars({ width: side, height: side, samples }, stars);
    });
    const { mosaic } = taken(photo);
    // One of 36,864 pixels is a far tail of the noise, beside an orange star.
    expect(changed(mosaic, mended(mosaic)).length).toBeLessThanOrEqual(1);
  });

  it('lamps of one colour, edges, and detail as fine as a pixel', () => {
    const red = nightOf((samples) => {
      const lamps = Array.from({ length: 100 }, (_, index) => ({
        x: 10.3 + 17.7 * (index % 10),
        y: 9.4 + 17.3 * Math.floor(index / 10),
        radiusPixels: 0.8 + 0.04 * index,
        light: [6, 0.4, 0.15] as const,
      }));
      addLamps({ width: side, height: side, samples }, lamps);
    });
    const zones = nightOf((scene) => {
      for (let at = 0; at < scene.length; at++) {
        const pixel = Math.floor(at / 3);
        const [x, y] = [pixel % side, Math.floor(pixel / side)];
        scene[at] = 0.4 + 0.35 * Math.cos((x * x + y * y) / 61);
      }
    });
    for (const photo of [red, zones]) {
      for (const [iso, ratio] of [
        [100, 1],
        [6400, 20],
      ] as const) {
        const { mosaic } = taken(photo, { iso, ratio });
        expect(changed(mosaic, mended(mosaic))).toEqual([]);
      }
    }
    expect(lightOfCode(red.codes[0]!)).toBeCloseTo(0.03, 3);
  });
});
