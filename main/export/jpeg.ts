/**
 * JPEG writer for finished pictures: sharp compresses, and our own EXIF and ICC segments are
 * inserted in front.
 */

import sharp from 'sharp';

import type { FinishedImage } from '../raw/image.ts';
import type { FilePieces } from '../raw/ifd.ts';
import { writeIptc } from '../raw/iptc.ts';
import type { Shot } from '../raw/mosaic.ts';
import type { Records } from '../raw/records.ts';
import { writeXmp, type XmpProperty } from '../raw/xmp.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { toEightBits } from './eight-bits.ts';
import { exifBlock } from './exif.ts';
import type { EncodeOptions } from './exif.ts';
import { iccProfile } from './icc.ts';

export interface JpegOptions {
  /** 1–100. */
  readonly quality: number;
}

/**
 * Above this quality, colour keeps its full resolution, because halving shows in small lights at
 * night.
 */
const fullColourAboveQuality = 90;
const maxSide = 65_535;

const app0 = 0xe0;
const app1 = 0xe1;
const app2 = 0xe2;
const app13 = 0xed;

function segment(marker: number, identifier: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(identifier, 'latin1'), data]);
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** A segment's length, itself counted, has 16 bits. */
const segmentBytesMax = 65_533;
const xmpHead = 'http://ns.adobe.com/xap/1.0/\0';
const photoshopHead = 'Photoshop 3.0\0';
/** An image resource: signature, identity 0x0404 (IPTC), an empty name. */
const iptcResource = '8BIM\x04\x04\0\0';

/** XMP (ISO 16684-3) and IPTC, as Photoshop's image resource. */
function packetSegments(records: Records | undefined): Uint8Array[] {
  const segments: Uint8Array[] = [];
  const xmp = fittingXmp(records?.xmp ?? []);
  if (xmp !== undefined) segments.push(segment(app1, xmpHead, xmp));
  const iptc = writeIptc(records?.iptc ?? []);
  if (iptc !== undefined) {
    const head = Buffer.from(`${photoshopHead}${iptcResource}\0\0\0\0`, 'latin1');
    head.writeUInt32BE(iptc.length, head.length - 4);
    const padding = new Uint8Array(iptc.length % 2);
    segments.push(segment(app13, '', Buffer.concat([head, iptc, padding])));
  }
  return segments;
}

/** A packet that fits into one segment: where it does not, its longest properties go. */
function fittingXmp(properties: readonly XmpProperty[]): Uint8Array | undefined {
  const shortestFirst = properties.toSorted(
    (a, b) => JSON.stringify(a).length - JSON.stringify(b).length,
  );
  for (;;) {
    const packet = writeXmp(shortestFirst);
    if (packet === undefined || packet.length + xmpHead.length <= segmentBytesMax) return packet;
    shortestFirst.pop();
  }
}

/** Offset after the start marker and, if present, JFIF's segment. */
function afterJfif(jpeg: Buffer): number {
  return jpeg[2] === 0xff && jpeg[3] === app0 ? 4 + jpeg.readUInt16BE(4) : 2;
}

/**
 * A baseline JPEG: EXIF, ICC profile, picture. sharp cannot attach our EXIF, nor a profile without
 * converting to it, so both are inserted afterwards and the pixels stay unchanged.
 * @throws Refusal `cancelled`; `bad-argument` for a picture JPEG can't hold
 */
export async function encodeJpeg(
  image: FinishedImage,
  shot: Shot,
  { quality }: JpegOptions,
  { signal, records }: EncodeOptions = {},
): Promise<FilePieces> {
  const { width, height, samples, space } = image;
  if (width > maxSide || height > maxSide) {
    throw new Refusal(
      'bad-argument',
      `expected sides up to ${maxSide} pixels for JPEG but received ${width}×${height}`,
    );
  }
  throwIfCancelled(signal);
  const jpeg = await sharp(toEightBits(samples, 0, samples.length), {
    raw: { width, height, channels: 3 },
  })
    .jpeg({ quality, chromaSubsampling: quality > fullColourAboveQuality ? '4:4:4' : '4:2:0' })
    .toBuffer();
  throwIfCancelled(signal);
  const split = afterJfif(jpeg);
  const pieces = [
    jpeg.subarray(0, split),
    segment(app1, 'Exif\0\0', exifBlock(image, shot, { isYcc: true, records })),
    ...packetSegments(records),
    segment(app2, 'ICC_PROFILE\0\x01\x01', iccProfile(space)),
    jpeg.subarray(split),
  ];
  return {
    byteLength: pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
    chunks: () => pieces,
  };
}
