/** The TIFF structure writer, looked at byte by byte, and the fractions that fill it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  ascii,
  byte,
  directory,
  double,
  joinTiff,
  layOutTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  srational,
  toFraction,
} from '../../main/raw/ifd.ts';
import { Refusal } from '../../main/base/refusal.ts';

describe('layOutTiff', () => {
  it('writes the smallest file as the specification draws it', () => {
    const bytes = joinTiff(new Map([[256, short(7)]]));
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '49492a0008000000' + '0100' + '0001' + '0300' + '01000000' + '07000000' + '00000000',
    );
  });

  it('sorts its tags and puts every long value and blob on a word', () => {
    const blobs = [pixelsOf(Uint8Array.of(1, 2, 3)), pixelsOf(Uint8Array.of(4))];
    const inner = new Map([[1, ascii('inner')]]);
    const root = new Map([
      [330, directory(inner)],
      [305, ascii('odd.')],
      [273, offsetsOf(blobs)],
      [271, ascii('even')],
      [282, rational([300, 1])],
      [50721, srational([-1, 3], [2, 5])],
      [51041, double(1.5e-4, -2.25)],
      [50706, byte(1, 4, 0, 0)],
    ]);
    const bytes = Buffer.from(joinTiff(root));
    const count = bytes.readUInt16LE(8);
    const entries = Array.from({ length: count }, (_, index) => 10 + index * 12);
    const tags = entries.map((at) => bytes.readUInt16LE(at));
    expect(tags).toEqual([271, 273, 282, 305, 330, 50706, 50721, 51041]);
    const valueOf = (tag: number): number =>
      bytes.readUInt32LE((entries[tags.indexOf(tag)] ?? 0) + 8);
    for (const tag of [271, 273, 282, 305, 50721, 51041]) expect(valueOf(tag) % 2).toBe(0);
    expect(bytes.readUInt32LE(10 + 12 * count)).toBe(0);
    expect(bytes.toString('latin1', valueOf(305), valueOf(305) + 5)).toBe('odd.\0');
    expect(bytes.readInt32LE(valueOf(50721))).toBe(-1);
    expect(bytes.readDoubleLE(valueOf(51041) + 8)).toBe(-2.25);
    const first = bytes.readUInt32LE(valueOf(273));
    const second = bytes.readUInt32LE(valueOf(273) + 4);
    expect([...bytes.subarray(first, first + 3)]).toEqual([1, 2, 3]);
    expect(second).toBe(first + 4);
    expect(bytes[second]).toBe(4);
    expect(bytes.toString('latin1', valueOf(330) + 2 + 12 + 4, valueOf(330) + 40)).not.toBe('');
    expect(bytes.readUInt16LE(valueOf(330))).toBe(1);
  });

  it('passes pixels through without joining them', () => {
    const pieces = [new Uint8Array(10).fill(1), new Uint8Array(6).fill(2)];
    const root = new Map([[273, offsetsOf([{ byteLength: 16, chunks: () => pieces }])]]);
    const [, first, second, ...rest] = layOutTiff(root).chunks();
    expect(first).toBe(pieces[0]);
    expect(second).toBe(pieces[1]);
    expect(rest).toEqual([]);
  });

  it('refuses what passes 4 GiB before a byte is made', () => {
    const huge = {
      byteLength: 2 ** 32 - 20,
      chunks: (): Uint8Array[] => {
        throw new Error('not to be asked');
      },
    };
    const root = new Map([[273, offsetsOf([huge])]]);
    expect(() => layOutTiff(root)).toThrow(Refusal);
    expect(() => layOutTiff(root)).toThrow(/4 GiB/);
  });

  it('notices pixels that break their promise', () => {
    const broken = { byteLength: 4, chunks: () => [new Uint8Array(3)] };
    expect(() => joinTiff(new Map([[273, offsetsOf([broken])]]))).toThrow(
      /announced 4 bytes but gave 3/,
    );
  });

  it('does not wrap numbers that are too large for their tag', () => {
    expect(() => joinTiff(new Map([[1, short(65_536)]]))).toThrow(RangeError);
    expect(() => joinTiff(new Map([[1, long(-1)]]))).toThrow(RangeError);
    expect(() => joinTiff(new Map([[1, long(0.5)]]))).toThrow(RangeError);
  });
});

describe('toFraction', () => {
  it.each([
    [1 / 30, [1, 30]],
    [0.033_333_335_071_802_14, [1, 30]],
    [2.8, [14, 5]],
    [30, [30, 1]],
    [1 / 8000, [1, 8000]],
    [-0.5, [-1, 2]],
    [0, [0, 1]],
    [-0, [0, 1]],
  ])('%f is the fraction a photographer knows', (value, expected) => {
    expect(toFraction(value)).toEqual(expected);
  });

  it('is as near as asked for, and fits a tag', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
        const [n, d] = toFraction(value, 1e-6);
        expect(Math.abs(n)).toBeLessThan(2 ** 31);
        expect(d).toBeGreaterThan(0);
        expect(d).toBeLessThan(2 ** 31);
        // Below a billionth there is nothing a 32-bit fraction can tell from 0.
        expect(Math.abs(n / d - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-6 + 1e-9);
      }),
    );
  });

  it.each([Number.NaN, Infinity, 2 ** 31])('refuses %f', (value) => {
    expect(() => toFraction(value)).toThrow(RangeError);
  });
});
