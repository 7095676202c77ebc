/** What the view is given is what is exported: tiles and levels. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { develop } from '../../main/develop/develop.ts';
import { fitted, isLinear, type NetworkTerms } from '../../main/develop/dialect.ts';
import { addGrain } from '../../main/develop/grain.ts';
import { halfBits } from '../../main/develop/half.ts';
import { levelOf } from '../../main/develop/level.ts';
import { noiseMaps } from '../../main/develop/noise-map.ts';
import { clippingLevel } from '../../main/develop/normalise.ts';
import { frameNoise } from '../../main/develop/noise.ts';
import { packedGrid } from '../../main/develop/pack.ts';
import { Previewer } from '../../main/engine/previews/preview.ts';
import {
  coarseLevel,
  isDevelopedWhole,
  levelsOf,
  tileAt,
  wholeTile,
} from '../../main/engine/previews/tiles.ts';
import { readModel } from '../../main/network/manifest.ts';
import { openNetwork, type Network } from '../../main/network/session.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { smallDng, temporaryFolder, writeSmallModel } from '../engine/small.ts';
import { nightMosaic, noisySamples } from '../raw/written.ts';

/** By the definition of binary16. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return (
    sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
  );
}

describe('half floats', () => {
  it('are the nearest there is, for every magnitude', () => {
    for (let value = 1e-8; value < 60_000; value *= 1.0137) {
      for (const signed of [value, -value]) {
        const error = Math.abs(halfValue(halfBits(signed)) - signed);
        expect(error).toBeLessThanOrEqual(Math.max(2 ** -25, value * 2 ** -11) * (1 + 1e-6));
      }
    }
    for (let bits = 0; bits < 0x7c00; bits++) expect(halfBits(halfValue(bits))).toBe(bits);
    expect(halfValue(halfBits(1e9))).toBe(65_504);
    expect(halfBits(Number.NaN)).toBe(0);
  });
});

/** Black as the file states it, without the masked margin's say. */
function withoutMargin(mosaic: Mosaic): Mosaic {
  return { ...mosaic, opticalBlack: mosaic.blackLevel };
}

describe('levels', () => {
  it.each(['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const)(
    'keep a slope of light where it is (%s)',
    (cfa) => {
      // A ramp: whatever the weights, a colour that is out of register shows as an offset.
      const [width, height] = [160, 128];
      const samples = new Uint16Array(width * height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) samples[y * width + x] = 1000 + 16 * x + 8 * y;
      }
      const mosaic = nightMosaic({
        width,
        height,
        samples,
        cfa,
        blackLevel: [0, 0, 0, 0],
        whiteLevel: 10_000,
      });
      const plain = withoutMargin(mosaic);
      const grid = packedGrid(mosaic);
      const clipping = clippingLevel(mosaic);
      for (const level of [1, 2, 3]) {
        const made = levelOf(plain, level);
        const side = 2 ** level;
        // Away from the mirrored edges.
        for (let y = 2; y < made.height - 2; y++) {
          for (let x = 2; x < made.width - 2; x++) {
            for (let site = 0; site < 4; site++) {
              const column = (2 * x + (site & 1) + 0.5) * side - 0.5 - grid.columnsBefore;
              const row = (2 * y + (site >> 1) + 0.5) * side - 0.5 - grid.rowsBefore;
              const expected = (clipping * (1000 + 16 * column + 8 * row)) / 10_000;
              const found = made.planes[(site * made.height + y) * made.width + x]!;
              expect(Math.abs(found - expected)).toBeLessThan(1e-5);
            }
          }
        }
      }
    },
  );

  it('have the noise they say', () => {
    const [width, height] = [512, 512];
    const mosaic = nightMosaic({
      width,
      height,
      samples: noisySamples(width * height, 2000, 3000, 5),
    });
    const plain = withoutMargin(mosaic);
    const varianceOf = (values: Float32Array): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    };
    const [level0] = plain.blackLevel;
    const black = [level0, level0, level0, level0] as const;
    const scale = 1 / (plain.whiteLevel - level0);
    const own = ((1001 ** 2 - 1) / 12) * scale ** 2;
    for (const level of [1, 2]) {
      const made = levelOf({ ...plain, blackLevel: black, opticalBlack: black }, level);
      const plane = made.planes.subarray(0, made.width * made.height);
      expect(varianceOf(plane) / own / made.varianceShare).toBeCloseTo(1, 0);
    }
  });

  it('cover any frame with tiles once', () => {
    for (const [width, height] of [
      [48, 40],
      [1552, 1500],
      [300, 2000],
      [257, 256],
    ] as const) {
      const grid = { width, height };
      expect(isDevelopedWhole(wholeTile(grid).core) || coarseLevel(grid) > 0).toBe(true);
      for (const { level, width: across, height: down } of levelsOf(grid)) {
        let area = 0;
        for (let y = 0; ; y++) {
          if (tileAt({ width: across / 2, height: down / 2 }, 0, y, 112) === undefined) break;
          for (let x = 0; ; x++) {
            const tile = tileAt({ width: across / 2, height: down / 2 }, x, y, 112);
            if (tile === undefined) break;
            area += 4 * tile.core.width * tile.core.height;
            for (const edge of [
              tile.window.x,
              tile.window.y,
              tile.window.width,
              tile.window.height,
            ]) {
              expect(Math.abs(edge % 16)).toBe(0);
            }
          }
        }
        expect(area, `level ${level}`).toBe(across * down);
      }
    }
  });
});

