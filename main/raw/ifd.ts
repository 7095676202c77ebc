/**
 * Writer of TIFF structures (directories, their values, and the pixels they point to), shared by
 * TIFF, DNG and EXIF. Little-endian, every offset on a word boundary (TIFF 6.0, section 2).
 */

import { Refusal } from '../base/refusal.ts';

/** Numerator and denominator. */
export type Fraction = readonly [number, number];

/** Bytes of known length that are only produced while they are written, chunk by chunk. */
export interface Pixels {
  readonly byteLength: number;
  /** Together exactly `byteLength` bytes. */
  chunks(): Iterable<Uint8Array>;
}

export type TagValue =
  | { readonly type: 'BYTE' | 'UNDEFINED'; readonly bytes: Uint8Array }
  | { readonly type: 'ASCII'; readonly text: string }
  | { readonly type: 'SHORT' | 'LONG' | 'DOUBLE'; readonly numbers: readonly number[] }
  | { readonly type: 'RATIONAL' | 'SRATIONAL'; readonly fractions: readonly Fraction[] }
  | { readonly type: 'DIRECTORIES'; readonly directories: readonly Directory[] }
  | { readonly type: 'OFFSETS'; readonly blobs: readonly Pixels[] };

/** Tag number → value; the writer sorts them. */
export type Directory = ReadonlyMap<number, TagValue>;

/** A whole file, in pieces. */
export interface FilePieces {
  readonly byteLength: number;
  chunks(): Iterable<Uint8Array>;
}

export const byte = (...bytes: number[]): TagValue => ({
  type: 'BYTE',
  bytes: Uint8Array.from(bytes),
});
export const bytes = (values: Uint8Array): TagValue => ({ type: 'BYTE', bytes: values });
export const undefinedBytes = (bytes: Uint8Array): TagValue => ({ type: 'UNDEFINED', bytes });
export const ascii = (text: string): TagValue => ({ type: 'ASCII', text });
export const short = (...numbers: number[]): TagValue => ({ type: 'SHORT', numbers });
export const long = (...numbers: number[]): TagValue => ({ type: 'LONG', numbers });
export const double = (...numbers: number[]): TagValue => ({ type: 'DOUBLE', numbers });
export const rational = (...fractions: Fraction[]): TagValue => ({ type: 'RATIONAL', fractions });
export const srational = (...fractions: Fraction[]): TagValue => ({ type: 'SRATIONAL', fractions });
export const directory = (...directories: Directory[]): TagValue => ({
  type: 'DIRECTORIES',
  directories,
});
export const offsetsOf = (blobs: readonly Pixels[]): TagValue => ({ type: 'OFFSETS', blobs });

/** Bytes in memory, as pixels. */
export function pixelsOf(bytes: Uint8Array): Pixels {
  return { byteLength: bytes.byteLength, chunks: () => [bytes] };
}

const typeCode = {
  BYTE: 1,
  ASCII: 2,
  SHORT: 3,
  LONG: 4,
  RATIONAL: 5,
  UNDEFINED: 7,
  SRATIONAL: 10,
  DOUBLE: 12,
  DIRECTORIES: 4,
  OFFSETS: 4,
} as const;

const headerBytes = 8;
const entryBytes = 12;
/** Largest value that fits into an entry itself. */
const inlineBytes = 4;
const maxFileBytes = 2 ** 32 - 1;

const toWord = (offset: number): number => offset + (offset % 2);

function tableBytes(entries: Directory): number {
  return 2 + entries.size * entryBytes + 4;
}

function collect(root: Directory): Directory[] {
  const found: Directory[] = [root];
  for (const value of root.values()) {
    if (value.type !== 'DIRECTORIES') continue;
    for (const child of value.directories) found.push(...collect(child));
  }
  return found;
}

function checkedInteger(value: number, low: number, high: number): number {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(
      `expected a whole number from ${low} to ${high} for a tag but received ${value}`,
    );
  }
  return value;
}

