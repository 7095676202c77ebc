/** Reads the samples of DNGs that LibRaw refuses or misreads, tile by tile, as they are stored. */

import { inflateSync } from 'node:zlib';

import { Refusal, describeError } from '../../base/refusal.ts';
import type { TiffDirectory } from '../tiff-tags.ts';
import { damaged, readLayout, type Chunk, type Layout } from './layout.ts';
import { predictorOf, undoDifferences, undoFloatPredictor, type Rows } from './predictor.ts';
import { floats, wholeNumbers, type Samples } from './samples.ts';
import { decodeTile } from './vips.ts';

/** A DNG's raw picture in the file's own numbers, with nothing subtracted or cropped. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** width × height × channels, row-major, interleaved. */
  readonly samples: Uint16Array | Float32Array;
  /** Bits of whole numbers; undefined for floating point. */
  readonly bits: number | undefined;
}

const compressionCodes = {
  none: 1,
  deflate: 8,
  oldDeflate: 32_946,
  lossyJpeg: 34_892,
  jpegXl: 52_546,
} as const;

const photometric = 262;
const photometricLinearRaw = 34_892;
const sampleFormat = 339;
const rowInterleaveTag = 50_975;
const columnInterleaveTag = 52_547;

/**
 * A chunk that inflates to more than its size is damaged, except for a few bytes that some writers
 * add.
 */
const inflateSpareBytes = 65_536;

/**
 * Whether a DNG's raw picture is decoded here. LibRaw correctly reads mosaics of whole numbers and
 * lossless JPEG. It refuses everything else, converts it to whole numbers, or loses the black
 * level.
 */
export function isDecodedHere(image: TiffDirectory): boolean {
  const compression = image.number(259) ?? 1;
  if (compression !== compressionCodes.none) {
    return (
      compression === compressionCodes.deflate ||
      compression === compressionCodes.oldDeflate ||
      compression === compressionCodes.lossyJpeg ||
      compression === compressionCodes.jpegXl
    );
  }
  const isInterleaved = [rowInterleaveTag, columnInterleaveTag].some(
    (tag) => (image.number(tag) ?? 1) > 1,
  );
  return (
    image.number(photometric) === photometricLinearRaw ||
    image.number(sampleFormat) === 3 ||
    isInterleaved
  );
}

/**
 * Decodes a directory's samples.
 * @param file the whole file
 * @param littleEndian the file's byte order
 * @param name the file's own name, for messages
 * @throws Refusal `unsupported-file` or `damaged-file`
 */
export async function decodePlane(
  file: Uint8Array,
  littleEndian: boolean,
  image: TiffDirectory,
  name: string,
): Promise<Plane> {
  const layout = readLayout(image, name);
  const { width, height, channels, bits, isFloat } = layout;
  const count = width * height * channels;
  const samples = isFloat || bits > 16 ? new Float32Array(count) : new Uint16Array(count);
  for (const chunk of layout.chunks) {
    const end = chunk.offset + chunk.byteLength;
    if (end > file.byteLength) throw damaged(name, 'its samples run past the end of the file');
    const bytes = file.subarray(chunk.offset, end);
    const tile = await decodeChunk(bytes, chunk, layout, littleEndian, name);
    place(tile.samples, tile.chunk, layout, samples);
  }
  return {
    width,
    height,
    channels,
    samples: inOrder(samples, layout),
    bits: isFloat ? undefined : bits,
  };
}

/**
 * A chunk's samples with the chunk's actual size, because some writers cut tiles at the picture's
 * edge.
 */
interface Decoded {
  readonly samples: Samples;
  readonly chunk: Chunk;
}

