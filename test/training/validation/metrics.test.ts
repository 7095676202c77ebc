/** The measures against published values and hand-made pictures. */

import { describe, expect, it } from 'vitest';
import {
  ciede2000,
  labOfLinearSrgb,
  psnr,
  score,
  ssim,
  type LinearRgb,
} from '../../../main/training/validation/metrics.ts';
import { Random } from '../../../main/darkness/random.ts';
import type { Matrix3 } from '../../../main/raw/mosaic.ts';

const identity: Matrix3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function picture(side: number, pixel: (x: number, y: number) => readonly number[]): LinearRgb {
  const samples = new Float32Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) samples.set(pixel(x, y), (y * side + x) * 3);
  }
  return { width: side, height: side, samples };
}

/** Sharma, Wu & Dalal 2005, table 1: L*a*b* of two colours and their CIEDE2000. */
const sharma: readonly (readonly [number, number, number, number, number, number, number])[] = [
  [50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425],
  [50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615],
  [50, 2.8361, -74.02, 50, 0, -82.7485, 3.4412],
  [50, -1.3802, -84.2814, 50, 0, -82.7485, 1],
  [50, -1.1848, -84.8006, 50, 0, -82.7485, 1],
  [50, -0.9009, -85.5211, 50, 0, -82.7485, 1],
  [50, 0, 0, 50, -1, 2, 2.3669],
  [50, -1, 2, 50, 0, 0, 2.3669],
  [50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792],
  [50, 2.49, -0.001, 50, -2.49, 0.001, 7.1792],
  [50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195],
  [50, 2.49, -0.001, 50, -2.49, 0.0012, 7.2195],
  [50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045],
  [50, -0.001, 2.49, 50, 0.001, -2.49, 4.8045],
  [50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461],
  [50, 2.5, 0, 50, 0, -2.5, 4.3065],
  [50, 2.5, 0, 73, 25, -18, 27.1492],
  [50, 2.5, 0, 61, -5, 29, 22.8977],
  [50, 2.5, 0, 56, -27, -3, 31.903],
  [50, 2.5, 0, 58, 24, 15, 19.4535],
  [50, 2.5, 0, 50, 3.1736, 0.5854, 1],
  [50, 2.5, 0, 50, 3.2972, 0, 1],
  [50, 2.5, 0, 50, 1.8634, 0.5757, 1],
  [50, 2.5, 0, 50, 3.2592, 0.335, 1],
  [60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644],
  [63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.263],
  [61.2901, 3.7196, -5.3901, 61.4292, 2.248, -4.962, 1.8731],
  [35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645],
  [22.7233, 20.0904, -46.694, 23.0331, 14.973, -42.5619, 2.0373],
  [36.4612, 47.858, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146],
  [90.8027, -2.0831, 1.441, 91.1528, -1.6435, 0.0447, 1.4441],
  [90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381],
  [6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377],
  [2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082],
];

describe('colour difference', () => {
  it.each(sharma)('CIEDE2000 of (%f %f %f) and (%f %f %f) is %f', (l1, a1, b1, l2, a2, b2, de) => {
    expect(Math.abs(ciede2000([l1, a1, b1], [l2, a2, b2]) - de)).toBeLessThan(1e-4);
    expect(Math.abs(ciede2000([l2, a2, b2], [l1, a1, b1]) - de)).toBeLessThan(1e-4);
  });

  it('places white, grey and the primaries in L*a*b* (values of Lindbloom’s calculator)', () => {
    const close = (got: readonly number[], want: readonly number[]): void => {
      got.forEach((value, index) => {
        expect(Math.abs(value - want[index]!)).toBeLessThan(0.02);
      });
    };
    close(labOfLinearSrgb([1, 1, 1]), [100, 0, 0]);
    close(labOfLinearSrgb([0.18418652, 0.18418652, 0.18418652]), [50, 0, 0]);
    close(labOfLinearSrgb([1, 0, 0]), [53.24, 80.09, 67.2]);
    close(labOfLinearSrgb([0, 0, 1]), [32.3, 79.19, -107.86]);
  });
});

describe('signal to noise', () => {
  it('is 20 dB for an error of a tenth, infinite for none', () => {
    expect(psnr(Float32Array.of(0.5, 0.4), Float32Array.of(0.6, 0.3))).toBeCloseTo(20, 5);
    expect(psnr(Float32Array.of(0.5), Float32Array.of(0.5))).toBe(Number.POSITIVE_INFINITY);
    expect(() => psnr(new Float32Array(2), new Float32Array(3))).toThrow(RangeError);
  });
});

