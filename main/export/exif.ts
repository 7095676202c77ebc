/** The EXIF of a finished picture, the same in every format. */

import { shotTags } from '../raw/exif-tags.ts';
import { joinTiff, rational, short } from '../raw/ifd.ts';
import type { TagValue } from '../raw/ifd.ts';
import type { FinishedImage } from '../raw/image.ts';
import type { Shot } from '../raw/mosaic.ts';
import type { Records } from '../raw/records.ts';

export const pixelsPerInch = 300;
const inch = 2;

/** What every encoder is told beside the picture and its shot. */
export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly records?: Records | undefined;
}

interface StoredAs {
  /** Whether pixels are stored as luma and colour differences, as in JPEG, rather than RGB. */
  readonly isYcc?: boolean;
  readonly records?: Records | undefined;
}

/**
 * First-directory tags of a finished picture. Its pixels are already upright, so its orientation is
 * 1.
 */
export function finishedTags(
  image: FinishedImage,
  shot: Shot,
  { isYcc = false, records }: StoredAs = {},
): Map<number, TagValue> {
  const { width, height, space } = image;
  const tags = shotTags(shot, 1, { width, height, isSrgb: space === 'srgb', isYcc }, records);
  tags.set(282, rational([pixelsPerInch, 1]));
  tags.set(283, rational([pixelsPerInch, 1]));
  tags.set(296, short(inch));
  return tags;
}

/**
 * The same tags as a separate block that starts with a TIFF header, for PNG's eXIf and JPEG's APP1.
 */
export function exifBlock(image: FinishedImage, shot: Shot, storedAs?: StoredAs): Uint8Array {
  return joinTiff(finishedTags(image, shot, storedAs));
}