async function decodeChunk(
  bytes: Uint8Array,
  chunk: Chunk,
  layout: Layout,
  littleEndian: boolean,
  name: string,
): Promise<Decoded> {
  switch (layout.compression) {
    case compressionCodes.none:
      return stored(bytes, chunk, layout, littleEndian, name);
    case compressionCodes.deflate:
    case compressionCodes.oldDeflate:
      return inflated(bytes, chunk, layout, littleEndian, name);
    case compressionCodes.lossyJpeg:
      return pictured('jpeg', bytes, chunk, layout, name);
    case compressionCodes.jpegXl:
      return pictured('jxl', bytes, chunk, layout, name);
    default:
      throw new Error(`expected a compression that is decoded here, not ${layout.compression}`);
  }
}

/** The part of a chunk inside the picture. */
function cutAtEdge(chunk: Chunk, { width, height }: Layout): Chunk {
  return {
    ...chunk,
    width: Math.min(chunk.width, width - chunk.x),
    height: Math.min(chunk.height, height - chunk.y),
  };
}

function bytesOf({ width, height }: Chunk, { bits, chunkChannels }: Layout): number {
  return Math.ceil((width * chunkChannels * bits) / 8) * height;
}

/** The complete chunk if there are enough bytes, otherwise the part inside the picture. */
function fitting(byteLength: number, chunk: Chunk, layout: Layout, name: string): Chunk {
  if (byteLength >= bytesOf(chunk, layout)) return chunk;
  const cut = cutAtEdge(chunk, layout);
  if (byteLength === bytesOf(cut, layout)) return cut;
  throw damaged(name, `a tile or strip holds ${byteLength} of ${bytesOf(chunk, layout)} bytes`);
}

function stored(
  bytes: Uint8Array,
  whole: Chunk,
  layout: Layout,
  littleEndian: boolean,
  name: string,
): Decoded {
  const { bits, isFloat, chunkChannels } = layout;
  const chunk = fitting(bytes.length, whole, layout, name);
  const samples = isFloat
    ? floats(bytes, bits, littleEndian)
    : wholeNumbers(bytes, bits, littleEndian, chunk.width * chunkChannels);
  return { samples, chunk };
}

function inflated(
  bytes: Uint8Array,
  whole: Chunk,
  layout: Layout,
  littleEndian: boolean,
  name: string,
): Decoded {
  const { bits, isFloat, chunkChannels } = layout;
  const predictor = predictorOf(layout.predictor);
  const fits = predictor?.kind === 'none' || (predictor?.kind === 'float') === isFloat;
  if (predictor === undefined || !fits) {
    throw new Refusal(
      'unsupported-file',
      `${name} is a DNG with predictor ${layout.predictor} for ${bits}-bit ${isFloat ? 'floats' : 'whole numbers'}, which is not supported`,
    );
  }
  let plain: Uint8Array;
  try {
    plain = inflateSync(bytes, { maxOutputLength: bytesOf(whole, layout) + inflateSpareBytes });
  } catch (error) {
    throw damaged(name, `its Deflate data are broken (${describeError(error)})`);
  }
  const chunk = fitting(plain.length, whole, layout, name);
  const rowSamples = chunk.width * chunkChannels;
  const shape = { rowSamples, rows: chunk.height, stride: predictor.pixels * chunkChannels };
  if (predictor.kind === 'float') return { samples: predictedFloats(plain, shape, bits), chunk };
  if (isFloat) return { samples: floats(plain, bits, littleEndian), chunk };
  const samples = wholeNumbers(plain, bits, littleEndian, rowSamples);
  if (predictor.kind === 'difference') undoDifferences(samples, shape);
  return { samples, chunk };
}

/** No sensor or merged exposure reaches such values, so the bytes were joined wrongly. */
const implausible = 1e9;

/**
 * Some writers predict these parts of a row separately, although the specification requires whole
 * rows.
 */
const rowParts = [2, 4, 8];

/**
 * Decodes by the specification, and uses parts of rows only if that gives absurd light and they do
 * not.
 */
