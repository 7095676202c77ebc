/** From a picture in memory to a file on disk: encode, then write whole or not at all. */

import type { CameraLinearImage, FinishedImage } from '../raw/image.ts';
import { linearDng } from '../raw/dng.ts';
import type { FilePieces } from '../raw/ifd.ts';
import type { Shot } from '../raw/mosaic.ts';
import { throwIfCancelled } from '../base/refusal.ts';
import { writeAtomically } from '../base/atomic.ts';
import { encodeJpeg } from './jpeg.ts';
import type { JpegOptions } from './jpeg.ts';
import type { OutputNames, Reservation } from './naming.ts';
import { encodePng } from './png.ts';
import type { PngOptions } from './png.ts';
import { encodeTiff } from './tiff.ts';
import type { TiffOptions } from './tiff.ts';

/** A picture and how it is to be written: linear for DNG, finished for all others. */
export type Exportable =
  | ({ readonly format: 'tiff'; readonly image: FinishedImage } & TiffOptions)
  | ({ readonly format: 'png'; readonly image: FinishedImage } & PngOptions)
  | ({ readonly format: 'jpeg'; readonly image: FinishedImage } & JpegOptions)
  | { readonly format: 'dng'; readonly image: CameraLinearImage };

export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
}

interface ExportOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The whole file, in pieces, not yet on disk.
 * @throws Refusal `cancelled`; `bad-argument` for a picture the format can't hold
 */
export async function encodePicture(
  picture: Exportable,
  shot: Shot,
  options: ExportOptions = {},
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
      return linearDng(picture.image, shot);
  }
}

/**
 * Writes a picture under the name reserved for it, or under the next free one where another process
 * has taken that meanwhile.
 * @throws Refusal `disk`, `cancelled`, `bad-argument`; no partial file is left
 */
export async function exportImage(
  picture: Exportable,
  shot: Shot,
  names: OutputNames,
  reservation: Reservation,
  options: ExportOptions = {},
): Promise<ExportedFile> {
  const file = await encodePicture(picture, shot, options);
  for (let target = reservation; ; target = await names.reserveNext(target)) {
    const { path, overwrite } = target;
    const outcome = await writeAtomically(path, file.chunks(), {
      overwrite,
      signal: options.signal,
    });
    if (outcome === 'written') return { path, bytes: file.byteLength };
  }
}
