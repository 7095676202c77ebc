/**
 * Reads a RAW file's facts from its first bytes, so that a folder of thousands is looked through in
 * seconds. LibRaw, which needs the whole file, knows more: see summary.ts.
 */

import { open } from 'node:fs/promises';
import path from 'node:path';
import { Refusal } from '../base/refusal.ts';
import { containerKind } from './container.ts';
import { decodeMergedNames, privateDataTag } from './merged-tag.ts';
import { recordSource } from './record-source.ts';
import { exifShot } from './shot.ts';
import type { RawSummary } from './summary.ts';
import { readTiff, type TiffDirectory, type TiffFile } from './tiff-tags.ts';

/** In files of nearly every camera, the directories lie within this. */
const headBytes = 1 << 20;

const widthTag = 256;
const heightTag = 257;
const exifWidthTag = 40_962;
const exifHeightTag = 40_963;

/**
 * @returns undefined for a file that cannot be read, is no camera's RAW file, or has its facts
 *   elsewhere, as CRW and MRW have
 */
export async function readHead(file: string): Promise<RawSummary | undefined> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const bytes = new Uint8Array(Math.min(headBytes, size));
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      return headOf(bytes.subarray(0, bytesRead), path.basename(file));
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Whoever opens the file says what is wrong with it.
    if (error instanceof Refusal || error instanceof RangeError || isOfSystem(error))
      return undefined;
    throw error;
  }
}

/**
 * @param bytes the start of the file
 * @throws Refusal as `containerKind`; RangeError for a damaged header
 */
function headOf(bytes: Uint8Array, name: string): RawSummary | undefined {
  const kind = containerKind(bytes, name);
  if (kind === 'ciff' || kind === 'mrw') return undefined;
  if (kind !== 'tiff') {
    const { first, exif } = recordSource(bytes, { kind });
    if (first === undefined && exif === undefined) return undefined;
    return { ...sizeOf([], exif), shot: exifShot({ first, exif }) };
  }
  const tiff = readTiff(bytes);
  if (tiff === undefined) return undefined;
  const privateData = tiff.images[0]?.bytes(privateDataTag);
  const merged = privateData && decodeMergedNames(privateData);
  return {
    ...sizeOf(tiff.images, tiff.exif),
    shot: exifShot({ first: tiff.images[0], exif: tiff.exif }),
    ...(merged === undefined ? {} : { merged }),
  };
}

/** Of the largest picture in the file. It only has to be the same for files of one kind. */
function sizeOf(
  images: TiffFile['images'],
  exif: TiffDirectory | undefined,
): { readonly width: number; readonly height: number } {
  const sizes = [
    ...images.map((image) => [image.number(widthTag), image.number(heightTag)]),
    [exif?.number(exifWidthTag), exif?.number(exifHeightTag)],
  ].map(([width = 0, height = 0]) => ({ width, height }));
  return sizes.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
}

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}
