/** The develop line with a real network: cut into tiles, a frame comes out as it does whole. */

import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { develop, type RunNetwork, type TileResult } from '../../main/develop/develop.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { planTiles, type Tile } from '../../main/develop/tiles.ts';
import { inferenceModel } from '../../main/network/inference-model.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { firstWeights } from '../../main/training/step/weights.ts';
import { expose, street } from './scenes.ts';

const shape = { inputChannels: 4, outputChannels: 12, baseChannels: 8, levels: 5 } as const;
const gains = [2.2, 1, 1.6] as const;
const ratio = 60;

let session: ort.InferenceSession;
const run: RunNetwork = async (packed, width, height) => {
  const mosaic = new ort.Tensor('float32', packed, [1, 4, height, width]);
  const data = (await session.run({ mosaic }))['packed']?.data;
  if (!(data instanceof Float32Array)) throw new Error('expected floats from the network');
  return data;
};

beforeAll(async () => {
  const model = inferenceModel(shape, firstWeights(shape, 7));
  session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 2,
    enableCpuMemArena: false,
  });
});
afterAll(() => session.release());

/** Everything the tiles hold, in one picture of the packed grid doubled. */
async function picture(mosaic: Mosaic, tiles: readonly Tile[]): Promise<Float32Array> {
  const grid = packedGrid(mosaic);
  const whole = new Float32Array(grid.width * grid.height * 4 * 3).fill(Number.NaN);
  for await (const { area, samples } of develop({ mosaic, ratio, gains, tiles, run })) {
    for (let y = 0; y < area.height; y++) {
      const row = samples.subarray(y * area.width * 3, (y + 1) * area.width * 3);
      whole.set(row, ((area.y + y) * grid.width * 2 + area.x) * 3);
    }
  }
  return whole;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  // NaN, a pixel that no tile brought, must not slip through a comparison.
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!(difference <= largest))
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

describe('a frame whose sides divide by nothing', () => {
  const mosaic = expose(street, 1003, 771, {
    camera: 'nikon-d850-bggr',
    iso: 3200,
    ratio,
    gains,
    cfa: 'BGGR',
  });
  const grid = packedGrid(mosaic);
  let whole: Float32Array;
  beforeAll(async () => {
    whole = await picture(mosaic, planTiles(grid.width, grid.height, Number.POSITIVE_INFINITY));
  });

  test('comes out whole in one window', () => {
    expect([grid.width, grid.height]).toEqual([502, 386]);
    const mean = whole.reduce((sum, value) => sum + value, 0) / whole.length;
    const deviation = Math.sqrt(
      whole.reduce((sum, value) => sum + (value - mean) ** 2, 0) / whole.length,
    );
    // A network that answers nothing, or one value, would pass every comparison below.
    expect(deviation).toBeGreaterThan(0.05);
  });

  test.each([
    [180_000, 2],
    [110_000, 6],
    [90_000, 12],
  ])('and the same from windows of at most %i', async (area, atLeast) => {
    const tiles = planTiles(grid.width, grid.height, area);
    expect(tiles.length).toBeGreaterThanOrEqual(atLeast);
    expect(largestDifference(await picture(mosaic, tiles), whole)).toBeLessThanOrEqual(1e-4);
  });

  test('but not from windows with less around their cores than the network sees', async () => {
    const tiles: readonly Tile[] = [0, 208].map((x) => ({
      window: { x: x - 16, y: -16, width: x === 0 ? 256 : 336, height: 432 },
      core: { x, y: 0, width: x === 0 ? 208 : 294, height: 386 },
    }));
    expect(largestDifference(await picture(mosaic, tiles), whole)).toBeGreaterThan(1e-3);
  });
});

test.each(['RGGB', 'GRBG', 'GBRG', 'BGGR'] as const)(
  'a small %s frame comes out whole',
  async (cfa) => {
    const mosaic = expose(street, 61, 47, { camera: 'sony-a7s2', iso: 1600, ratio, gains, cfa });
    const grid = packedGrid(mosaic);
    const result = await picture(mosaic, planTiles(grid.width, grid.height, 1));
    expect(result.every(Number.isFinite)).toBe(true);
  },
);

describe('the line', () => {
  const mosaic = expose(street, 900, 500, { camera: 'sony-a7s2', iso: 1600, ratio, gains });
  const grid = packedGrid(mosaic);
  const tiles = planTiles(grid.width, grid.height, 80_000);

  test('stops between tiles when it is cancelled', async () => {
    const controller = new AbortController();
    let done = 0;
    const line = async (): Promise<void> => {
      const answer: RunNetwork = (packed, width, height) =>
        Promise.resolve(new Float32Array((packed.length / (width * height)) * 3 * width * height));
      for await (const tile of develop({
        mosaic,
        ratio,
        gains,
        tiles,
        run: answer,
        signal: controller.signal,
      })) {
        expect(tile.samples.length).toBe(tile.area.width * tile.area.height * 3);
        done += 1;
        if (done === 2) controller.abort();
      }
    };
    await expect(line()).rejects.toMatchObject({ name: 'Refusal', code: 'cancelled' });
    expect(tiles.length).toBeGreaterThan(3);
    expect(done).toBeLessThan(tiles.length);
  });

  test('hands on what the network throws', async () => {
    const failing: RunNetwork = () => Promise.reject(new Error('no memory'));
    const line = develop({ mosaic, ratio, gains, tiles, run: failing });
    await expect(line.next()).rejects.toThrow('no memory');
  });

  test('gives the network the amplified window and hands on both', async () => {
    const answer: RunNetwork = (packed, width, height) => {
      const plane = width * height;
      return Promise.resolve(
        Float32Array.from(
          { length: 12 * plane },
          (_, i) => packed[Math.floor(i / plane / 3) * plane + (i % plane)]!,
        ),
      );
    };
    const results: TileResult[] = [];
    for await (const tile of develop({ mosaic, ratio, gains, tiles, run: answer }))
      results.push(tile);
    expect(results.map(({ tile }) => tile)).toEqual(tiles);
    const [first] = results;
    if (first === undefined) throw new Error('expected a tile');
    // Each site's own sample came back as that site's pixel.
    const { width } = first.tile.window;
    const at = (first.tile.core.y + 16 + 3) * width + first.tile.core.x + 16 + 5;
    const light = (mosaic.samples[6 * mosaic.width + 10]! - 512) / (16_383 - 512);
    expect(first.input[at]).toBeCloseTo(light * ratio * gains[0], 5);
    expect(first.samples[(6 * first.area.width + 10) * 3]).toBe(first.input[at]);
    expect(first.output[at]).toBe(first.input[at]);
  });
});
