/** Describes how a DNG directory stores its samples: their format, and their tiles or strips. */

import { Refusal } from '../../base/refusal.ts';
import type { TiffDirectory } from '../tiff-tags.ts';

const TAG = {
  width: 256,
  length: 257,
  bits: 258,
  compression: 259,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planar: 284,
  predictor: 317,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  sampleFormat: 339,
  rowInterleave: 50_975,
  columnInterleave: 52_547,
} as const;

const PLANAR_SEPARATE = 2;
const FORMAT_UNSIGNED = 1;
const FORMAT_FLOAT = 3;

/** More than any sensor has; only a damaged header asks for more. */
const MAX_SAMPLES = 400_000_000;
/** Tiles may exceed a small picture, but by no more than this many samples. */
const MAX_SPARE_SAMPLES = 16_000_000;
const MAX_CHUNKS = 100_000;
/** Maximum number of fields that rows or columns are divided into. Cameras use 2. */
const MAX_INTERLEAVE = 16;

/** One tile or strip. */
export interface Chunk {
  /** Position of its bytes in the file. */
  readonly offset: number;
  readonly byteLength: number;
  /**
   * Position of its samples in the stored picture. A tile may extend beyond the picture's edges.
   */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The only channel in it if channels are stored separately; otherwise 0. */
  readonly channel: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Channels in one chunk: all, or one if they are stored separately. */
  readonly chunkChannels: 1 | 3;
  /** Bits per sample: 1–16 or 32 for whole numbers; 16, 24 or 32 for floating point. */
  readonly bits: number;
  readonly isFloat: boolean;
  readonly compression: number;
  readonly predictor: number;
  /** Rows (columns) are stored in this many consecutive fields; 1 means in order. */
  readonly rowInterleave: number;
  readonly columnInterleave: number;
  readonly chunks: readonly Chunk[];
}

/**
 * Reads a directory's layout (TIFF 6.0, sections 3, 8 and 15; DNG 1.7.1, chapter 2).
 * @throws Refusal `unsupported-file` or `damaged-file`
 */
export function readLayout(image: TiffDirectory, name: string): Layout {
  const width = image.number(TAG.width) ?? 0;
  const height = image.number(TAG.length) ?? 0;
  const channels = image.number(TAG.samplesPerPixel) ?? 1;
  if (channels !== 1 && channels !== 3) {
    throw new Refusal(
      'unsupported-file',
      `${name} is a DNG with ${channels} colours; only 1 and 3 are supported`,
    );
  }
  const isPossible = width > 0 && height > 0 && width * height * channels <= MAX_SAMPLES;
  if (!isPossible) throw damaged(name, `it announces a frame of ${width}×${height}`);
  const { bits, isFloat } = sampleFormat(image, name);
  const isSeparate = channels > 1 && image.number(TAG.planar) === PLANAR_SEPARATE;
  const chunkChannels = isSeparate ? 1 : channels;
  return {
    width,
    height,
    channels,
    chunkChannels,
    bits,
    isFloat,
    compression: image.number(TAG.compression) ?? 1,
    predictor: image.number(TAG.predictor) ?? 1,
    rowInterleave: interleaveOf(image, TAG.rowInterleave, name),
    columnInterleave: interleaveOf(image, TAG.columnInterleave, name),
    chunks: readChunks(image, { width, height, planes: isSeparate ? channels : 1 }, name),
  };
}

/** The sample format, checked against what this layout's `compression` requires. */
function sampleFormat(image: TiffDirectory, name: string): { bits: number; isFloat: boolean } {
  const all = image.numbers(TAG.bits);
  const [bits = 8] = all;
  const [format = FORMAT_UNSIGNED] = image.numbers(TAG.sampleFormat);
  const isFloat = format === FORMAT_FLOAT;
  const isKnown = isFloat
    ? bits === 16 || bits === 24 || bits === 32
    : format === FORMAT_UNSIGNED && ((bits >= 1 && bits <= 16) || bits === 32);
  if (!isKnown || all.some((other) => other !== bits)) {
    const kind = isFloat ? 'floating-point' : format === FORMAT_UNSIGNED ? 'whole' : 'signed';
    throw new Refusal(
      'unsupported-file',
      `${name} is a DNG with ${kind} samples of ${all.join(', ')} bits, which is not supported`,
    );
  }
  return { bits, isFloat };
}

function interleaveOf(image: TiffDirectory, tag: number, name: string): number {
  const factor = image.number(tag) ?? 1;
  if (Number.isInteger(factor) && factor >= 1 && factor <= MAX_INTERLEAVE) return factor;
  throw damaged(name, `its samples are interleaved by ${factor}`);
}

function readChunks(
  image: TiffDirectory,
  { width, height, planes }: { width: number; height: number; planes: number },
  name: string,
): Chunk[] {
  const isTiled = image.has(TAG.tileOffsets);
  const offsets = image.numbers(isTiled ? TAG.tileOffsets : TAG.stripOffsets);
  const byteCounts = image.numbers(isTiled ? TAG.tileByteCounts : TAG.stripByteCounts);
  const chunkWidth = isTiled ? (image.number(TAG.tileWidth) ?? 0) : width;
  const rows = isTiled
    ? (image.number(TAG.tileLength) ?? 0)
    : (image.number(TAG.rowsPerStrip) ?? height);
  const chunkHeight = isTiled ? rows : Math.min(rows, height);
  const spare = chunkWidth * chunkHeight - width * height;
  if (!(chunkWidth > 0 && chunkHeight > 0 && spare <= MAX_SPARE_SAMPLES))
    throw damaged(name, `its tiles are ${chunkWidth}×${chunkHeight}`);
  const across = Math.ceil(width / chunkWidth);
  const down = Math.ceil(height / chunkHeight);
  const count = across * down * planes;
  if (count > MAX_CHUNKS || offsets.length < count || byteCounts.length < count) {
    throw damaged(name, `it needs ${count} tiles or strips and lists ${offsets.length}`);
  }
  return Array.from({ length: count }, (_, index) => {
    const inPlane = index % (across * down);
    const y = Math.floor(inPlane / across) * chunkHeight;
    return {
      offset: offsets[index]!,
      byteLength: byteCounts[index]!,
      x: (inPlane % across) * chunkWidth,
      y,
      width: chunkWidth,
      // A tile is always complete; the last strip ends with the picture.
      height: isTiled ? chunkHeight : Math.min(chunkHeight, height - y),
      channel: Math.floor(index / (across * down)),
    };
  });
}

/** For a file whose structure is invalid. */
export function damaged(name: string, what: string): Refusal {
  return new Refusal('damaged-file', `${name} is damaged: ${what}`);
}
