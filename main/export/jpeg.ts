/**
 * JPEG writer for finished pictures: sharp compresses, and our own EXIF and ICC segments are
 * inserted in front.
 */

import sharp from 'sharp';

import type { FinishedImage } from '../raw/image.ts';
import type { FilePieces } from '../raw/ifd.ts';
import type { Shot } from '../raw/mosaic.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { toEightBits } from './eight-bits.ts';
import { exifBlock } from './exif.ts';
import { iccProfile } from './icc.ts';

export interface JpegOptions {
  /** 1–100. */
  readonly quality: number;
}

/**
 * Above this quality, colour keeps its full resolution, because halving shows in small lights at
 * night.
 */
const FULL_COLOUR_ABOVE_QUALITY = 90;
const MAX_SIDE = 65_535;

const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;

function segment(marker: number, identifier: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(identifier, 'latin1'), data]);
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

/** Offset after the start marker and, if present, JFIF's segment. */
function afterJfif(jpeg: Buffer): number {
  return jpeg[2] === 0xff && jpeg[3] === APP0 ? 4 + jpeg.readUInt16BE(4) : 2;
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
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<FilePieces> {
  const { width, height, samples, space } = image;
  if (width > MAX_SIDE || height > MAX_SIDE) {
    throw new Refusal(
      'bad-argument',
      `expected sides up to ${MAX_SIDE} pixels for JPEG but received ${width}×${height}`,
    );
  }
  throwIfCancelled(signal);
  const jpeg = await sharp(toEightBits(samples, 0, samples.length), {
    raw: { width, height, channels: 3 },
  })
    .jpeg({ quality, chromaSubsampling: quality > FULL_COLOUR_ABOVE_QUALITY ? '4:4:4' : '4:2:0' })
    .toBuffer();
  throwIfCancelled(signal);
  const split = afterJfif(jpeg);
  const pieces = [
    jpeg.subarray(0, split),
    segment(APP1, 'Exif\0\0', exifBlock(image, shot, { isYcc: true })),
    segment(APP2, 'ICC_PROFILE\0\x01\x01', iccProfile(space)),
    jpeg.subarray(split),
  ];
  return {
    byteLength: pieces.reduce((sum, piece) => sum + piece.byteLength, 0),
    chunks: () => pieces,
  };
}
