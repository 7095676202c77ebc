/** Tells whether this program exported a picture, because no other file is ever replaced. */

import { stat } from 'node:fs/promises';
import { readStart } from '../base/small-file.ts';
import { software } from '../raw/exif-tags.ts';
import { readTiff } from '../raw/tiff-tags.ts';

/** Our files have their first directory or their EXIF block, with its values, well within this. */
const headBytes = 1 << 17;

const softwareTag = 305;
const photometricTag = 262;
const photometricCfa = 32_803;
const photometricLinear = 34_892;

/**
 * Exports are recognised by the Software tag in their EXIF. An empty file, left by a power cut,
 * contains nothing that could be lost. A folder counts as ours, so that writing to it fails with
 * its name.
 * @returns false for anything that cannot be read
 */
export async function isOursToReplace(path: string): Promise<boolean> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return true;
    if (!stats.isFile()) return false;
    return stats.size === 0 || hasOurMark(await readStart(path, headBytes));
  } catch {
    return false;
  }
}

/** Whether a file is a linear DNG that this program made of a photo. @returns false for whatever cannot be read */
export async function isOurLinearDng(path: string): Promise<boolean> {
  const head = await readStart(path, headBytes).catch(() => undefined);
  const images = head === undefined ? [] : (readTiff(head)?.images ?? []);
  return (
    images[0]?.text(softwareTag) === software &&
    images.some((image) => image.number(photometricTag) === photometricLinear)
  );
}

function hasOurMark(head: Buffer | undefined): boolean {
  if (head === undefined) return false;
  const first = readTiff(exifOf(head))?.images[0];
  // A mosaic, as `simulate` writes, is a RAW file.
  return first?.text(softwareTag) === software && first.number(photometricTag) !== photometricCfa;
}

/**
 * Start of the TIFF structure with the tags: inside a JPEG or PNG, at the beginning of other files.
 */
function exifOf(head: Buffer): Buffer {
  const start = head.toString('latin1', 0, 4);
  const mark = start === '\x89PNG' ? 'eXIf' : start.startsWith('\xff\xd8') ? 'Exif\0\0' : '';
  const at = head.indexOf(mark, 0, 'latin1');
  return at < 0 ? Buffer.alloc(0) : head.subarray(at + mark.length);
}
