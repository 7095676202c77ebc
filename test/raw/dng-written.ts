/** Writes DNGs of the kinds that other programs write, one tag at a time, for the decoder's tests. */

import { deflateSync } from 'node:zlib';

import {
  ascii,
  byte,
  layOutTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  srational,
  toFraction,
  undefinedBytes,
} from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import { bytesOf } from './written.ts';

export const cfaPhotometric = 32_803;
const linearRaw = 34_892;

/** D65 of the EOS 6D, which the chart of the shared cases has too. */
const d65Matrix = [
  0.7034, -0.0804, -0.1014, -0.442, 1.2564, 0.2058, -0.0851, 0.1994, 0.5758,
] as const;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly bits: number;
  readonly isFloat?: boolean;
  readonly compression: number;
  /** One for each tile, or one strip. */
  readonly chunks: readonly Uint8Array[];
  readonly tile?: readonly [width: number, height: number];
}

/** A little-endian DNG of one directory; `tags` go over what a plain one has. */
export function dngOf(
  picture: Picture,
  tags: readonly (readonly [number, TagValue])[],
): Uint8Array {
  const { width, height, channels, bits, compression, chunks, tile } = picture;
  const each = (value: number): number[] => Array<number>(channels).fill(value);
  const places: [number, TagValue][] =
    tile === undefined
      ? [
          [273, offsetsOf(chunks.map(pixelsOf))],
          [278, long(height)],
          [279, long(...chunks.map(({ length }) => length))],
        ]
      : [
          [322, long(tile[0])],
          [323, long(tile[1])],
          [324, offsetsOf(chunks.map(pixelsOf))],
          [325, long(...chunks.map(({ length }) => length))],
        ];
  const all = new Map<number, TagValue>([
    [254, long(0)],
    [256, long(width)],
    [257, long(height)],
    [258, short(...each(bits))],
    [259, short(compression)],
    [262, short(channels === 3 ? linearRaw : cfaPhotometric)],
    [271, ascii('Nobody')],
    [272, ascii('Test Model')],
    [277, short(channels)],
    [284, short(1)],
    [339, short(...each(picture.isFloat === true ? 3 : 1))],
    [50_706, byte(1, 4, 0, 0)],
    [50_708, ascii('Nobody Test Model')],
    [50_721, srational(...d65Matrix.map((value) => toFraction(value, 1e-6)))],
    [50_728, rational([1, 2], [1, 1], [2, 3])],
    [50_778, short(21)],
    ...(channels === 1
      ? ([
          [33_421, short(2, 2)],
          [33_422, byte(0, 1, 1, 2)],
        ] as const)
      : []),
    ...places,
    ...tags,
  ]);
  return bytesOf(layOutTiff(all));
}

/** Numbers as little-endian bytes of that width. */
export function littleEndian(numbers: ArrayLike<number>, bytes: 1 | 2 | 4): Uint8Array {
  const out = new Uint8Array(numbers.length * bytes);
  const view = new DataView(out.buffer);
  for (let i = 0; i < numbers.length; i++) {
    if (bytes === 1) view.setUint8(i, numbers[i]!);
    else if (bytes === 2) view.setUint16(2 * i, numbers[i]!, true);
    else view.setUint32(4 * i, numbers[i]!, true);
  }
  return out;
}

/** An IEEE half, a DNG float of 24 bits, or a float of 32, as big-endian bytes. */
export function floatBytes(value: number, bits: 16 | 24 | 32): number[] {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  const word = view.getUint32(0);
  if (bits === 32) return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
  const sign = word >>> 31;
  const exponent = ((word >>> 23) & 255) - 127;
  const fraction = word & 0x7f_ffff;
  const [bias, fractionBits] = bits === 16 ? [15, 10] : [63, 16];
  const short =
    value === 0 ? 0 : ((exponent + bias) << fractionBits) | (fraction >> (23 - fractionBits));
  const packed = (sign * 2 ** (bits - 1) + short) >>> 0;
  return bits === 16
    ? [packed >>> 8, packed & 255]
    : [packed >>> 16, (packed >>> 8) & 255, packed & 255];
}

/** What a writer does before Deflate: the difference to the sample `stride` before, row by row. */
export function withDifferences(
  samples: ArrayLike<number>,
  rowSamples: number,
  stride: number,
): number[] {
  return Array.from(samples, (value, at) =>
    at % rowSamples < stride ? value : value - samples[at - stride]!,
  );
}

/** Floats sorted by their bytes, most significant first, and their differences, row by row. */
export function withFloatPredictor(
  values: ArrayLike<number>,
  bits: 16 | 24 | 32,
  rowSamples: number,
  stride: number,
): Uint8Array {
  const width = bits / 8;
  const out = new Uint8Array(values.length * width);
  for (let row = 0; row * rowSamples < values.length; row++) {
    const start = row * rowSamples * width;
    for (let i = 0; i < rowSamples; i++) {
      floatBytes(values[row * rowSamples + i]!, bits).forEach((one, place) => {
        out[start + place * rowSamples + i] = one;
      });
    }
    for (let i = rowSamples * width - 1; i >= stride; i--)
      out[start + i]! -= out[start + i - stride]!;
  }
  return out;
}

export const deflated = (bytes: Uint8Array): Uint8Array => Uint8Array.from(deflateSync(bytes));

/** An opcode list: big-endian, as the specification has it. */
export function opcodeList(
  ...opcodes: readonly { id: number; isOptional?: boolean; data: readonly number[] }[]
): TagValue {
  const bytes: number[] = [...longs(opcodes.length)];
  for (const { id, isOptional = false, data } of opcodes)
    bytes.push(...longs(id, 0x01_03_00_00, isOptional ? 1 : 0, data.length), ...data);
  return undefinedBytes(Uint8Array.from(bytes));
}

export function longs(...values: number[]): number[] {
  return values.flatMap((value) => [
    value >>> 24,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ]);
}

export function doubles(...values: number[]): number[] {
  return values.flatMap((value) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    return [...longs(view.getUint32(0), view.getUint32(4))];
  });
}

export function floats(...values: number[]): number[] {
  return values.flatMap((value) => floatBytes(value, 32));
}
