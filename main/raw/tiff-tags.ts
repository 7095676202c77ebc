/**
 * Bounded reader of TIFF directories, for facts that LibRaw does not report: strip lengths, DNG's
 * own tags, EXIF and GPS (TIFF 6.0, section 2). Damaged files never make it throw, loop or run
 * long.
 */

import { isUtf8 } from 'node:buffer';

import type { Fraction, TagValue } from './ifd.ts';

/** Bytes of one value by TIFF type code; 0 where the code is unknown. */
const typeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4] as const;
const entryBytes = 12;

/** Limits far above what cameras write. */
const maxDirectories = 64;
const maxEntries = 1024;
const maxValues = 1_000_000;

const subDirectories = 330;
const exifDirectory = 34_665;
const gpsDirectory = 34_853;

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Position of the value, whose bytes are all inside the file. */
  readonly at: number;
}

/** One directory's tags, read on demand. */
export class TiffDirectory {
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #entries: ReadonlyMap<number, Entry>;

  constructor(view: DataView, littleEndian: boolean, entries: ReadonlyMap<number, Entry>) {
    this.#view = view;
    this.#littleEndian = littleEndian;
    this.#entries = entries;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /**
   * All values of a numeric tag; empty for other tags. Rationals are divided, so ±Infinity and NaN
   * may occur.
   */
  numbers(tag: number): readonly number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined || entry.type === 2) return [];
    const size = typeBytes[entry.type] ?? 0;
    return Array.from({ length: entry.count }, (_, index) =>
      this.#number(entry.type, entry.at + index * size),
    );
  }

  /** The first value of a numeric tag. */
  number(tag: number): number | undefined {
    const entry = this.#entries.get(tag);
    return entry === undefined || entry.type === 2 || entry.count === 0
      ? undefined
      : this.#number(entry.type, entry.at);
  }

  /** A text tag up to its terminating NUL, trimmed; undefined if absent or blank. */
  text(tag: number): string | undefined {
    const bytes = this.bytes(tag);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    const text = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('utf8');
    // eslint-disable-next-line no-control-regex -- they have no place in a name
    const clean = text.replaceAll(/[\u0000-\u001f\u007f\ufffd]+/g, ' ').trim();
    return clean === '' ? undefined : clean;
  }

  /** The bytes of a BYTE, ASCII or UNDEFINED tag. */
  bytes(tag: number): Uint8Array | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined || typeBytes[entry.type] !== 1) return undefined;
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + entry.at, entry.count);
  }

  /** The bytes of a tag whatever its type: some writers call a block of bytes a list of numbers. */
  anyBytes(tag: number): Uint8Array | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const length = entry.count * (typeBytes[entry.type] ?? 0);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + entry.at, length);
  }

  /** Numbers of all tags. */
  get tags(): Iterable<number> {
    return this.#entries.keys();
  }

  /**
   * A tag as the writer takes it, in memory of its own. Text is cleaned of control characters, and
   * read as Latin-1 where it is no UTF-8.
   * @returns undefined where the tag is absent, blank, longer than `bytesMax`, or of a type that no
   *   EXIF tag has
   */
  value(tag: number, bytesMax: number): { value: TagValue; byteLength: number } | undefined {
    const entry = this.#entries.get(tag);
    const bytes = this.anyBytes(tag);
    if (entry === undefined || bytes === undefined || bytes.byteLength > bytesMax) return undefined;
    const value = this.#valueOf(entry, bytes);
    return value && { value, byteLength: bytes.byteLength };
  }

  #valueOf({ type, at, count }: Entry, bytes: Uint8Array): TagValue | undefined {
    switch (type) {
      case 1:
        return { type: 'BYTE', bytes: bytes.slice() };
      case 2: {
        const text = cleanText(bytes);
        return text === '' ? undefined : { type: 'ASCII', text };
      }
      case 3:
      case 4: {
        const size = type === 3 ? 2 : 4;
        const numbers = Array.from({ length: count }, (_, i) => this.#number(type, at + i * size));
        return { type: type === 3 ? 'SHORT' : 'LONG', numbers };
      }
      case 5:
      case 10: {
        const part = type === 5 ? 4 : 9;
        const fractions = Array.from({ length: count }, (_, i): Fraction => [
          this.#number(part, at + i * 8),
          this.#number(part, at + i * 8 + 4),
        ]);
        return { type: type === 5 ? 'RATIONAL' : 'SRATIONAL', fractions };
      }
      case 7:
        return { type: 'UNDEFINED', bytes: bytes.slice() };
      default:
        return undefined;
    }
  }

  #number(type: number, at: number): number {
    const view = this.#view;
    const little = this.#littleEndian;
    switch (type) {
      case 1:
      case 7:
        return view.getUint8(at);
      case 3:
        return view.getUint16(at, little);
      case 4:
      case 13:
        return view.getUint32(at, little);
      case 5:
        return view.getUint32(at, little) / view.getUint32(at + 4, little);
      case 6:
        return view.getInt8(at);
      case 8:
        return view.getInt16(at, little);
      case 9:
        return view.getInt32(at, little);
      case 10:
        return view.getInt32(at, little) / view.getInt32(at + 4, little);
      case 11:
        return view.getFloat32(at, little);
      case 12:
        return view.getFloat64(at, little);
      default:
        return Number.NaN;
    }
  }
}

