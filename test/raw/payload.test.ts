/** DNG payloads that are decoded here: every predictor and depth, floats, JPEG, JPEG XL, tiles, fields. */

import { describe, expect, it } from 'vitest';

import { decodePlane, type Plane } from '../../main/raw/payload/plane.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import { long, short } from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import { readTiff } from '../../main/raw/tiff-tags.ts';
import {
  cfaPhotometric,
  deflated,
  dngOf,
  floatBytes,
  littleEndian,
  withDifferences,
  withFloatPredictor,
  type Picture,
} from './dng-written.ts';
import { noisySamples, scratch, seeded } from './written.ts';

const folder = scratch();

type Tags = readonly (readonly [number, TagValue])[];

function planeOf(picture: Picture, tags: Tags = []): Promise<Plane> {
  const file = dngOf(picture, tags);
  const image = readTiff(file)?.images[0];
  if (image === undefined) throw new Error('expected a directory');
  return decodePlane(file, true, image, 'written.dng');
}

const [width, height] = [48, 32];

describe('deflated whole numbers', () => {
  const cases = [8, 16].flatMap((bits) =>
    ([1, 2, 34_892, 34_893] as const).flatMap((predictor) =>
      ([1, 3] as const).map((channels) => ({ bits, predictor, channels })),
    ),
  );
  const pixelsBack = { 1: 0, 2: 1, 34_892: 2, 34_893: 4 } as const;

  it.each(cases)('$bits bits, predictor $predictor, $channels colours', async (one) => {
    const { bits, predictor, channels } = one;
    const samples = noisySamples(width * height * channels, 0, 2 ** bits - 1, 5);
    const back = pixelsBack[predictor] * channels;
    const stored =
      back === 0
        ? samples
        : withDifferences(samples, width * channels, back).map((x) => x & (2 ** bits - 1));
    const chunks = [deflated(littleEndian(stored, bits === 8 ? 1 : 2))];
    const picture = { width, height, channels, bits, compression: 8, chunks } as const;
    const plane = await planeOf(picture, [[317, short(predictor === 1 ? 1 : predictor)]]);
    expect(plane.samples).toEqual(samples);
    expect(plane.bits).toBe(bits);
  });
});

describe('deflated floats', () => {
  const cases = ([16, 24, 32] as const).flatMap((bits) =>
    ([1, 3, 34_894, 34_895] as const).map((predictor) => ({ bits, predictor })),
  );
  const pixelsBack = { 1: 0, 3: 1, 34_894: 2, 34_895: 4 } as const;

  it.each(cases)('$bits bits, predictor $predictor', async ({ bits, predictor }) => {
    const next = seeded(bits + predictor);
    // Light far above white, the least that halves have, and below black.
    const values = Float32Array.from({ length: width * height * 3 }, (_, at) =>
      at === 7 ? 30 : at === 8 ? 2 ** -14 : at === 9 ? -0.015625 : (next() % 1024) / 1024,
    );
    const back = pixelsBack[predictor] * 3;
    const stored =
      back === 0
        ? Uint8Array.from([...values].flatMap((value) => floatBytes(value, bits).toReversed()))
        : withFloatPredictor(values, bits, width * 3, back);
    const chunks = [deflated(stored)];
    const picture: Picture = {
      width,
      height,
      channels: 3,
      bits,
      isFloat: true,
      compression: 8,
      chunks,
    };
    const plane = await planeOf(picture, [[317, short(predictor)]]);
    expect(plane.samples).toEqual(values);
    expect(plane.bits).toBeUndefined();
  });

  it('predicted in halves of a row, as one writer does it', async () => {
    const next = seeded(3);
    const values = Float32Array.from({ length: width * height * 3 }, () => (next() % 1000) / 999);
    const chunks = [deflated(withFloatPredictor(values, 32, (width * 3) / 2, 3))];
    const picture: Picture = {
      width,
      height,
      channels: 3,
      bits: 32,
      isFloat: true,
      compression: 8,
      chunks,
    };
    expect((await planeOf(picture, [[317, short(3)]])).samples).toEqual(values);
  });
});

