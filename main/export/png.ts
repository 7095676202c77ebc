/**
 * PNG writer for finished pictures: 8 or 16 bits, with ICC profile and EXIF (PNG, third edition).
 * It takes half of libpng's time on a photograph, and uses the same EXIF block as every other
 * format.
 */

import { pipeline } from 'node:stream/promises';
import { crc32, createDeflate, deflateSync } from 'node:zlib';

import type { FinishedImage } from '../raw/image.ts';
import type { FilePieces } from '../raw/ifd.ts';
import { writeIptc } from '../raw/iptc.ts';
import type { Shot } from '../raw/mosaic.ts';
import type { Records } from '../raw/records.ts';
import { writeXmp } from '../raw/xmp.ts';
import { throwIfCancelled } from '../base/refusal.ts';
import { toEightBits } from './eight-bits.ts';
import { exifBlock, pixelsPerInch } from './exif.ts';
import type { EncodeOptions } from './exif.ts';
import { iccProfile } from './icc.ts';
import { photoDeflate } from './photo-deflate.ts';

export interface PngOptions {
  readonly bits: 8 | 16;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const truecolour = 2;
const filterSub = 1;
const metresPerInch = 0.0254;

const rowsPerBand = 64;
const idatBytes = 1 << 20;

/** Length, type, data, checksum; the data is referenced, not copied. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.byteLength, 0);
  head.write(type, 4, 'latin1');
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))), 0);
  return [head, data, tail];
}

function imageHeader(width: number, height: number, bits: number): Uint8Array {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([bits, truecolour], 8);
  return data;
}

function profileChunk(name: string, profile: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${name}\0\0`, 'latin1'), deflateSync(profile)]);
}

function resolutionChunk(): Uint8Array {
  const perMetre = Math.round(pixelsPerInch / metresPerInch);
  const data = Buffer.alloc(9);
  data.writeUInt32BE(perMetre, 0);
  data.writeUInt32BE(perMetre, 4);
  data[8] = 1;
  return data;
}

/**
 * XMP as its specification puts it into a PNG (ISO 16684-3). IPTC has no place of its own there; this
 * is ImageMagick's, which ExifTool reads too: a line break, a name, the length, hexadecimal digits.
 */
function packetChunks(records: Records | undefined): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const xmp = writeXmp(records?.xmp ?? []);
  if (xmp !== undefined) {
    const head = Buffer.from('XML:com.adobe.xmp\0\0\0\0\0', 'latin1');
    chunks.push(...chunk('iTXt', Buffer.concat([head, xmp])));
  }
  const iptc = writeIptc(records?.iptc ?? []);
  if (iptc !== undefined) {
    const digits = Buffer.from(iptc).toString('hex').replaceAll(/.{72}/g, '$&\n');
    const text = `\niptc\n${String(iptc.length).padStart(8)}\n${digits}\n`;
    const head = Buffer.from('Raw profile type iptc\0\0', 'latin1');
    chunks.push(...chunk('zTXt', Buffer.concat([head, deflateSync(Buffer.from(text))])));
  }
  return chunks;
}

/**
 * A band of rows: a filter byte, then the difference of each byte from that of the pixel to the
 * left.
 */
function filterEightBits(rows: Uint8Array, rowSamples: number): Uint8Array {
  const height = rows.length / rowSamples;
  const band = new Uint8Array(height * (rowSamples + 1));
  for (let y = 0; y < height; y++) {
    const from = y * rowSamples;
    const to = y * (rowSamples + 1) + 1;
    band[to - 1] = filterSub;
    for (let i = 0; i < rowSamples; i++)
      band[to + i] = rows[from + i]! - (i < 3 ? 0 : rows[from + i - 3]!);
  }
  return band;
}

/** The same for big-endian 16-bit samples, whose high and low bytes are filtered separately. */
function filterSixteenBits(
  samples: Uint16Array,
  start: number,
  rowSamples: number,
  height: number,
): Uint8Array {
  const rowBytes = rowSamples * 2 + 1;
  const band = new Uint8Array(height * rowBytes);
  for (let y = 0; y < height; y++) {
    const from = start + y * rowSamples;
    let to = y * rowBytes;
    band[to++] = filterSub;
    for (let i = 0; i < rowSamples; i++) {
      const here = samples[from + i]!;
      const left = i < 3 ? 0 : samples[from + i - 3]!;
      band[to++] = (here >>> 8) - (left >>> 8);
      band[to++] = here - left;
    }
  }
  return band;
}

function* filteredBands(
  image: FinishedImage,
  bits: 8 | 16,
  signal: AbortSignal | undefined,
): Iterable<Uint8Array> {
  const rowSamples = image.width * 3;
  for (let y = 0; y < image.height; y += rowsPerBand) {
    throwIfCancelled(signal);
    const rows = Math.min(rowsPerBand, image.height - y);
    const start = y * rowSamples;
    yield bits === 16
      ? filterSixteenBits(image.samples, start, rowSamples, rows)
      : filterEightBits(toEightBits(image.samples, start, start + rows * rowSamples), rowSamples);
  }
}

/**
 * A true-colour PNG: IHDR, iCCP, pHYs, eXIf, iTXt, zTXt, IDAT …, IEND.
 * @throws Refusal `cancelled`
 */
export async function encodePng(
  image: FinishedImage,
  shot: Shot,
  { bits }: PngOptions,
  { signal, records }: EncodeOptions = {},
): Promise<FilePieces> {
  const pieces: Uint8Array[] = [
    signature,
    ...chunk('IHDR', imageHeader(image.width, image.height, bits)),
    ...chunk('iCCP', profileChunk(image.space, iccProfile(image.space))),
    ...chunk('pHYs', resolutionChunk()),
    ...chunk('eXIf', exifBlock(image, shot, { records })),
    ...packetChunks(records),
  ];
  await pipeline(
    filteredBands(image, bits, signal),
    createDeflate({ ...photoDeflate, chunkSize: idatBytes }),
    async (compressed: AsyncIterable<Uint8Array>) => {
      for await (const piece of compressed) pieces.push(...chunk('IDAT', piece));
    },
  );
  pieces.push(...chunk('IEND', new Uint8Array(0)));
  return {
    byteLength: pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
    chunks: () => pieces,
  };
}
