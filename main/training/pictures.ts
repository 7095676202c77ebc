/** Reads finished pictures of any format and profile: sRGB codes and EXIF tags. */

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

export interface SrgbPicture {
  readonly width: number;
  readonly height: number;
  /**
   * width × height × 3, interleaved, encoded with sRGB's curve: 0–255, or 0–65535 if the file has
   * 16 bits.
   */
  readonly codes: Uint8Array | Uint16Array;
  /** Whether the codes have 16 bits. */
  readonly isDeep: boolean;
  /** Named as sharp names it: `png`, `tiff`, `jpeg` … */
  readonly format: string;
}

/**
 * Reads a picture upright. An embedded profile is converted to sRGB, transparency is replaced by
 * black.
 * @throws sharp's errors, unchanged
 */
export async function readSrgbPicture(file: string): Promise<SrgbPicture> {
  const picture = sharp(file, { limitInputPixels: 300_000_000 }).autoOrient();
  const { format, depth, hasAlpha, icc } = await picture.metadata();
  if (hasAlpha) picture.flatten({ background: '#000' });
  const isDeep = depth === 'ushort';
  // By default, sharp converts 16-bit pictures with a profile to Display P3, and 8-bit ones to
  // sRGB.
  if (isDeep && icc !== undefined) picture.withIccProfile('srgb');
  const { data, info } = await picture
    .toColourspace(isDeep ? 'rgb16' : 'srgb')
    .raw({ depth: isDeep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 3) throw new Error(`it has ${String(channels)} channels`);
  const codes = isDeep
    ? new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { width, height, codes, isDeep, format };
}

/**
 * The picture's EXIF as a TIFF; undefined if it has none.
 * @throws sharp's errors, unchanged
 */
export async function readPictureTags(file: string): Promise<Uint8Array | undefined> {
  const { format, exif } = await sharp(file).metadata();
  // sharp extracts the EXIF of a PNG; a TIFF file itself consists of such tags.
  return format === 'tiff' ? readFile(file) : exif;
}
