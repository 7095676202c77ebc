/**
 * Finds the camera's own JPEG from a TIFF-like file's directories. This takes a few reads of the
 * file instead of starting a decoder. Other formats, and files whose directories are far inside,
 * are left to LibRaw.
 */

import { open, type FileHandle } from 'node:fs/promises';
import { readTiff, type TiffDirectory } from './tiff-tags.ts';

/** The directories of nearly every camera's files are within this many bytes. */
const headBytes = 1 << 20;
/** A JPEG's frame header follows its tables and an EXIF block that may contain a thumbnail. */
const jpegHeadBytes = 1 << 17;
/** The embedded JPEG of a 100 MP camera has some 30 MB. */
const jpegBytesMax = 200e6;

const tag = {
  stripOffsets: 273,
  stripByteCounts: 279,
  jpegOffset: 513,
  jpegByteCount: 514,
  dngVersion: 50_706,
} as const;

interface Place {
  readonly at: number;
  readonly bytes: number;
}

interface Candidate extends Place {
  readonly side: number;
}

export type Embedded =
  | { readonly kind: 'found'; readonly jpeg: Uint8Array }
  | { readonly kind: 'none' }
  /** Only a decoder can tell. */
  | { readonly kind: 'unknown' };

/**
 * @param sideMin pixels of the longer side that suffice: the smallest such picture is taken, or the
 *   largest if there is none. If absent, the largest
 */
export async function embeddedJpeg(path: string, sideMin?: number): Promise<Embedded> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return { kind: 'unknown' };
  try {
    return await search(file, sideMin);
  } catch {
    return { kind: 'unknown' };
  } finally {
    await file.close();
  }
}

async function search(file: FileHandle, sideMin: number | undefined): Promise<Embedded> {
  const stats = await file.stat();
  if (!stats.isFile()) return { kind: 'unknown' };
  const head = await readAt(file, { at: 0, bytes: Math.min(stats.size, headBytes) });
  const tiff = readTiff(head);
  if (tiff === undefined) return { kind: 'unknown' };
  const candidates: Candidate[] = [];
  for (const place of tiff.images.flatMap(placesIn)) {
    const side = await jpegSide(file, place, stats.size);
    if (side !== undefined) candidates.push({ ...place, side });
  }
  const ordered = candidates.sort((a, b) => a.side - b.side);
  const chosen =
    (sideMin === undefined ? undefined : ordered.find(({ side }) => side >= sideMin)) ??
    ordered.at(-1);
  if (chosen !== undefined) return { kind: 'found', jpeg: await readAt(file, chosen) };
  // A DNG's directories list everything in it; other formats store previews in places of their own.
  const isDng = tiff.images[0]?.has(tag.dngVersion) === true;
  return { kind: isDng && tiff.isWhole ? 'none' : 'unknown' };
}

function placesIn(directory: TiffDirectory): readonly Place[] {
  const places: Place[] = [];
  const add = (at: number | undefined, bytes: number | undefined): void => {
    if (at !== undefined && bytes !== undefined) places.push({ at, bytes });
  };
  add(directory.number(tag.jpegOffset), directory.number(tag.jpegByteCount));
  const offsets = directory.numbers(tag.stripOffsets);
  if (offsets.length === 1) add(offsets[0], directory.number(tag.stripByteCounts));
  return places;
}

/**
 * Longer side of the picture, if it is an ordinary JPEG. Raw samples are stored as lossless JPEG
 * (SOF3).
 */
async function jpegSide(
  file: FileHandle,
  { at, bytes }: Place,
  fileBytes: number,
): Promise<number | undefined> {
  const isInside = at > 0 && bytes > 100 && bytes <= jpegBytesMax && at + bytes <= fileBytes;
  if (!isInside) return undefined;
  const head = Buffer.from(await readAt(file, { at, bytes: Math.min(bytes, jpegHeadBytes) }));
  if (head.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let position = 2; position + 10 <= head.length;) {
    if (head[position] !== 0xff) return undefined;
    const marker = head[position + 1] ?? 0;
    if (marker === 0xff) {
      position += 1;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xc2) {
      const isEightBit = head[position + 4] === 8;
      const components = head[position + 9];
      if (!isEightBit || (components !== 3 && components !== 1)) return undefined;
      return Math.max(head.readUInt16BE(position + 5), head.readUInt16BE(position + 7));
    }
    // A frame that is neither baseline nor progressive, the scan itself, or the end.
    const isOtherFrame = marker >= 0xc3 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xcc;
    if (isOtherFrame || marker === 0xda || marker === 0xd9) return undefined;
    position += 2 + head.readUInt16BE(position + 2);
  }
  return undefined;
}

/** @throws RangeError if the file is shorter */
async function readAt(file: FileHandle, { at, bytes }: Place): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  for (let filled = 0; filled < bytes;) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, at + filled);
    if (bytesRead === 0) throw new RangeError('the file ends before its picture');
    filled += bytesRead;
  }
  return buffer;
}
