/** What a DNG's opcode lists ask for is done to the samples, in their places and by the rules. */

import { describe, expect, it } from 'vitest';

import { decodeRaw } from '../../main/raw/decode.ts';
import { byte, long, rational, short } from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { dngOf, doubles, floats, littleEndian, longs, opcodeList } from './dng-written.ts';
import { scratch } from './written.ts';

const folder = scratch();
const [width, height] = [64, 48];
const [black, white] = [256, 4352];

type Tags = readonly (readonly [number, TagValue])[];

/** A flat mosaic of one value, but for what `change` says. */
async function decodeFlat(
  level: number,
  tags: Tags,
  change: (samples: Uint16Array) => void = () => undefined,
): Promise<Mosaic> {
  const samples = new Uint16Array(width * height).fill(level);
  change(samples);
  const chunks = [littleEndian(samples, 2)];
  const bytes = dngOf({ width, height, channels: 1, bits: 16, compression: 1, chunks }, [
    [50_714, long(black)],
    [50_717, long(white)],
    ...tags,
  ]);
  const raw = await decodeRaw(folder.write('flat.dng', bytes));
  if (raw.kind !== 'mosaic') throw new Error('expected a mosaic');
  return raw.mosaic;
}

function lightAt(
  { samples, width: across, blackLevel, whiteLevel }: Mosaic,
  x: number,
  y: number,
): number {
  return (samples[y * across + x]! - blackLevel[0]) / (whiteLevel - blackLevel[0]);
}

const everywhere = [...longs(0, 0, height, width, 0, 1, 1, 1)];

describe('light', () => {
  it('a gain map of one colour leaves the others alone', async () => {
    const area = longs(0, 0, height, width, 0, 1, 2, 2);
    // 1 on the left, 3 on the right.
    const map = [...longs(1, 2), ...doubles(1, 1, 0, 0), ...longs(1), ...floats(1, 3)];
    const list = opcodeList({ id: 9, data: [...area, ...map] });
    const mosaic = await decodeFlat(black + 1024, [[51_009, list]]);
    for (const x of [2, 20, 40, 62]) {
      expect(lightAt(mosaic, x, 10)).toBeCloseTo(0.25 * (1 + (2 * (x + 0.5)) / width), 3);
      expect(lightAt(mosaic, x + 1, 10)).toBeCloseTo(0.25, 4);
    }
  });

  it('list 2 counts from black, a polynomial after it', async () => {
    const list = opcodeList({ id: 8, data: [...everywhere, ...longs(2), ...doubles(0, 0, 1)] });
    const mosaic = await decodeFlat(black + 2048, [[51_009, list]]);
    expect(lightAt(mosaic, 5, 5)).toBeCloseTo(0.25, 4);
  });

  it('rows and columns are shifted and scaled', async () => {
    const perRow = Array.from({ length: height }, (_, row) => row / 1000);
    const perColumn = Array.from({ length: width }, (_, column) => 1 + column / 100);
    const list = opcodeList(
      { id: 10, data: [...everywhere, ...longs(height), ...floats(...perRow)] },
      { id: 13, data: [...everywhere, ...longs(width), ...floats(...perColumn)] },
    );
    const mosaic = await decodeFlat(black + 1024, [[51_009, list]]);
    expect(lightAt(mosaic, 30, 20)).toBeCloseTo((0.25 + 0.02) * 1.3, 3);
  });

  it('bad pixels get the mean of their own colour', async () => {
    const list = opcodeList(
      { id: 4, data: longs(0, 0) },
      { id: 5, data: longs(0, 1, 1, 20, 30, 30, 10, 32, 12) },
    );
    const mosaic = await decodeFlat(black + 1024, [[51_008, list]], (samples) => {
      samples[5 * width + 6] = 0;
      samples[20 * width + 30] = white;
      for (const y of [30, 31]) samples.fill(white, y * width + 10, y * width + 12);
    });
    for (const [x, y] of [
      [6, 5],
      [30, 20],
      [10, 30],
      [11, 31],
    ] as const)
      expect(lightAt(mosaic, x, y)).toBeCloseTo(0.25, 4);
  });
});