function predictedFloats(plain: Uint8Array, rows: Rows, bits: number): Float32Array {
  const read = (parts: number): Float32Array => {
    const bytes = Uint8Array.from(plain);
    const shape = { ...rows, rowSamples: rows.rowSamples / parts, rows: rows.rows * parts };
    undoFloatPredictor(bytes, shape, bits / 8);
    return floats(bytes, bits, false);
  };
  const byTheBook = read(1);
  if (isPlausible(byTheBook)) return byTheBook;
  for (const parts of rowParts) {
    if (rows.rowSamples % (parts * rows.stride) !== 0) break;
    const inParts = read(parts);
    if (isPlausible(inParts)) return inParts;
  }
  return byTheBook;
}

function isPlausible(samples: Float32Array): boolean {
  return samples.every((sample) => Math.abs(sample) < implausible);
}

/** Decodes a tile that is a complete JPEG or JPEG XL picture. */
async function pictured(
  kind: 'jpeg' | 'jxl',
  bytes: Uint8Array,
  whole: Chunk,
  layout: Layout,
  name: string,
): Promise<Decoded> {
  const { bits, isFloat, chunkChannels } = layout;
  const format = kind === 'jpeg' ? 'JPEG' : 'JPEG XL';
  const decoded = await decodeTile(kind, bytes).catch((error: unknown) => {
    throw damaged(name, `a ${format} tile cannot be decoded (${describeError(error)})`);
  });
  const chunk = [whole, cutAtEdge(whole, layout)].find(
    ({ width, height }) => decoded.width === width && decoded.height === height,
  );
  if (chunk === undefined || decoded.channels !== chunkChannels) {
    throw damaged(
      name,
      `a ${format} tile of ${whole.width}×${whole.height}×${chunkChannels} holds ${decoded.width}×${decoded.height}×${decoded.channels}`,
    );
  }
  const { samples } = decoded;
  if (isFloat !== samples instanceof Float32Array) {
    throw damaged(name, `a ${format} tile and the DNG differ in the kind of their samples`);
  }
  // Samples of more than 8 bits are returned scaled to 16, but the file's levels use its own bit
  // depth.
  const isSpread = samples instanceof Uint16Array && bits > 8 && bits < 16;
  if (!isSpread) return { samples, chunk };
  const scale = (2 ** bits - 1) / 65_535;
  return { samples: samples.map((value) => Math.round(value * scale)), chunk };
}

/** Copies the part of a chunk inside the picture to its position. */
function place(
  from: Samples,
  chunk: Chunk,
  { width, height, channels, chunkChannels }: Layout,
  to: Uint16Array | Float32Array,
): void {
  const columns = Math.min(chunk.width, width - chunk.x);
  const rows = Math.min(chunk.height, height - chunk.y);
  for (let row = 0; row < rows; row++) {
    const start = row * chunk.width * chunkChannels;
    const target = ((chunk.y + row) * width + chunk.x) * channels;
    if (chunkChannels === channels) {
      to.set(from.subarray(start, start + columns * channels), target);
      continue;
    }
    for (let x = 0; x < columns; x++) to[target + x * channels + chunk.channel] = from[start + x]!;
  }
}

/**
 * Restores the order of rows and columns stored in fields: field k of n holds rows k, k + n, k + 2n
 * … (DNG 1.7.1, RowInterleaveFactor and ColumnInterleaveFactor).
 */
function inOrder(
  samples: Uint16Array | Float32Array,
  { width, height, channels, rowInterleave, columnInterleave }: Layout,
): Uint16Array | Float32Array {
  if (rowInterleave === 1 && columnInterleave === 1) return samples;
  const rows = fieldOrder(height, rowInterleave);
  const columns = fieldOrder(width, columnInterleave);
  const ordered = samples.slice();
  for (let y = 0; y < height; y++) {
    const from = y * width;
    const to = rows[y]! * width;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++)
        ordered[(to + columns[x]!) * channels + channel] =
          samples[(from + x) * channels + channel]!;
    }
  }
  return ordered;
}

/** The final position of each stored row. */
function fieldOrder(size: number, fields: number): Uint32Array {
  const order = new Uint32Array(size);
  let stored = 0;
  for (let field = 0; field < fields; field++) {
    for (let row = field; row < size; row += fields) order[stored++] = row;
  }
  return order;
}
