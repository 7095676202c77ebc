/**
 * Reads finished pictures as targets: PNG and TIFF of 8 or 16 bits, in sRGB, aligned with the
 * sensor's pixels.
 */

import path from 'node:path';
import { placementOf } from '../../develop/orientation.ts';
import type { Orientation, Shot } from '../../raw/mosaic.ts';
import { exifExposure } from '../../raw/shot.ts';
import { readTiff } from '../../raw/tiff-tags.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { readPictureTags, readSrgbPicture } from '../pictures.ts';

export interface FinishedPicture {
  readonly width: number;
  readonly height: number;
  /** width × height × 3, interleaved, 0–65535, encoded with sRGB's curve. */
  readonly samples: Uint16Array;
}

/**
 * Reads a picture. An embedded profile is converted to sRGB, transparency is replaced by black.
 * @throws Refusal `damaged-file`, naming the file
 */
export async function readFinishedPicture(file: string): Promise<FinishedPicture> {
  try {
    const { width, height, codes, isDeep } = await readSrgbPicture(file);
    const scale = isDeep ? 1 : 257;
    const samples = new Uint16Array(codes.length);
    for (let at = 0; at < codes.length; at++) samples[at] = codes[at]! * scale;
    return { width, height, samples };
  } catch (error) {
    throw new Refusal(
      'damaged-file',
      `expected a PNG or TIFF picture in ${path.basename(file)}: ${describeError(error)}`,
      { cause: error },
    );
  }
}

/** The exposure in a picture's EXIF; empty if the editing program removed the EXIF. */
export async function readPictureShot(file: string): Promise<Shot> {
  try {
    const tags = await readPictureTags(file);
    const tiff = tags && readTiff(tags);
    return exifExposure({ first: tiff?.images[0], exif: tiff?.exif });
  } catch {
    // A picture is used for its pixels, which `readFinishedPicture` reads, so missing EXIF is no
    // failure.
    return {};
  }
}

/**
 * Arranges the picture's pixels as on the sensor: an upright picture is turned back to the row
 * order of the RAW file.
 * @param stored size and orientation of the RAW file's visible frame
 * @returns undefined if the sizes differ
 */
export function laidOverSensor(
  picture: FinishedPicture,
  stored: { readonly width: number; readonly height: number; readonly orientation: Orientation },
): FinishedPicture | undefined {
  const { width, height, orientation } = stored;
  const isTurned = orientation >= 5;
  const [uprightWidth, uprightHeight] = isTurned ? [height, width] : [width, height];
  const isUpright = picture.width === uprightWidth && picture.height === uprightHeight;
  // Some programs store the pixels unturned and leave the turning to the tag, which is gone by now.
  const isAsStored = picture.width === width && picture.height === height;
  if (!isUpright) return isAsStored ? picture : undefined;
  if (orientation === 1) return picture;
  const { origin, perRow, perColumn } = placementOf(orientation, picture);
  const samples = new Uint16Array(picture.samples.length);
  for (let y = 0, out = 0; y < height; y++) {
    let from = origin + y * perRow;
    for (let x = 0; x < width; x++, out += 3, from += perColumn) {
      samples[out] = picture.samples[from]!;
      samples[out + 1] = picture.samples[from + 1]!;
      samples[out + 2] = picture.samples[from + 2]!;
    }
  }
  return { width, height, samples };
}