describe('rules', () => {
  const unknown = { id: 99, data: [] };

  it('an unknown opcode is left out where it is optional', async () => {
    const list = opcodeList({ ...unknown, isOptional: true });
    const mosaic = await decodeFlat(black + 1024, [[51_009, list]]);
    expect(mosaic.whiteLevel).toBe(white);
  });

  it('and refused by its number where it is not', async () => {
    await expect(decodeFlat(black + 1024, [[51_022, opcodeList(unknown)]])).rejects.toThrow(
      'DNG opcode 99',
    );
  });

  it('one that ends too early is damage', async () => {
    const list = opcodeList({ id: 9, data: everywhere });
    await expect(decodeFlat(black + 1024, [[51_009, list]])).rejects.toMatchObject({
      code: 'damaged-file',
    });
  });
});

describe('black', () => {
  it.each([
    [1, 1],
    [3, 1],
    [4, 4],
    [6, 6],
  ])('a pattern of %i × %i levels is taken off place by place', async (rows, columns) => {
    const levels = Array.from({ length: rows * columns }, (_, at) => 200 + 3 * at);
    const tags: Tags = [
      [50_713, short(rows, columns)],
      [50_714, rational(...levels.map((level) => [level, 1] as const))],
    ];
    const mosaic = await decodeFlat(0, tags, (samples) => {
      for (let at = 0; at < samples.length; at++) {
        const [x, y] = [at % width, Math.floor(at / width)];
        const level = levels[(y % rows) * columns + (x % columns)]!;
        samples[at] = level + Math.round((white - level) / 4);
      }
    });
    for (let at = 0; at < 40; at++)
      expect(lightAt(mosaic, at, (at * 7) % height)).toBeCloseTo(0.25, 3);
  });

  it('levels by row and column', async () => {
    const signed = (values: number[]): TagValue => ({
      type: 'SRATIONAL',
      fractions: values.map((value) => [value, 1]),
    });
    const byRow = Array.from({ length: height }, (_, row) => (row % 5) * 4);
    const tags: Tags = [[50_716, signed(byRow)]];
    const mosaic = await decodeFlat(0, tags, (samples) => {
      for (let at = 0; at < samples.length; at++)
        samples[at] = black + 1024 + byRow[Math.floor(at / width)]!;
    });
    for (let y = 0; y < height; y++) expect(lightAt(mosaic, 9, y)).toBeCloseTo(0.25, 3);
  });
});

describe('sensors', () => {
  it('one without colours sees grey', async () => {
    const mosaic = await decodeFlat(black + 1024, [
      [262, short(34_892)],
      [33_421, short(1, 1)],
      [33_422, byte(1)],
    ]);
    expect(mosaic.isMonochrome).toBe(true);
    expect(mosaic.colour.asShotGains).toEqual([1, 1, 1]);
    expect(lightAt(mosaic, 3, 3)).toBeCloseTo(0.25, 4);
  });

  it('Quad Bayer becomes a Bayer mosaic of half the size, wherever its blocks begin', async () => {
    // One row and one column of the first blocks are cut away.
    const pattern = [0, 1, 1, 0, 1, 2, 2, 1, 1, 2, 2, 1, 0, 1, 1, 0];
    const value = [1000, 2000, 3000] as const;
    const mosaic = await decodeFlat(
      0,
      [
        [33_421, short(4, 4)],
        [33_422, byte(...pattern)],
      ],
      (samples) => {
        for (let at = 0; at < samples.length; at++) {
          const [x, y] = [at % width, Math.floor(at / width)];
          samples[at] = value[pattern[(y % 4) * 4 + (x % 4)]!]!;
        }
      },
    );
    expect([mosaic.width, mosaic.height, mosaic.cfa]).toEqual([31, 23, 'BGGR']);
    const expected = (level: number): number => (level - black) / (white - black);
    expect(lightAt(mosaic, 0, 0)).toBeCloseTo(expected(3000), 4);
    expect(lightAt(mosaic, 1, 0)).toBeCloseTo(expected(2000), 4);
    expect(lightAt(mosaic, 1, 1)).toBeCloseTo(expected(1000), 4);
  });
});
