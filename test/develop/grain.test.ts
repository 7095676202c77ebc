/** The grain that is given back: grey, fine, as strong as asked, and the same however a frame is cut. */

import { beforeAll, describe, expect, test } from 'vitest';
import { develop, type RunNetwork, type TileResult } from '../../main/develop/develop.ts';
import { addGrain, type GrainOptions } from '../../main/develop/grain.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { planTiles } from '../../main/develop/tiles.ts';
import { unpackCore } from '../../main/develop/unpack.ts';
import { Random } from '../../main/darkness/random.ts';
import { expose, street } from './scenes.ts';

const ratio = 100;
const gains = [2, 1, 1.5] as const;
const noise = { slope: 1e-4, offset: 2.5e-7 };

/** σ of an amplified sample where the network says `light`. */
function sigmaOf(light: number, gain = 1): number {
  return Math.sqrt(noise.slope * ratio * gain * light + noise.offset * (ratio * gain) ** 2);
}

/** A tile on which the network answers an even grey, and the sensor saw that and `extra`. */
function greyTile(
  light: number,
  extra: (site: number, x: number, y: number) => number,
  side = 128,
): TileResult {
  const window = { x: -16, y: -16, width: side + 32, height: side + 32 };
  const tile = { window, core: { x: 0, y: 0, width: side, height: side } };
  const plane = window.width * window.height;
  const output = new Float32Array(12 * plane).fill(light);
  const input = new Float32Array(4 * plane);
  for (let site = 0; site < 4; site++) {
    for (let y = 0; y < window.height; y++) {
      for (let x = 0; x < window.width; x++) {
        input[(site * window.height + y) * window.width + x] = light + extra(site, x - 16, y - 16);
      }
    }
  }
  return { ...unpackCore(output, tile), tile, input, output };
}

const siteGains = [2, 1, 1, 1.5] as const;

function noisyTile(light: number, seed = 1): TileResult {
  const random = new Random(seed);
  return greyTile(light, (site) => sigmaOf(light, siteGains[site]) * random.gaussian());
}

/** What was added to each pixel of a copy of the tile, by its green. */
function grainOf(
  tile: TileResult,
  strength: number,
  options: Partial<GrainOptions> = {},
): Float32Array {
  const samples = tile.samples.slice();
  addGrain({ ...tile, samples }, { strength, noise, ratio, gains, ...options });
  return Float32Array.from(
    { length: samples.length / 3 },
    (_, i) => samples[3 * i + 1]! - tile.samples[3 * i + 1]!,
  );
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: Float32Array): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Standard deviation of the means of side × side pixels. */
function deviationOfBlocks(values: Float32Array, width: number, side: number): number {
  const across = width / side;
  const means = new Float32Array(across * across);
  values.forEach((value, i) => {
    const block =
      Math.floor(Math.floor(i / width) / side) * across + Math.floor((i % width) / side);
    means[block]! += value / (side * side);
  });
  return deviationOf(means);
}

describe('strength', () => {
  test('1 leaves every bit as it is, and asks for nothing else', () => {
    const tile = noisyTile(0.5);
    const before = tile.samples.slice();
    addGrain(
      { ...tile, input: new Float32Array(0), output: new Float32Array(0) },
      { strength: 1, noise, ratio, gains },
    );
    expect(Buffer.from(tile.samples.buffer).equals(Buffer.from(before.buffer))).toBe(true);
  });

  test('0 gives back the luminance noise of a plain demosaic', () => {
    // Mean of bilinear luma's share at the four sites, for σ of the sensor's own samples: 0.56.
    const deviation = deviationOf(grainOf(noisyTile(0.5), 0)) / sigmaOf(0.5);
    expect(deviation).toBeGreaterThan(0.45);
    expect(deviation).toBeLessThan(0.6);
  });

  test('between them the grain is in proportion', () => {
    const tile = noisyTile(0.5);
    const [all, half, tenth] = [grainOf(tile, 0), grainOf(tile, 0.5), grainOf(tile, 0.9)];
    all.forEach((value, i) => {
      expect(half[i]).toBeCloseTo(value / 2, 6);
      expect(tenth[i]).toBeCloseTo(value / 10, 6);
    });
  });

  test('outside 0 to 1 is the nearer of them', () => {
    const tile = noisyTile(0.5);
    expect(grainOf(tile, -3)).toEqual(grainOf(tile, 0));
    expect(deviationOf(grainOf(tile, 2))).toBe(0);
  });
});

