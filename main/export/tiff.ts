/** TIFF writer for finished pictures: 8 or 16 bits, three compressions, ICC profile and full EXIF. */

import { availableParallelism, endianness } from 'node:os';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';

import { packetTags } from '../raw/exif-tags.ts';
import type { FinishedImage } from '../raw/image.ts';
import { layOutTiff, long, offsetsOf, pixelsOf, short, undefinedBytes } from '../raw/ifd.ts';
import type { FilePieces, Pixels } from '../raw/ifd.ts';
import type { compressions } from '../../preload/contract/choices.ts';
import type { Shot } from '../raw/mosaic.ts';
import { throwIfCancelled } from '../base/refusal.ts';
import { toEightBits } from './eight-bits.ts';
import { finishedTags } from './exif.ts';
import type { EncodeOptions } from './exif.ts';
import { iccProfile } from './icc.ts';
import { lzwEncode } from './lzw.ts';
import { photoDeflate } from './photo-deflate.ts';

export interface TiffOptions {
  readonly bits: 8 | 16;
  readonly compression: (typeof compressions)[number];
}

const compressionCode = { none: 1, lzw: 5, deflate: 8 } as const;
const photometricRgb = 2;
const horizontalPredictor = 2;
const unsigned = 1;

const rowsPerStrip = 64;

const deflateAsync = promisify(deflate);

/**
 * Replaces each sample by its difference from its left neighbour of the same colour; wraps around,
 * as TIFF's predictor 2 does.
 */
function takeDifferences(strip: Uint8Array | Uint16Array, rowSamples: number): void {
  for (let row = 0; row < strip.length; row += rowSamples) {
    for (let i = row + rowSamples - 1; i >= row + 3; i--) strip[i] = strip[i]! - strip[i - 3]!;
  }
}

function asLittleEndian(samples: Uint8Array | Uint16Array): Uint8Array {
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  return endianness() === 'BE' && samples.BYTES_PER_ELEMENT === 2
    ? Buffer.from(bytes).swap16()
    : bytes;
}

/** A copy of the rows, in the file's bit depth. */
function copyRows(image: FinishedImage, bits: 8 | 16, firstRow: number): Uint8Array | Uint16Array {
  const start = firstRow * image.width * 3;
  const end = Math.min(firstRow + rowsPerStrip, image.height) * image.width * 3;
  return bits === 8 ? toEightBits(image.samples, start, end) : image.samples.slice(start, end);
}

async function encodeStrip(
  image: FinishedImage,
  options: TiffOptions,
  firstRow: number,
): Promise<Pixels> {
  const rows = copyRows(image, options.bits, firstRow);
  takeDifferences(rows, image.width * 3);
  const bytes = asLittleEndian(rows);
  return pixelsOf(
    options.compression === 'lzw' ? lzwEncode(bytes) : await deflateAsync(bytes, photoDeflate),
  );
}

/** Uncompressed rows are produced while they are written. */
function plainStrip(image: FinishedImage, bits: 8 | 16, firstRow: number): Pixels {
  const rowCount = Math.min(rowsPerStrip, image.height - firstRow);
  return {
    byteLength: (rowCount * image.width * 3 * bits) / 8,
    chunks: () => [asLittleEndian(copyRows(image, bits, firstRow))],
  };
}

/** Encodes strips in order, with as many under way as there are cores for them. */
async function encodeStrips(
  image: FinishedImage,
  options: TiffOptions,
  signal: AbortSignal | undefined,
): Promise<Pixels[]> {
  const count = Math.ceil(image.height / rowsPerStrip);
  const strips: Pixels[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      throwIfCancelled(signal);
      const index = next++;
      strips[index] = await encodeStrip(image, options, index * rowsPerStrip);
      // LZW runs on this thread, so let other work run between strips.
      if (options.compression === 'lzw') await new Promise((resolve) => setImmediate(resolve));
    }
  };
  // Node's thread pool has four threads by default.
  const workers = options.compression === 'lzw' ? 1 : Math.min(4, availableParallelism());
  await Promise.all(Array.from({ length: workers }, work));
  return strips;
}

/**
 * A baseline RGB TIFF. Deflate and LZW use the horizontal predictor.
 * @throws Refusal `cancelled`; `bad-argument` past 4 GiB
 */
export async function encodeTiff(
  image: FinishedImage,
  shot: Shot,
  options: TiffOptions,
  { signal, records }: EncodeOptions = {},
): Promise<FilePieces> {
  const { width, height, space } = image;
  const { bits, compression } = options;
  const strips =
    compression === 'none'
      ? Array.from({ length: Math.ceil(height / rowsPerStrip) }, (_, index) =>
          plainStrip(image, bits, index * rowsPerStrip),
        )
      : await encodeStrips(image, options, signal);
  const tags = finishedTags(image, shot, { records });
  for (const [tag, value] of packetTags(records)) tags.set(tag, value);
  tags.set(254, long(0));
  tags.set(256, long(width));
  tags.set(257, long(height));
  tags.set(258, short(bits, bits, bits));
  tags.set(259, short(compressionCode[compression]));
  tags.set(262, short(photometricRgb));
  tags.set(273, offsetsOf(strips));
  tags.set(277, short(3));
  tags.set(278, long(rowsPerStrip));
  tags.set(279, long(...strips.map((strip) => strip.byteLength)));
  tags.set(284, short(1));
  if (compression !== 'none') tags.set(317, short(horizontalPredictor));
  tags.set(339, short(unsigned, unsigned, unsigned));
  tags.set(34675, undefinedBytes(iccProfile(space)));
  return layOutTiff(tags);
}