describe('structural similarity', () => {
  it('of flat planes is the luminance term alone', () => {
    const a = new Float64Array(400).fill(0.4);
    const b = new Float64Array(400).fill(0.6);
    expect(ssim(a, b, 20, 20)).toBeCloseTo((2 * 0.24 + 1e-4) / (0.16 + 0.36 + 1e-4), 9);
    expect(ssim(a, a, 20, 20)).toBeCloseTo(1, 12);
  });

  it('agrees with the formula worked out for one window', () => {
    const random = new Random(1);
    const a = Float64Array.from({ length: 121 }, () => random.unit());
    const b = a.map((value) => 0.7 * value + 0.3 * random.unit());
    const weights = a.map((_, index) =>
      Math.exp(-(((index % 11) - 5) ** 2 + (Math.floor(index / 11) - 5) ** 2) / 4.5),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const mean = (value: (index: number) => number): number =>
      weights.reduce((sum, weight, index) => sum + weight * value(index), 0) / total;
    const ma = mean((index) => a[index]!);
    const mb = mean((index) => b[index]!);
    const va = mean((index) => (a[index]! - ma) ** 2);
    const vb = mean((index) => (b[index]! - mb) ** 2);
    const cov = mean((index) => (a[index]! - ma) * (b[index]! - mb));
    const want =
      ((2 * ma * mb + 1e-4) * (2 * cov + 9e-4)) / ((ma * ma + mb * mb + 1e-4) * (va + vb + 9e-4));
    expect(ssim(a, b, 11, 11)).toBeCloseTo(want, 9);
  });
});

describe('score', () => {
  const grey = picture(80, () => [0.5, 0.5, 0.5]);

  it('is perfect for the truth itself', () => {
    const { rgbP, raw, ssim: similarity, blockDeltaE } = score(grey, grey, identity);
    expect([rgbP, raw]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(similarity).toBeCloseTo(1, 12);
    expect(blockDeltaE).toBe(0);
  });

  it('leaves a rim of 8 pixels out and no more', () => {
    const rim = picture(80, (x, y) =>
      Math.min(x, y, 79 - x, 79 - y) < 8 ? [9, 0, 0] : [0.5, 0.5, 0.5],
    );
    expect(score(rim, grey, identity).raw).toBe(Number.POSITIVE_INFINITY);
    const inside = picture(80, (x, y) => (x === 8 && y === 8 ? [0, 0.5, 0.5] : [0.5, 0.5, 0.5]));
    expect(score(inside, grey, identity).raw).toBeCloseTo(10 * Math.log10((64 * 64 * 3) / 0.25), 4);
  });

  it('clips both sides to 0 … 1 before comparing', () => {
    const bright = picture(80, () => [1.5, 3, 1]);
    const white = picture(80, () => [1, 1, 8]);
    expect(score(bright, white, identity).raw).toBe(Number.POSITIVE_INFINITY);
  });

  it('measures rgbP on the encoded rendering through the matrix', () => {
    const other = picture(80, () => [0.25, 0.5, 0.5]);
    const encoded = (light: number): number => 1.055 * light ** (1 / 2.4) - 0.055;
    const plain = score(other, grey, identity);
    const error = encoded(0.5) - encoded(0.25);
    expect(plain.rgbP).toBeCloseTo(-10 * Math.log10((error * error) / 3), 4);
    expect(plain.raw).toBeCloseTo(-10 * Math.log10(0.0625 / 3), 4);
    // Red ignored by the matrix: nothing is left to see.
    const blind = score(other, grey, [0, 1, 0, 0, 1, 0, 0, 0, 1]);
    expect(blind.rgbP).toBe(Number.POSITIVE_INFINITY);
  });

  it('block ΔE sees casts, not grain', () => {
    const random = new Random(2);
    const grain = picture(80, () => [0, 1, 2].map(() => 0.5 + 0.02 * random.gaussian()));
    const cast = picture(80, () => [0.5, 0.5, 0.42]);
    expect(score(grain, grey, identity).blockDeltaE).toBeLessThan(0.2);
    const encoded = (light: number): number => 1.055 * light ** (1 / 2.4) - 0.055;
    expect(encoded(0.5)).toBeGreaterThan(encoded(0.42));
    expect(score(cast, grey, identity).blockDeltaE).toBeCloseTo(
      ciede2000(labOfLinearSrgb([0.5, 0.5, 0.42]), labOfLinearSrgb([0.5, 0.5, 0.5])),
      3,
    );
  });

  it('refuses pictures of different sizes and tiny ones', () => {
    expect(() =>
      score(
        picture(64, () => [0, 0, 0]),
        grey,
        identity,
      ),
    ).toThrow(/80 × 80/);
    const tiny = picture(16, () => [0, 0, 0]);
    expect(() => score(tiny, tiny, identity)).toThrow(RangeError);
  });
});
