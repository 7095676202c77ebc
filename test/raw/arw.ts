/**
 * Writer of a minimal Sony ILCE-7SM2 ARW, uncompressed or cRAW, from the layout the camera uses: a
 * SubIFD for the sensor, EXIF, and the SR2 private directory with black levels and white balance.
 */

import {
  ascii,
  directory,
  joinTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  undefinedBytes,
} from '../../main/raw/ifd.ts';
import type { Directory } from '../../main/raw/ifd.ts';

export interface ArwOptions {
  readonly width: number;
  readonly height: number;
  /** 14-bit samples, or what `encodeCraw` gave. */
  readonly data:
    | { readonly kind: 'uncompressed'; readonly samples: Uint16Array }
    | { readonly kind: 'craw'; readonly bytes: Uint8Array };
  /** R, G of the red rows, G of the blue rows, B, as Sony orders them. */
  readonly black: readonly [number, number, number, number];
  /** White balance in the same order. */
  readonly balance: readonly [number, number, number, number];
  readonly orientation?: number;
  /** The four bends of cRAW's tone curve, in 14-bit numbers. */
  readonly toneCurve?: readonly [number, number, number, number];
}

const sonyUncompressed = 1;
const sonyCraw = 32_767;

export function arw(options: ArwOptions): Uint8Array {
  const { width, height, data, black, balance, orientation = 1, toneCurve } = options;
  const bytes =
    data.kind === 'craw'
      ? data.bytes
      : new Uint8Array(data.samples.buffer, data.samples.byteOffset, data.samples.byteLength);
  const pixels = pixelsOf(bytes);
  const preview = pixelsOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9));
  const sensor: Directory = new Map([
    ...(toneCurve === undefined ? [] : [[0x7010, short(...toneCurve)] as const]),
    [254, long(0)],
    [256, long(width)],
    [257, long(height)],
    [258, short(data.kind === 'craw' ? 8 : 14)],
    [259, short(data.kind === 'craw' ? sonyCraw : sonyUncompressed)],
    [262, short(32_803)],
    [273, offsetsOf([pixels])],
    [277, short(1)],
    [278, long(height)],
    [279, long(bytes.byteLength)],
    [284, short(1)],
    [33_421, short(2, 2)],
    [33_422, undefinedBytes(Uint8Array.of(0, 1, 1, 2))],
  ]);
  const exif: Directory = new Map([
    [33_434, rational([1, 30])],
    [33_437, rational([28, 10])],
    [34_855, short(12_800)],
    [36_864, undefinedBytes(new TextEncoder().encode('0230'))],
    [36_867, ascii('2024:01:02 03:04:05')],
    [36_881, ascii('+02:00')],
    [37_386, rational([350, 10])],
    [42_036, ascii('FE 35mm F2.8 ZA')],
  ]);
  const sr2: Directory = new Map([
    [0x7310, short(...black)],
    [0x7313, short(...balance)],
  ]);
  return joinTiff(
    new Map([
      [254, long(1)],
      [259, short(6)],
      [271, ascii('SONY')],
      [272, ascii('ILCE-7SM2')],
      [274, short(orientation)],
      [305, ascii('ILCE-7SM2 v3.00')],
      [306, ascii('2024:01:02 03:04:05')],
      [330, directory(sensor)],
      [513, offsetsOf([preview])],
      [514, long(4)],
      [34_665, directory(exif)],
      [50_740, directory(sr2)],
    ]),
  );
}

/**
 * Sony's cRAW: of each 16 samples of one parity in a row of 32, the largest and smallest are kept at
 * 11 bits and the others as 7-bit steps between them. Returns the bytes, and the 11-bit codes that a
 * decoder must get back from them.
 */
export function encodeCraw(
  codes: Uint16Array,
  width: number,
): { bytes: Uint8Array; decoded: Uint16Array } {
  const bytes = new Uint8Array(codes.length);
  const decoded = new Uint16Array(codes.length);
  for (let start = 0, at = 0; start < codes.length; start += 16, at += 16) {
    const row = Math.floor(start / width) * width;
    const block = Math.floor((start - row) / 32) * 32;
    const first = row + block + ((start - row) % 32 === 0 ? 0 : 1);
    const group = Array.from({ length: 16 }, (_, index) => codes[first + 2 * index]!);
    const max = Math.max(...group);
    const min = Math.min(...group);
    const maxAt = group.indexOf(max);
    const minAt = max === min ? (maxAt + 1) % 16 : group.indexOf(min);
    let shift = 0;
    while (shift < 4 && 0x80 << shift <= max - min) shift++;
    let packed =
      BigInt(max) | (BigInt(min) << 11n) | (BigInt(maxAt) << 22n) | (BigInt(minAt) << 26n);
    let bit = 30n;
    for (const [index, code] of group.entries()) {
      let value = index === maxAt ? max : min;
      if (index !== maxAt && index !== minAt) {
        const step = Math.min(127, (code - min) >> shift);
        packed |= BigInt(step) << bit;
        bit += 7n;
        value = Math.min(0x7ff, (step << shift) + min);
      }
      decoded[first + 2 * index] = value;
    }
    for (let byte = 0; byte < 16; byte++)
      bytes[at + byte] = Number((packed >> BigInt(8 * byte)) & 0xffn);
  }
  return { bytes, decoded };
}
