/** The way out: neutral stays neutral, hue survives the gamut, and every orientation stands upright. */

import { describe, expect, test } from 'vitest';
import { cameraToOutput, invert, multiply, transform } from '../../main/develop/colour.ts';
import { Finisher } from '../../main/develop/finish.ts';
import type { OutputSpace } from '../../main/raw/image.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { encode, rollOff } from '../../main/develop/tone.ts';
import type { Mosaic, Orientation, Vector3 } from '../../main/raw/mosaic.ts';
import { simulatedCameras } from '../../main/darkness/cameras.ts';
import { mosaicOf } from './scenes.ts';

const spaces: readonly OutputSpace[] = ['srgb', 'display-p3', 'rec2020'];

/** Finishes one tile that covers the packed grid of a mosaic. */
function finish(
  mosaic: Mosaic,
  light: (x: number, y: number) => Vector3,
  space: OutputSpace = 'srgb',
  balance: Vector3 = [1, 1, 1],
): { readonly width: number; readonly height: number; readonly samples: number[] } {
  const grid = packedGrid(mosaic);
  const [width, height] = [2 * grid.width, 2 * grid.height];
  const samples = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      samples.set(light(x - grid.columnsBefore, y - grid.rowsBefore), (y * width + x) * 3);
    }
  }
  const finisher = new Finisher({ ...mosaic, grid }, { space, balance });
  finisher.add({ area: { x: 0, y: 0, width, height }, samples });
  return {
    width: finisher.image.width,
    height: finisher.image.height,
    samples: Array.from(finisher.image.samples),
  };
}

describe('orientation', () => {
  // A frame of two rows, 1 2 3 / 4 5 6, as EXIF 2.32 (tag 274) wants each seen.
  const upright: readonly (readonly [Orientation, readonly (readonly number[])[]])[] = [
    [1, [[1, 2, 3], [4, 5, 6]]],
    [2, [[3, 2, 1], [6, 5, 4]]],
    [3, [[6, 5, 4], [3, 2, 1]]],
    [4, [[4, 5, 6], [1, 2, 3]]],
    [5, [[1, 4], [2, 5], [3, 6]]],
    [6, [[4, 1], [5, 2], [6, 3]]],
    [7, [[6, 3], [5, 2], [4, 1]]],
    [8, [[3, 6], [2, 5], [1, 4]]],
  ]; // prettier-ignore

  test.each(upright)('%i', (orientation, rows) => {
    for (const cfa of ['RGGB', 'GRBG', 'GBRG', 'BGGR'] as const) {
      const mosaic = { ...mosaicOf(3, 2, new Uint16Array(6), cfa), orientation };
      const picture = finish(mosaic, (x, y) => {
        // What lies beside the frame, of the grid's own, must not get into the picture.
        const level = x < 0 || y < 0 || x > 2 || y > 1 ? 0.65 : 0.1 * (y * 3 + x + 1);
        return [level, level, level];
      });
      expect([picture.width, picture.height]).toEqual([rows[0]?.length, rows.length]);
      const seen = rows.flat().map((number) => 65_535 * encode(0.1 * number, 'srgb'));
      seen.forEach((value, i) => {
        for (let c = 0; c < 3; c++) {
          expect(Math.abs((picture.samples[3 * i + c] ?? Number.NaN) - value)).toBeLessThan(8);
        }
      });
    }
  });
});