describe('the view and the export', () => {
  const root = temporaryFolder();
  const photo = path.join(root, 'photo.dng');
  let network: Network;
  let mosaic: Mosaic;

  beforeAll(async () => {
    // Two tiles across at full size, with an edge that no grid divides.
    const [width, height] = [1602, 1398];
    const samples = noisySamples(width * height, 500, 1500, 3);
    mosaic = nightMosaic({ width, height, samples });
    writeFileSync(photo, smallDng({ width, height, samples }));
    network = await openNetwork(await readModel(writeSmallModel(root)), {
      device: 'cpu',
      threads: 1,
    });
  });

  afterAll(() => network.release());

  const networks: readonly (readonly [string, NetworkTerms])[] = [
    ['light', { clamp: 4, whiteBalanced: true, domain: 'camera-linear' }],
    ['pictures', { clamp: 1, whiteBalanced: false, domain: 'srgb' }],
  ];

  it.each(networks)(
    'of a network that gives %s show the same light in a tile as in the whole frame, and the same grain',
    async (_, terms) => {
      const previewer = new Previewer(
        (packed, width, height) => network.run(packed, width, height),
        terms,
      );
      const never = new AbortController().signal;
      const grid = packedGrid(mosaic);
      expect(isDevelopedWhole(grid)).toBe(false);
      const gains = mosaic.colour.asShotGains;
      const noise = frameNoise(mosaic);
      const maps = noiseMaps(mosaic, noise);
      const request = {
        mosaic,
        ratio: 8,
        gains,
        tiles: [wholeTile(grid)],
        run: fitted(network.run.bind(network), terms, mosaic.colour),
        ...(isLinear(terms) ? { noise: noise.ceiling, map: maps.ceiling } : {}),
      };
      const first = await develop(request).next();
      if (first.done === true) throw new Error('expected one tile');
      const whole = first.value;
      const grainy = { ...whole, samples: whole.samples.slice() };
      addGrain(grainy, {
        strength: 0.25,
        noise: noise.profile,
        map: maps.profile,
        ratio: 8,
        gains,
      });
      for (const [x, y] of [
        [1, 1],
        [3, 2],
      ] as const) {
        const { width, height, bytes } = await previewer.make(
          { kind: 'tile', photo, ratio: 8, level: 0, x, y },
          never,
        );
        const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
        let [light, grain, most] = [0, 0, 0];
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const at = ((y * 512 + row) * grid.width * 2 + x * 512 + column) * 3;
            const here = (row * width + column) * 4;
            for (let c = 0; c < 3; c++) {
              const clean = halfValue(halves[here + c]!);
              light = Math.max(light, Math.abs(clean - whole.samples[at + c]!));
              // Strength 0.25 gives three quarters of the grain back, as the shader does.
              const mixed = clean + 0.75 * halfValue(halves[here + 3]!);
              grain = Math.max(grain, Math.abs(mixed - grainy.samples[at + c]!));
              most = Math.max(most, Math.abs(whole.samples[at + c]!));
            }
          }
        }
        expect(light).toBeLessThan(most * 2 ** -10);
        expect(grain).toBeLessThan(most * 2 ** -9);
      }
    },
  );

  it('brighten a thumbnail with its edits', async () => {
    const previewer = new Previewer(
      (packed, width, height) => network.run(packed, width, height),
      network.terms,
    );
    const framing = { crop: { x: 0, y: 0, width: 0.5, height: 1 }, angle: 0, rotate: 0 } as const;
    const edit = {
      ratio: 8,
      strength: 1,
      whiteBalance: 'as-shot',
      space: 'srgb',
      framing,
    } as const;
    const picture = await previewer.make(
      { kind: 'bright', photo, edit, longSide: 384 },
      new AbortController().signal,
    );
    expect([...picture.bytes.subarray(0, 2)]).toEqual([0xff, 0xd8]);
    // The night mosaic stands on its side.
    expect(picture.width / picture.height).toBeCloseTo((1398 / 1602) * 0.5, 1);
  });
});