function cleanText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const own = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end));
  const text = isUtf8(own) ? own.toString('utf8') : own.toString('latin1');
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}

/** A TIFF-like file's directories. */
export interface TiffFile {
  /** The chain and all its SubIFDs; the first is IFD0. */
  readonly images: readonly TiffDirectory[];
  readonly exif?: TiffDirectory;
  readonly gps?: TiffDirectory;
  /** Whether every directory could be read. */
  readonly isWhole: boolean;
  readonly littleEndian: boolean;
}

interface Walk {
  readonly view: DataView;
  readonly littleEndian: boolean;
  readonly seen: Set<number>;
}

/** Reads one directory and the offset of the next one in its chain (0: none). */
function readDirectory(
  { view, littleEndian, seen }: Walk,
  offset: number,
): { directory: TiffDirectory; next: number; isWhole: boolean } | undefined {
  if (offset < 8 || offset + 2 > view.byteLength || seen.has(offset) || seen.size >= maxDirectories)
    return undefined;
  seen.add(offset);
  const declared = view.getUint16(offset, littleEndian);
  const room = Math.floor((view.byteLength - offset - 2) / entryBytes);
  const count = Math.min(declared, room, maxEntries);
  const entries = new Map<number, Entry>();
  let isWhole = count === declared;
  for (let index = 0; index < count; index++) {
    const at = offset + 2 + index * entryBytes;
    const type = view.getUint16(at + 2, littleEndian);
    const values = view.getUint32(at + 4, littleEndian);
    const size = typeBytes[type] ?? 0;
    if (size === 0 || values === 0) continue;
    const length = values * size;
    const valueAt = length <= 4 ? at + 8 : view.getUint32(at + 8, littleEndian);
    if (valueAt + length > view.byteLength || (size > 1 && values > maxValues)) {
      isWhole = false;
      continue;
    }
    entries.set(view.getUint16(at, littleEndian), { type, count: values, at: valueAt });
  }
  const nextAt = offset + 2 + declared * entryBytes;
  const next = nextAt + 4 <= view.byteLength ? view.getUint32(nextAt, littleEndian) : 0;
  return { directory: new TiffDirectory(view, littleEndian, entries), next, isWhole };
}

/**
 * The directories of a TIFF, or of a TIFF-like camera format (DNG, CR2, NEF, ARW, PEF, KDC, ORF,
 * RW2 …). Undefined unless the bytes begin with such a header and one readable directory.
 */
export function readTiff(bytes: Uint8Array): TiffFile | undefined {
  if (bytes.byteLength < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = view.getUint16(0, false);
  if (order !== 0x4949 && order !== 0x4d4d) return undefined;
  const littleEndian = order === 0x4949;
  const walk: Walk = { view, littleEndian, seen: new Set() };
  const images: TiffDirectory[] = [];
  const queue = [view.getUint32(4, littleEndian)];
  let isWhole = true;
  for (let offset = queue.shift(); offset !== undefined; offset = queue.shift()) {
    const found = readDirectory(walk, offset);
    if (found === undefined) {
      isWhole = false;
      continue;
    }
    isWhole &&= found.isWhole;
    images.push(found.directory);
    queue.push(...found.directory.numbers(subDirectories).slice(0, maxDirectories));
    if (found.next !== 0) queue.push(found.next);
  }
  if (images.length === 0) return undefined;
  const exif = firstDirectory(walk, images, exifDirectory);
  const gps = firstDirectory(walk, images, gpsDirectory);
  return {
    images,
    isWhole,
    littleEndian,
    ...(exif === undefined ? {} : { exif }),
    ...(gps === undefined ? {} : { gps }),
  };
}

function firstDirectory(
  walk: Walk,
  images: readonly TiffDirectory[],
  tag: number,
): TiffDirectory | undefined {
  for (const image of images) {
    const offset = image.number(tag);
    const found = offset === undefined ? undefined : readDirectory(walk, offset);
    if (found !== undefined) return found.directory;
  }
  return undefined;
}