describe('colour', () => {
  test.each(simulatedCameras.flatMap(({ id }) => spaces.map((space) => [id, space] as const)))(
    'white of a %s is white in %s',
    (id, space) => {
      const camera = simulatedCameras.find((candidate) => candidate.id === id);
      if (camera === undefined) throw new Error(`no camera ${id}`);
      const matrix = cameraToOutput(
        { asShotGains: [2, 1, 1.5], xyzToCamera: camera.xyzToCamera },
        space,
      );
      for (const channel of transform(matrix, [1, 1, 1])) expect(channel).toBeCloseTo(1, 6);
    },
  );

  test('a camera that is sRGB keeps its numbers, and Rec. 2020 holds its red as published', () => {
    const xyzToSrgb = invert([
      0.4123908, 0.3575843, 0.1804808, 0.212639, 0.7151687, 0.0721923, 0.0193308, 0.1191948, 0.9505322,
    ]); // prettier-ignore
    const colour = { asShotGains: [1, 1, 1] as const, xyzToCamera: xyzToSrgb };
    transform(cameraToOutput(colour, 'srgb'), [0.2, 0.5, 0.7]).forEach((value, i) => {
      expect(value).toBeCloseTo([0.2, 0.5, 0.7][i] ?? Number.NaN, 5);
    });
    // ITU-R BT.2087: linear BT.709 red is 0.6274, 0.0691, 0.0164 in BT.2020.
    transform(cameraToOutput(colour, 'rec2020'), [1, 0, 0]).forEach((value, i) => {
      expect(value).toBeCloseTo([0.6274, 0.0691, 0.0164][i] ?? Number.NaN, 3);
    });
  });

  test('a matrix and its inverse make one', () => {
    for (const { xyzToCamera } of simulatedCameras) {
      multiply(invert(xyzToCamera), xyzToCamera).forEach((cell, i) =>
        expect(cell).toBeCloseTo(i % 4 === 0 ? 1 : 0, 9),
      );
    }
    expect(() => invert([1, 2, 3, 2, 4, 6, 0, 0, 1])).toThrow('inverted');
  });

  test.each(spaces)('a balance asked for warms the picture in %s', (space) => {
    const grey = (): Vector3 => [0.3, 0.3, 0.3];
    const [red = 0, green = 0, blue = 0] = finish(
      mosaicOf(2, 2, new Uint16Array(4)),
      grey,
      space,
      [1.3, 1, 0.7],
    ).samples;
    expect(red).toBeGreaterThan(green);
    expect(green).toBeGreaterThan(blue);
  });

  test('what is out of gamut keeps its hue and its luminance', () => {
    const xyzToSrgb = invert([
      0.4123908, 0.3575843, 0.1804808, 0.212639, 0.7151687, 0.0721923, 0.0193308, 0.1191948, 0.9505322,
    ]); // prettier-ignore
    const colour = { asShotGains: [1, 1, 1] as const, xyzToCamera: xyzToSrgb };
    const mosaic = { ...mosaicOf(2, 2, new Uint16Array(4)), colour };
    const decode = (code: number): number =>
      code / 65_535 <= 0.04045 ? code / 65_535 / 12.92 : ((code / 65_535 + 0.055) / 1.055) ** 2.4;
    const [r = 0, g = 0, b = 0] = finish(mosaic, () => [0.5, -0.05, 0.2])
      .samples.slice(0, 3)
      .map(decode);
    const luminance = (x: number, y: number, z: number): number =>
      0.212639 * x + 0.7151687 * y + 0.0721923 * z;
    expect(luminance(r, g, b)).toBeCloseTo(luminance(0.5, -0.05, 0.2), 3);
    expect(g).toBeCloseTo(0, 3);
    // The same place between the largest and the least: the hue.
    expect((b - g) / (r - g)).toBeCloseTo((0.2 + 0.05) / (0.5 + 0.05), 2);
    const [black] = finish(mosaic, () => [-0.1, -0.2, -0.3]).samples;
    expect(black).toBe(0);
  });
});

describe('tone', () => {
  test('is the space alone up to the knee, and never falls or clips below 4', () => {
    expect(rollOff(0.5)).toBe(0.5);
    let last = 0;
    for (let x = 0.01; x < 4; x += 0.01) {
      const shown = rollOff(x);
      expect(shown).toBeGreaterThan(last);
      expect(shown).toBeLessThan(1);
      last = shown;
    }
  });

  test.each(spaces)('%s: middle grey, black and white are where its standard has them', (space) => {
    const at = (level: number): number =>
      finish(mosaicOf(2, 2, new Uint16Array(4)), () => [level, level, level], space).samples[0]! /
      65_535;
    const middle =
      space === 'rec2020'
        ? 1.09929682680944 * 0.18 ** 0.45 - 0.09929682680944
        : 1.055 * 0.18 ** (1 / 2.4) - 0.055;
    expect(at(0.18)).toBeCloseTo(middle, 4);
    expect(at(0)).toBe(0);
    expect(at(-1)).toBe(0);
    expect(at(1000)).toBeGreaterThan(0.99);
    expect(at(Number.NaN)).toBe(0);
  });
});
