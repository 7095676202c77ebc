/** Clipped light after the camera's white balance: lamps are white, coloured lamps coloured. */

import { describe, expect, it } from 'vitest';

import { clippedWhite, keepWhite, whitenClipped } from '../../main/develop/highlights.ts';
import type { Vector3 } from '../../main/raw/mosaic.ts';

const gains: Vector3 = [2, 1, 1.6];

function whitened(pixel: Vector3, ratio = 1, balance = gains): number[] {
  const samples = Float32Array.from([0, 0, 0, ...pixel]);
  whitenClipped(samples, ratio, balance);
  expect([...samples.subarray(0, 3)]).toEqual([0, 0, 0]);
  return [...samples.subarray(3)];
}

/** What a sensor with white at 1 makes of balanced light. */
function sensed(light: Vector3, ratio = 1, balance = gains): Vector3 {
  const of = (c: 0 | 1 | 2): number => Math.min(light[c], ratio * balance[c]);
  return [of(0), of(1), of(2)];
}

function expectNear(actual: readonly number[], expected: Vector3): void {
  expected.forEach((value, c) => {
    expect(actual[c]).toBeCloseTo(value, 5);
  });
}

describe('clipped light', () => {
  it.each([
    ['daylight', gains],
    ['tungsten, where red clips first', [0.9, 1, 3.1] as const],
  ])('of a lamp is white under %s, however bright', (_name, balance) => {
    for (let light = 0.1; light < 6; light *= 1.1) {
      const [r, g, b] = whitened(sensed([light, light, light], 1.1, balance), 1.1, balance);
      expect(Math.max(r!, g!, b!) / Math.min(r!, g!, b!)).toBeCloseTo(1, 5);
      expect(g).toBeCloseTo(Math.min(light, 1.1 * Math.min(...balance)), 5);
    }
  });

  it('is white too where the sensor saturates under the level that its files state', () => {
    expectNear(whitened([0.95 * 2, 0.95, 0.95 * 1.6]), [0.95, 0.95, 0.95]);
  });

  it('of one colour leaves what is darker as it is: a tail lamp stays red, a yellow one yellow', () => {
    expectNear(whitened([2, 0.3, 0.1]), [2, 0.3, 0.1]);
    expectNear(whitened([2, 1, 0.3]), [1, 1, 0.3]);
  });

  it('comes on without an edge: light that grows by a little changes by a little', () => {
    const step = 0.001;
    let last = whitened(sensed([1.4 * 0.7, 0.7, 1.1 * 0.7]));
    for (let light = 0.7 + step; light < 1.1; light += step) {
      const next = whitened(sensed([1.4 * light, light, 1.1 * light]));
      next.forEach((value, c) => {
        expect(Math.abs(value - last[c]!)).toBeLessThan(8 * step);
      });
      last = next;
    }
  });
});

describe('clipped light under a white balance that was chosen', () => {
  const balance: Vector3 = [0.6, 1, 1.7];
  const white = clippedWhite(1.1, gains);
  const balanced = (light: Vector3): number[] => {
    const samples = Float32Array.from(whitened(light, 1.1));
    keepWhite(samples, white, balance);
    return balance.map((factor, c) => factor * samples[c]!);
  };

  it('is as white as before', () => {
    expectNear(balanced(sensed([5, 5, 5], 1.1)), [white, white, white]);
  });

  it('turns from balanced to white without an edge', () => {
    const step = 0.001;
    let last = balanced([0.8, 0.8, 0.8]);
    expectNear(last, [0.8 * 0.6, 0.8, 0.8 * 1.7]);
    for (let light = 0.8 + step; light < 1.3; light += step) {
      const next = balanced(sensed([light, light, light], 1.1));
      next.forEach((value, c) => {
        expect(Math.abs(value - last[c]!)).toBeLessThan(14 * step);
      });
      last = next;
    }
  });

  it('and only that: a red lamp is balanced like all else', () => {
    expectNear(balanced([2.2, 0.3, 0.1]), [2.2 * 0.6, 0.3, 0.1 * 1.7]);
  });

  it('stays bit for bit where none was chosen', () => {
    const samples = Float32Array.from([1.1, 1.1, 1.1]);
    keepWhite(samples, white, [1, 1, 1]);
    expect([...samples]).toEqual([...Float32Array.from([1.1, 1.1, 1.1])]);
  });
});

describe('light that is not clipped', () => {
  it('stays bit for bit, noise below black and NaN too', () => {
    const samples = Float32Array.from([1.6, 0.84, 1.3, -0.2, 0.1, -3, NaN, 0.5, 1]);
    const before = samples.slice();
    whitenClipped(samples, 1, gains);
    expect(samples).toEqual(before);
  });

  it('is let be in the dark, where clipped samples are one white to the network', () => {
    expectNear(whitened([4, 3.9, 3], 5), [4, 3.9, 3]);
  });
});
