/** Describes how a DNG directory stores its samples: their format, and their tiles or strips. */

import { Refusal } from '../../base/refusal.ts';
import type { TiffDirectory } from '../tiff-tags.ts';

const tagCodes = {
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

const planarSeparate = 2;
const formatUnsigned = 1;
const formatFloat = 3;

/** More than any sensor has; only a damaged header asks for more. */
const maxSamples = 400_000_000;
/** Tiles may exceed a small picture, but by no more than this many samples. */
const maxSpareSamples = 16_000_000;
const maxChunks = 100_000;
/** Maximum number of fields that rows or columns are divided into. Cameras use 2. */
const maxInterleave = 16;

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
  const width = image.number(tagCodes.width) ?? 0;
  const height = image.number(tagCodes.length) ?? 0;
  const channels = image.number(tagCodes.samplesPerPixel) ?? 1;
  if (channels !== 1 && channels !== 3) {
    throw new Refusal(
      'unsupported-file',
      `${name} is a DNG with ${channels} colours; only 1 and 3 are supported`,
    );
  }
  const isPossible = width > 0 && height > 0 && width * height * channels <= maxSamples;
  if (!isPossible) throw damaged(name, `it announces a frame of ${width}×${height}`);
  const { bits, isFloat } = sampleFormat(image, name);
  const isSeparate = channels > 1 && image.number(tagCodes.planar) === planarSeparate;
  const chunkChannels = isSeparate ? 1 : channels;
  return {
    width,
    height,
    channels,
    chunkChannels,
    bits,
    isFloat,
    compression: image.number(tagCodes.compression) ?? 1,
    predictor: image.number(tagCodes.predictor) ?? 1,
    rowInterleave: interleaveOf(image, tagCodes.rowInterleave, name),
    columnInterleave: interleaveOf(image, tagCodes.columnInterleave, name),
    chunks: readChunks(image, { width, height, planes: isSeparate ? channels : 1 }, name),
  };
}

/** The sample format, checked against what this layout's `compression` requires. */
function sampleFormat(image: TiffDirectory, name: string): { bits: number; isFloat: boolean } {
  const all = image.numbers(tagCodes.bits);
  const [bits = 8] = all;
  const [format = formatUnsigned] = image.numbers(tagCodes.sampleFormat);
  const isFloat = format === formatFloat;
  const isKnown = isFloat
    ? bits === 16 || bits === 24 || bits === 32
    : format === formatUnsigned && ((bits >= 1 && bits <= 16) || bits === 32);
  if (!isKnown || all.some((other) => other !== bits)) {
    const kind = isFloat ? 'floating-point' : format === formatUnsigned ? 'whole' : 'signed';
    throw new Refusal(
      'unsupported-file',
      `${name} is a DNG with ${kind} samples of ${all.join(', ')} bits, which is not supported`,
    );
  }
  return { bits, isFloat };
}

function interleaveOf(image: TiffDirectory, tag: number, name: string): number {
  const factor = image.number(tag) ?? 1;
  if (Number.isInteger(factor) && factor >= 1 && factor <= maxInterleave) return factor;
  throw damaged(name, `its samples are interleaved by ${factor}`);
}

function readChunks(
  image: TiffDirectory,
  { width, height, planes }: { width: number; height: number; planes: number },
  name: string,
): Chunk[] {
  const isTiled = image.has(tagCodes.tileOffsets);
  const offsets = image.numbers(isTiled ? tagCodes.tileOffsets : tagCodes.stripOffsets);
  const byteCounts = image.numbers(isTiled ? tagCodes.tileByteCounts : tagCodes.stripByteCounts);
  const chunkWidth = isTiled ? (image.number(tagCodes.tileWidth) ?? 0) : width;
  const rows = isTiled
    ? (image.number(tagCodes.tileLength) ?? 0)
    : (image.number(tagCodes.rowsPerStrip) ?? height);
  const chunkHeight = isTiled ? rows : Math.min(rows, height);
  const spare = chunkWidth * chunkHeight - width * height;
  if (!(chunkWidth > 0 && chunkHeight > 0 && spare <= maxSpareSamples))
    throw damaged(name, `its tiles are ${chunkWidth}×${chunkHeight}`);
  const across = Math.ceil(width / chunkWidth);
  const down = Math.ceil(height / chunkHeight);
  const count = across * down * planes;
  if (count > maxChunks || offsets.length < count || byteCounts.length < count) {
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