function encodeNumbers(type: 'SHORT' | 'LONG' | 'DOUBLE', numbers: readonly number[]): Uint8Array {
  const width = type === 'SHORT' ? 2 : type === 'LONG' ? 4 : 8;
  const bytes = new Uint8Array(numbers.length * width);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of numbers.entries()) {
    if (type === 'SHORT') view.setUint16(index * 2, checkedInteger(value, 0, 0xffff), true);
    else if (type === 'LONG') view.setUint32(index * 4, checkedInteger(value, 0, 0xffffffff), true);
    else view.setFloat64(index * 8, value, true);
  }
  return bytes;
}

function encodeFractions(signed: boolean, fractions: readonly Fraction[]): Uint8Array {
  const bytes = new Uint8Array(fractions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, fraction] of fractions.entries()) {
    for (const [part, value] of fraction.entries()) {
      const at = index * 8 + part * 4;
      if (signed) view.setInt32(at, checkedInteger(value, -(2 ** 31), 2 ** 31 - 1), true);
      else view.setUint32(at, checkedInteger(value, 0, 2 ** 32 - 1), true);
    }
  }
  return bytes;
}

/** Offsets are unknown at first, so they are encoded as zeros of the right length. */
function encode(value: TagValue, offsetOf: (target: Directory | Pixels) => number): Uint8Array {
  switch (value.type) {
    case 'BYTE':
    case 'UNDEFINED':
      return value.bytes;
    case 'ASCII':
      return new TextEncoder().encode(`${value.text}\0`);
    case 'SHORT':
    case 'LONG':
    case 'DOUBLE':
      return encodeNumbers(value.type, value.numbers);
    case 'RATIONAL':
      return encodeFractions(false, value.fractions);
    case 'SRATIONAL':
      return encodeFractions(true, value.fractions);
    case 'DIRECTORIES':
      return encodeNumbers('LONG', value.directories.map(offsetOf));
    case 'OFFSETS':
      return encodeNumbers('LONG', value.blobs.map(offsetOf));
  }
}

function countOf(value: TagValue, byteLength: number): number {
  switch (value.type) {
    case 'BYTE':
    case 'UNDEFINED':
    case 'ASCII':
      return byteLength;
    case 'SHORT':
    case 'LONG':
    case 'DOUBLE':
      return value.numbers.length;
    case 'RATIONAL':
    case 'SRATIONAL':
      return value.fractions.length;
    case 'DIRECTORIES':
      return value.directories.length;
    case 'OFFSETS':
      return value.blobs.length;
  }
}

interface Plan {
  readonly directories: readonly Directory[];
  readonly offsets: ReadonlyMap<Directory | Pixels, number>;
  readonly blobs: readonly Pixels[];
  readonly headBytes: number;
  readonly fileBytes: number;
}

/** The position of everything: header, directory tables, long values, then the pixels. */
function plan(root: Directory): Plan {
  const directories = collect(root);
  const offsets = new Map<Directory | Pixels, number>();
  let cursor = headerBytes;
  for (const entries of directories) {
    offsets.set(entries, cursor);
    cursor += tableBytes(entries);
  }
  const blobs: Pixels[] = [];
  for (const entries of directories) {
    for (const value of entries.values()) {
      const { byteLength } = encode(value, () => 0);
      if (byteLength > inlineBytes) cursor = toWord(cursor) + byteLength;
      if (value.type === 'OFFSETS') blobs.push(...value.blobs);
    }
  }
  const headBytes = toWord(cursor);
  cursor = headBytes;
  for (const blob of blobs) {
    offsets.set(blob, cursor);
    cursor = toWord(cursor + blob.byteLength);
  }
  return { directories, offsets, blobs, headBytes, fileBytes: cursor };
}

