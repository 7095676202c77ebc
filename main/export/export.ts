/** Encodes a picture in memory as the bytes of a file, in any format. */

import type { CameraLinearImage, FinishedImage } from '../raw/image.ts';
import type { FilePieces } from '../raw/ifd.ts';
import type { Shot } from '../raw/mosaic.ts';
import { throwIfCancelled } from '../base/refusal.ts';
import { encodeDng, type DngOptions } from './dng.ts';
import type { EncodeOptions } from './exif.ts';
import { encodeJpeg } from './jpeg.ts';
import type { JpegOptions } from './jpeg.ts';
import { encodePng } from './png.ts';
import type { PngOptions } from './png.ts';
import { encodeTiff } from './tiff.ts';
import type { TiffOptions } from './tiff.ts';

/** A picture and its output options: linear for DNG, finished for all other formats. */
export type Exportable =
  | ({ readonly format: 'tiff'; readonly image: FinishedImage } & TiffOptions)
  | ({ readonly format: 'png'; readonly image: FinishedImage } & PngOptions)
  | ({ readonly format: 'jpeg'; readonly image: FinishedImage } & JpegOptions)
  | ({ readonly format: 'dng'; readonly image: CameraLinearImage } & DngOptions);

/**
 * The whole file in chunks, not yet on disk.
 * @throws Refusal `cancelled`; `bad-argument` for a picture the format can't hold
 */
export async function encodePicture(
  picture: Exportable,
  shot: Shot,
  options: EncodeOptions = {},
): Promise<FilePieces> {
  throwIfCancelled(options.signal);
  switch (picture.format) {
    case 'tiff':
      return encodeTiff(picture.image, shot, picture, options);
    case 'png':
      return encodePng(picture.image, shot, picture, options);
    case 'jpeg':
      return encodeJpeg(picture.image, shot, picture, options);
    case 'dng':
      return encodeDng(picture.image, shot, picture, options);
  }
}