describe('tiles', () => {
  const samples = noisySamples(width * height, 0, 65_535, 9);
  const [tileWidth, tileHeight] = [32, 24];

  /** Tiles that reach past the edge are filled up, or cut there as some writers do. */
  function tiles(isCut: boolean): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let top = 0; top < height; top += tileHeight) {
      for (let left = 0; left < width; left += tileWidth) {
        const columns = isCut ? Math.min(tileWidth, width - left) : tileWidth;
        const rows = isCut ? Math.min(tileHeight, height - top) : tileHeight;
        const one = Array.from({ length: columns * rows }, (_, at) => {
          const [x, y] = [left + (at % columns), top + Math.floor(at / columns)];
          return x < width && y < height ? samples[y * width + x]! : 0;
        });
        found.push(deflated(littleEndian(one, 2)));
      }
    }
    return found;
  }

  it.each([false, true])('cut at the edge: %s', async (isCut) => {
    const chunks = tiles(isCut);
    const tile = [tileWidth, tileHeight] as const;
    const plane = await planeOf({
      width,
      height,
      channels: 1,
      bits: 16,
      compression: 8,
      chunks,
      tile,
    });
    expect(plane.samples).toEqual(samples);
  });

  it('in fields of rows and columns', async () => {
    const order = (size: number): number[] => [
      ...Array.from({ length: size }, (_, at) => at).filter((at) => at % 2 === 0),
      ...Array.from({ length: size }, (_, at) => at).filter((at) => at % 2 === 1),
    ];
    const [rows, columns] = [order(height), order(width)];
    const stored = rows.flatMap((y) => columns.map((x) => samples[y * width + x]!));
    const chunks = [littleEndian(stored, 2)];
    const picture: Picture = { width, height, channels: 1, bits: 16, compression: 1, chunks };
    const plane = await planeOf(picture, [
      [50_975, short(2)],
      [52_547, short(2)],
    ]);
    expect(plane.samples).toEqual(samples);
  });

  it('that are too short are named', async () => {
    const chunks = tiles(false).map((one, at) => (at === 2 ? deflated(new Uint8Array(100)) : one));
    const tile = [tileWidth, tileHeight] as const;
    const picture: Picture = { width, height, channels: 1, bits: 16, compression: 8, chunks, tile };
    await expect(planeOf(picture)).rejects.toMatchObject({
      code: 'damaged-file',
      message: 'written.dng is damaged: a tile or strip holds 100 of 1536 bytes',
    });
  });
});

describe('uncompressed', () => {
  it('12 bits, packed', async () => {
    const samples = noisySamples(width * height * 3, 0, 4095, 2);
    const bits = [...samples].map((value) => value.toString(2).padStart(12, '0')).join('');
    const chunks = [
      Uint8Array.from({ length: bits.length / 8 }, (_, at) =>
        Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2),
      ),
    ];
    const picture: Picture = { width, height, channels: 3, bits: 12, compression: 1, chunks };
    expect((await planeOf(picture)).samples).toEqual(samples);
  });
});

it('a deflated mosaic comes through the worker with its own numbers', async () => {
  const samples = noisySamples(width * height, 500, 16_000);
  const chunks = [deflated(littleEndian(samples, 2))];
  const bytes = dngOf({ width, height, channels: 1, bits: 16, compression: 8, chunks }, [
    [262, short(cfaPhotometric)],
    [50_713, short(2, 2)],
    [50_714, long(512, 513, 514, 515)],
    [50_717, long(16_383)],
  ]);
  const raw = await decodeRaw(folder.write('deflated.dng', bytes));
  expect(raw).toMatchObject({
    kind: 'mosaic',
    mosaic: { samples, cfa: 'RGGB', blackLevel: [512, 513, 514, 515], whiteLevel: 16_383 },
  });
});