describe('the grain', () => {
  test('is grey', () => {
    const tile = noisyTile(0.4);
    const before = tile.samples.slice();
    addGrain(tile, { strength: 0.2, noise, ratio, gains });
    let largest = 0;
    for (let i = 0; i < before.length; i += 3) {
      const [red, green, blue] = [0, 1, 2].map((c) => tile.samples[i + c]! - before[i + c]!);
      largest = Math.max(largest, Math.abs(red! - green!), Math.abs(blue! - green!));
    }
    expect(largest).toBeLessThan(1e-6);
    expect(deviationOf(tile.samples)).toBeGreaterThan(0.01);
  });

  test('does not make the picture brighter or darker', () => {
    const grain = grainOf(noisyTile(0.5), 0);
    expect(Math.abs(meanOf(grain))).toBeLessThan(0.002 * deviationOf(grain));
  });

  test('is fine: means of 32 pixels keep a third of what the noise itself would leave in them', () => {
    const grain = grainOf(noisyTile(0.5), 0);
    expect(deviationOfBlocks(grain, 256, 32)).toBeLessThan(0.4 * (sigmaOf(0.5) / 32));
  });

  test('brings no blotches back that the network left out', () => {
    const blotch = (site: number, x: number, y: number): number =>
      sigmaOf(0.5, siteGains[site]) * Math.sin(x / 12) * Math.cos(y / 15);
    const grain = grainOf(greyTile(0.5, blotch), 0);
    expect(deviationOf(grain)).toBeLessThan(0.05 * sigmaOf(0.5));
  });

  test('has no pattern of the colours where the network is off in one of them', () => {
    const grain = grainOf(
      greyTile(0.5, (site) => [0.08, -0.02, -0.02, -0.1][site]!),
      0,
    );
    expect(deviationOf(grain)).toBeLessThan(1e-6);
  });

  test('is as strong at every site of the cell', () => {
    const grain = grainOf(noisyTile(0.5), 0);
    const sites = [0, 1, 256, 257].map((first) =>
      deviationOf(
        Float32Array.from(
          { length: 128 * 128 },
          (_, i) => grain[first + (Math.floor(i / 128) * 256 + (i % 128)) * 2]!,
        ),
      ),
    );
    expect(Math.max(...sites) / Math.min(...sites)).toBeLessThan(1.05);
  });

  test('follows the noise: more in bright places, more with more gain', () => {
    const [dim, bright] = [
      deviationOf(grainOf(noisyTile(0.3), 0)),
      deviationOf(grainOf(noisyTile(1.2), 0)),
    ];
    expect(bright / dim).toBeGreaterThan(1.5);
  });

  test('leaves hot and dead pixels out', () => {
    const hot = (site: number, x: number, y: number): number => {
      if (site !== 1 || y !== 40) return 0;
      return x === 30 ? 3.5 : x === 60 ? -0.5 : x === 90 ? 8 * sigmaOf(0.5) : 0;
    };
    const grain = grainOf(greyTile(0.5, hot), 0);
    const largest = grain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeLessThan(0.07 * sigmaOf(0.5));
  });

  test('keeps all of a deviation of 2σ and softens one of 4σ', () => {
    const spike = (size: number): number => {
      const grain = grainOf(
        greyTile(5, (site, x, y) => (site === 2 && x === 30 && y === 40 ? size * sigmaOf(5) : 0)),
        0,
      );
      return grain.reduce((most, value) => Math.max(most, value), 0) / (0.5 * sigmaOf(5));
    };
    expect(spike(1)).toBeGreaterThan(0.9);
    expect(spike(2)).toBeGreaterThan(1.75);
    expect(spike(4)).toBeLessThan(3);
  });

  test('does not lift the deepest shadows: no more than their light can carry', () => {
    const light = 0.004;
    const grain = grainOf(noisyTile(light), 0);
    expect(deviationOf(grain)).toBeLessThan(0.5 * light);
    expect(deviationOf(grain)).toBeGreaterThan(0.15 * light);
    expect(sigmaOf(light)).toBeGreaterThan(10 * light);
    const dark = greyTile(-0.01, (_, x, y) => (x * y) % 3);
    expect(deviationOf(grainOf(dark, 0))).toBe(0);
  });

  test('of a frame without noise is none', () => {
    const none = { slope: 0, offset: 0 };
    expect(
      grainOf(noisyTile(0.5), 0, { noise: none }).every((value) => Math.abs(value) < 1e-4),
    ).toBe(true);
  });
});

describe('tiles', () => {
  const mosaic = expose(street, 1003, 571, {
    camera: 'nikon-d850-bggr',
    iso: 3200,
    ratio,
    gains,
    cfa: 'BGGR',
  });
  const grid = packedGrid(mosaic);
  /** Stands for a network that sees little: 3×3 packed means of the site's own plane, zero outside. */
  const smooth: RunNetwork = (packed, width, height) => {
    const plane = width * height;
    const output = new Float32Array(12 * plane);
    for (let channel = 0; channel < 12; channel++) {
      const site = [0, 1, 3][channel % 3]!;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          let sum = 0;
          for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
            for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
              sum += packed[site * plane + v * width + u]!;
          }
          output[channel * plane + y * width + x] = sum / 9;
        }
      }
    }
    return Promise.resolve(output);
  };

  async function picture(
    area: number,
  ): Promise<{ readonly samples: Float32Array; readonly tiles: number }> {
    const tiles = planTiles(grid.width, grid.height, area);
    const samples = new Float32Array(grid.width * grid.height * 12).fill(Number.NaN);
    for await (const tile of develop({ mosaic, ratio, gains, tiles, run: smooth })) {
      addGrain(tile, { strength: 0.3, noise, ratio, gains });
      for (let y = 0; y < tile.area.height; y++) {
        const row = tile.samples.subarray(y * tile.area.width * 3, (y + 1) * tile.area.width * 3);
        samples.set(row, ((tile.area.y + y) * grid.width * 2 + tile.area.x) * 3);
      }
    }
    return { samples, tiles: tiles.length };
  }

  let whole: Float32Array;
  beforeAll(async () => {
    whole = (await picture(Number.POSITIVE_INFINITY)).samples;
  });

  test.each([120_000, 75_000])('of at most %i leave no seam in the grain', async (area) => {
    const { samples, tiles } = await picture(area);
    expect(tiles).toBeGreaterThan(2);
    let largest = 0;
    for (let i = 0; i < whole.length; i++) {
      const difference = Math.abs(samples[i]! - whole[i]!);
      if (!(difference <= largest))
        largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }
    expect(largest).toBeLessThan(1e-6);
  });
});