function writeHead({ directories, offsets, headBytes }: Plan): Uint8Array {
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  const offsetOf = (target: Directory | Pixels): number => {
    const offset = offsets.get(target);
    if (offset === undefined) throw new Error('a tag points to something that has no place');
    return offset;
  };
  head.set([0x49, 0x49]);
  view.setUint16(2, 42, true);
  view.setUint32(4, headerBytes, true);
  let cursor = headerBytes + directories.reduce((sum, entries) => sum + tableBytes(entries), 0);
  for (const entries of directories) {
    let at = offsetOf(entries);
    view.setUint16(at, entries.size, true);
    at += 2;
    for (const [tag, value] of [...entries].sort(([a], [b]) => a - b)) {
      const bytes = encode(value, offsetOf);
      view.setUint16(at, tag, true);
      view.setUint16(at + 2, typeCode[value.type], true);
      view.setUint32(at + 4, countOf(value, bytes.byteLength), true);
      if (bytes.byteLength <= inlineBytes) {
        head.set(bytes, at + 8);
      } else {
        cursor = toWord(cursor);
        view.setUint32(at + 8, cursor, true);
        head.set(bytes, cursor);
        cursor += bytes.byteLength;
      }
      at += entryBytes;
    }
    // The next-directory field stays 0, because sub-images are linked by SubIFDs instead.
  }
  return head;
}

/**
 * Lays out a file around its first directory. The pixels are never joined; they pass through
 * `chunks()` as they are produced.
 * @throws Refusal `bad-argument` if the file would exceed TIFF's limit of 4 GiB
 */
export function layOutTiff(root: Directory): FilePieces {
  const planned = plan(root);
  if (planned.fileBytes > maxFileBytes) {
    const gib = (planned.fileBytes / 2 ** 30).toFixed(1);
    throw new Refusal(
      'bad-argument',
      `expected a picture that fits in a TIFF (4 GiB) but it needs ${gib} GiB`,
    );
  }
  return {
    byteLength: planned.fileBytes,
    *chunks() {
      yield writeHead(planned);
      for (const blob of planned.blobs) {
        let written = 0;
        for (const chunk of blob.chunks()) {
          written += chunk.byteLength;
          yield chunk;
        }
        if (written !== blob.byteLength) {
          throw new Error(`pixels announced ${blob.byteLength} bytes but gave ${written}`);
        }
        if (written % 2 === 1) yield new Uint8Array(1);
      }
    },
  };
}

/** The same in one piece, for small structures such as an EXIF block. */
export function joinTiff(root: Directory): Uint8Array {
  const pieces = layOutTiff(root);
  const bytes = new Uint8Array(pieces.byteLength);
  let at = 0;
  for (const chunk of pieces.chunks()) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/**
 * The simplest fraction within `relativeError` of a number, by continued fractions: 0.033333
 * becomes 1/30, as photographers write it. Both parts fit a signed 32-bit tag.
 * @throws RangeError for numbers that no tag can hold
 */
export function toFraction(value: number, relativeError = 1e-6): Fraction {
  const limit = 2 ** 31 - 1;
  if (!Number.isFinite(value) || Math.abs(value) > limit) {
    throw new RangeError(`expected a number that fits a rational tag but received ${value}`);
  }
  const sign = value < 0 ? -1 : 1;
  const target = Math.abs(value);
  let [before, n] = [1, Math.floor(target)];
  let [beforeD, d] = [0, 1];
  let rest = target - n;
  while (Math.abs(n / d - target) > relativeError * target && rest > 1e-12) {
    const inverse = 1 / rest;
    const whole = Math.floor(inverse);
    const [nextN, nextD] = [whole * n + before, whole * d + beforeD];
    if (nextN > limit || nextD > limit) break;
    [before, n, beforeD, d] = [n, nextN, d, nextD];
    rest = inverse - whole;
  }
  // Adding 0 turns −0 into 0.
  return [sign * n + 0, d];
}
