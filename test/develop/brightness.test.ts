/** The automatic exposure ratio: the same scene, however dark and noisy, gets the same brightness. */

import { describe, expect, test } from 'vitest';
import { autoRatio } from '../../main/develop/brightness.ts';
import { expose, mosaicOf, patches, street, type Scene } from './scenes.ts';

const gains = [2.2, 1, 1.6] as const;
const stops = (a: number, b: number): number => Math.log2(a / b);

/** The scene without noise, dim enough that its own answer is not cut off at ×1. */
function answerFor(scene: Scene, dimmed: number): number {
  const mosaic = expose(scene, 640, 480, {
    camera: 'sony-a7s2',
    iso: 100,
    ratio: dimmed,
    gains,
    isNoisy: false,
  });
  return autoRatio(mosaic, gains) / dimmed;
}

describe('a scene darkened ×N', () => {
  const clean = answerFor(street, 8);

  test.each([
    ['sony-a7s2', 1600, 30],
    ['sony-a7s2', 1600, 100],
    ['sony-a7s2', 6400, 30],
    ['sony-a7s2', 6400, 100],
    ['nikon-d850-bggr', 1600, 100],
    ['nikon-d850-bggr', 6400, 60],
  ])('on a %s at ISO %i, ×%i, is brightened N times as much', (camera, iso, ratio) => {
    const dark = expose(street, 640, 480, { camera, iso, ratio, gains });
    expect(Math.abs(stops(autoRatio(dark, gains), ratio * clean))).toBeLessThan(0.4);
  });

  test('does not change with the light it was taken in', () => {
    const warm = [1.4, 1, 3] as const;
    const dark = expose(street, 640, 480, {
      camera: 'sony-a7s2',
      iso: 1600,
      ratio: 60,
      gains: warm,
    });
    expect(Math.abs(stops(autoRatio(dark, warm), 60 * clean))).toBeLessThan(0.2);
  });
});

describe('the look', () => {
  const uniform =
    (level: number): Scene =>
    () => [level, level, level];

  test('an even scene comes to the key', () => {
    const mosaic = expose(uniform(0.5), 320, 320, {
      camera: 'sony-a7s2',
      iso: 400,
      ratio: 50,
      gains,
    });
    expect(autoRatio(mosaic, gains) * 0.01).toBeCloseTo(0.12, 2);
  });

  test('a bright frame is left as it is', () => {
    expect(
      autoRatio(
        expose(patches, 480, 480, { camera: 'sony-a7s2', iso: 100, ratio: 1, gains }),
        gains,
      ),
    ).toBe(1);
  });

  test('a lit façade holds the exposure back, a few lamps do not', () => {
    const lit =
      (width: number, height: number): Scene =>
      (x, y) =>
        x < width && y < height ? [0.8, 0.8, 0.8] : [0.01, 0.01, 0.01];
    const take = (scene: Scene): number =>
      autoRatio(
        expose(scene, 960, 320, { camera: 'sony-a7s2', iso: 400, ratio: 20, gains }),
        gains,
      ) / 20;
    expect(0.8 * take(lit(96, 320))).toBeCloseTo(1.2, 1);
    expect(0.01 * take(lit(30, 60))).toBeCloseTo(0.12, 2);
  });

  test('night stays night: shadows do not count', () => {
    const half =
      (dark: number): Scene =>
      (x) =>
        x < 320 ? [0.1, 0.1, 0.1] : [dark, dark, dark];
    const take = (dark: number): number =>
      autoRatio(
        expose(half(dark), 640, 320, { camera: 'sony-a7s2', iso: 800, ratio: 20, gains }),
        gains,
      );
    expect(Math.abs(stops(take(0.0002), take(0)))).toBeLessThan(0.15);
  });
});

describe('what is no picture', () => {
  test.each([
    [1, 1, 512],
    [1, 40, 600],
    [31, 2, 600],
    [200, 200, 0],
    [200, 200, 16_383],
  ])('%i × %i samples of %i', (width, height, sample) => {
    const samples = new Uint16Array(width * height).fill(sample);
    const mosaic = {
      ...mosaicOf(width, height, samples, 'BGGR'),
      blackLevel: [512, 512, 512, 512] as const,
    };
    const ratio = autoRatio(mosaic, gains);
    expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratio).toBeLessThanOrEqual(300);
    expect(ratio).toBe(Number(ratio.toPrecision(3)));
  });
});
