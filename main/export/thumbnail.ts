/**
 * Makes small JPEGs for the library; for child processes only, because of sharp's native libraries.
 */

import sharp, { type Sharp } from 'sharp';
import type { FinishedImage } from '../raw/image.ts';
import { limitLongSide } from '../develop/resize.ts';
import type { Orientation } from '../raw/mosaic.ts';
import { describeError, Refusal } from '../base/refusal.ts';

const quality = 82;

/** Embedded previews larger than this are invalid; those of cameras have at most 100 MP. */
const pixelsMax = 200e6;

/**
 * A camera's embedded preview, small and upright.
 * @param orientation of the RAW file, for previews that do not state their own
 * @throws Refusal `damaged-file`
 */
export async function smallPreview(
  jpeg: Uint8Array,
  orientation: Orientation,
  longSide: number,
): Promise<Uint8Array> {
  try {
    const upright = await turned(jpeg, orientation);
    return await upright
      .resize(longSide, longSide, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality })
      .toBuffer();
  } catch (error) {
    throw unreadable(error);
  }
}

/**
 * A camera's embedded preview that the window shows upright; the file's own bytes if possible.
 * @throws Refusal `damaged-file`
 */
export async function uprightPreview(
  jpeg: Uint8Array,
  orientation: Orientation,
): Promise<Uint8Array> {
  try {
    const { orientation: own } = await sharp(jpeg, { limitInputPixels: pixelsMax }).metadata();
    if (own !== undefined || orientation === 1) return jpeg;
    return await (await turned(jpeg, orientation)).jpeg({ quality: 90 }).toBuffer();
  } catch (error) {
    throw unreadable(error);
  }
}

/** A finished sRGB picture as a small JPEG. */
export async function smallPicture(image: FinishedImage, longSide: number): Promise<Uint8Array> {
  const { width, height, samples } = limitLongSide(image, longSide);
  const bytes = Uint8Array.from(samples, (sample) => sample >> 8);
  return sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

async function turned(jpeg: Uint8Array, orientation: Orientation): Promise<Sharp> {
  const source = sharp(jpeg, { limitInputPixels: pixelsMax });
  const { orientation: own } = await source.metadata();
  if (own !== undefined) return source.autoOrient();
  // EXIF 2.32, tag 274, as mirroring and rotation.
  switch (orientation) {
    case 1:
      return source;
    case 2:
      return source.flop();
    case 3:
      return source.rotate(180);
    case 4:
      return source.flip();
    case 5:
      return sharp(await source.rotate(90).jpeg({ quality: 95 }).toBuffer()).flop();
    case 6:
      return source.rotate(90);
    case 7:
      return sharp(await source.rotate(270).jpeg({ quality: 95 }).toBuffer()).flop();
    case 8:
      return source.rotate(270);
  }
}

function unreadable(error: unknown): Refusal {
  return new Refusal(
    'damaged-file',
    `the embedded preview cannot be read: ${describeError(error)}`,
  );
}
