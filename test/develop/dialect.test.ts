/** Networks that paint finished pictures: the finish makes of them what they painted, and nothing else. */

import { describe, expect, test } from 'vitest';
import { develop } from '../../main/develop/develop.ts';
import { fitted, type NetworkTerms } from '../../main/develop/dialect.ts';
import { Finisher, type Look } from '../../main/develop/finish.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { planTiles } from '../../main/develop/tiles.ts';
import { rollOff, srgbLight, encode, toneMax, unrolled } from '../../main/develop/tone.ts';
import { expose, street } from './scenes.ts';

const night = expose(street, 96, 80, {
  camera: 'nikon-d850-bggr',
  iso: 800,
  ratio: 100,
  gains: [2.1, 1, 1.4],
});
const painter: NetworkTerms = { clamp: 1, whiteBalanced: false, domain: 'srgb' };

/** A value in 0 … 1 for each channel of each place: what the network "paints". */
function painted(channel: number, x: number, y: number): number {
  return ((x * 7 + y * 13 + channel * 29) % 101) / 100;
}

async function picture(look: Look): Promise<Uint16Array> {
  const grid = packedGrid(night);
  const tiles = planTiles(grid.width, grid.height, 512 * 512);
  const run = fitted(
    (_packed, width, height) =>
      Promise.resolve(
        Float32Array.from({ length: 12 * width * height }, (_, at) => {
          const plane = Math.floor(at / (width * height));
          const place = at % (width * height);
          return painted(plane, place % width, Math.floor(place / width));
        }),
      ),
    painter,
    night.colour,
  );
  const finisher = new Finisher({ ...night, grid }, look);
  const gains = night.colour.asShotGains;
  for await (const tile of develop({ mosaic: night, ratio: 100, gains, tiles, run })) {
    finisher.add(tile);
    if (tiles.length === 1) window = tile.tile.window;
  }
  return finisher.image.samples;
}
let window = { x: 0, y: 0, width: 0, height: 0 };

describe('a network that paints in sRGB', () => {
  test('is shown as it painted: no second curve, matrix or white balance', async () => {
    const grid = packedGrid(night);
    const samples = await picture({ space: 'srgb', balance: [1, 1, 1] });
    let worst = 0;
    for (let y = 0; y < night.height; y++) {
      for (let x = 0; x < night.width; x++) {
        const [column, row] = [x + grid.columnsBefore, y + grid.rowsBefore];
        const site = (row & 1) * 2 + (column & 1);
        for (let c = 0; c < 3; c++) {
          const value = painted(site * 3 + c, (column >> 1) - window.x, (row >> 1) - window.y);
          worst = Math.max(
            worst,
            Math.abs((samples[(y * night.width + x) * 3 + c] ?? 0) - 65_535 * value),
          );
        }
      }
    }
    // A third of a step of 8 bits: the tables' own.
    expect(worst).toBeLessThan(90);
  });

  test('takes the photographer’s look as any picture does', async () => {
    const tone = { exposure: -1, highlights: 0, shadows: 0, contrast: 0, saturation: 0 };
    const plain = await picture({ space: 'srgb', balance: [1, 1, 1] });
    const darker = await picture({ space: 'srgb', balance: [1, 1, 1], tone });
    const mean = (list: Uint16Array): number =>
      list.reduce((sum, code) => sum + srgbLight(code / 65_535), 0) / list.length;
    expect(mean(darker)).toBeLessThan(0.62 * mean(plain));
    const warmer = await picture({ space: 'srgb', balance: [1.3, 1, 0.8] });
    const part = (list: Uint16Array, c: number): number =>
      mean(list.filter((_, index) => index % 3 === c));
    expect(part(warmer, 0)).toBeGreaterThan(1.05 * part(plain, 0));
    expect(part(warmer, 2)).toBeLessThan(0.95 * part(plain, 2));
  });

  test('is fed what it was trained on: unbalanced, and no brighter than white', async () => {
    const fed: Float32Array[] = [];
    const run = fitted(
      (packed, width, height) => {
        fed.push(packed);
        return Promise.resolve(new Float32Array(12 * width * height));
      },
      painter,
      night.colour,
    );
    const balanced = Float32Array.of(2.1 * 0.5, -2.1 * 0.3, 0.7, 3.9, 1.4 * 0.25, 4);
    await run(Float32Array.from([...balanced.subarray(0, 2), 0.7, 3.9, 0.1, 0.2, 0.35, 4]), 2, 1);
    const [given] = fed;
    [0.5, -0.3, 0.7, 1, 0.1, 0.2, 0.25, 1].forEach((expected, at) => {
      expect(given?.[at]).toBeCloseTo(expected, 5);
    });
  });
});

test('networks that speak the line’s own language are run as they are', () => {
  const run = (): Promise<Float32Array> => Promise.resolve(new Float32Array(12));
  const terms: NetworkTerms = { clamp: 4, whiteBalanced: true, domain: 'camera-linear' };
  expect(fitted(run, terms, night.colour)).toBe(run);
});

test('the roll-off is undone', () => {
  for (const x of [0, 0.3, 0.7, 0.71, 0.95, 1, 1.5, 2.5]) {
    expect(unrolled(rollOff(x))).toBeCloseTo(x, 6);
  }
  expect(unrolled(1)).toBe(toneMax);
  for (const x of [0, 0.002, 0.2, 1]) expect(srgbLight(encode(x, 'srgb'))).toBeCloseTo(x, 9);
});
