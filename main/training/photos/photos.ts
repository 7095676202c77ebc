/** Loads clean photographs as linear light, which training scenes are cut from. */

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { readExr, readHdr } from 'hdrify';
import { whitenClipped } from '../../develop/highlights.ts';
import { isRawName } from '../../raw/endings.ts';
import type { Mosaic } from '../../raw/mosaic.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { codeOfLight, type LinearPhoto } from '../../darkness/linear-photo.ts';
import { readSrgbPicture, type SrgbPicture } from '../pictures.ts';

const pictureEndings = new Set(['.jpg', '.jpeg', '.png', '.tif', '.tiff', '.webp']);

function extensionOf(file: string): string {
  return path.extname(file).toLowerCase();
}

/** True if `loadLinearPhoto` reads files with this ending. */
function isPhotoName(file: string): boolean {
  const extension = extensionOf(file);
  return (
    pictureEndings.has(extension) ||
    isRawName(path.basename(file)) ||
    extension === '.hdr' ||
    extension === '.exr'
  );
}

/**
 * All photos in a folder and its subfolders, in an order that depends only on names.
 * @throws Refusal `dataset` if the folder can't be read
 */
export async function findPhotos(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && isPhotoName(entry.name))
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    throw new Refusal(
      'dataset',
      `expected a readable folder of photos at ${folder}: ${describeError(error)}`,
      { cause: error },
    );
  }
}

/** Inverse of sRGB's curve (IEC 61966-2-1), with one entry for each of `levels` codes. */
function srgbLightTable(levels: number): Float32Array {
  return Float32Array.from({ length: levels }, (_, code) => {
    const value = code / (levels - 1);
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
}

/**
 * Averages blocks of `factor`² pixels in linear light and packs the result.
 * @param light linear light of each code
 */
function shrink(
  picture: SrgbPicture,
  light: Float32Array,
  factor: number,
): { width: number; height: number; codes: Uint16Array } {
  const samples = picture.codes;
  const width = Math.floor(picture.width / factor);
  const height = Math.floor(picture.height / factor);
  const codes = new Uint16Array(width * height * 3);
  const scale = 1 / (factor * factor);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++, out += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let dy = 0; dy < factor; dy++) {
        let at = ((y * factor + dy) * picture.width + x * factor) * 3;
        for (let dx = 0; dx < factor; dx++, at += 3) {
          red += light[samples[at]!]!;
          green += light[samples[at + 1]!]!;
          blue += light[samples[at + 2]!]!;
        }
      }
      codes[out] = codeOfLight(red * scale);
      codes[out + 1] = codeOfLight(green * scale);
      codes[out + 2] = codeOfLight(blue * scale);
    }
  }
  return { width, height, codes };
}

async function loadPicture(file: string): Promise<LinearPhoto> {
  const picture = await readSrgbPicture(file);
  const { format, width, height, isDeep } = picture;
  // Compression blocks and ringing are finer than two pixels; halving in linear light hides them.
  const lossy = format === 'jpeg' || format === 'webp' || format === 'heif';
  const longEdge = Math.max(width, height);
  const factor = lossy
    ? Math.max(2, Math.round(longEdge / 1920))
    : Math.max(1, Math.round(longEdge / 3000));
  const light = srgbLightTable(isDeep ? 65536 : 256);
  return { name: path.basename(file), ...shrink(picture, light, factor), space: 'srgb' };
}

/** The `p` quantile of an ascending list. */
function quantile(ascending: Float32Array, p: number): number {
  return ascending[Math.floor(p * (ascending.length - 1))] ?? 0;
}

/**
 * Factor that gives a scene of unknown scale a photographer's exposure. It lies between one that
 * puts the median at 0.14 and one that puts the 90 % quantile at 0.9, and never lifts that quantile
 * above 1.6, so that a lamp-lit scene stays a night scene.
 */
function exposureFor(green: Float32Array): number {
  const ascending = green.slice().sort();
  const median = Math.max(quantile(ascending, 0.5), 1e-6);
  const bright = Math.max(quantile(ascending, 0.9), 1e-6);
  return Math.min(Math.sqrt((0.14 / median) * (0.9 / bright)), 1.6 / bright);
}

async function loadHighRange(file: string): Promise<LinearPhoto> {
  const bytes = new Uint8Array(await readFile(file));
  const image = extensionOf(file) === '.hdr' ? readHdr(bytes) : readExr(bytes);
  const { width, height, data } = image;
  // A 2:1 panorama is stretched without limit towards its poles; only the band around the horizon
  // looks like a photograph.
  const panorama = width === 2 * height;
  const first = panorama ? Math.round(height * 0.22) : 0;
  const count = panorama ? Math.round(height * 0.54) : height;
  const green = Float32Array.from(
    { length: Math.floor((width * count) / 3) },
    (_, index) => data[(first * width + index * 3) * 4 + 1] ?? 0,
  );
  const exposure = exposureFor(green);
  const codes = new Uint16Array(width * count * 3);
  for (let out = 0, at = first * width * 4; out < codes.length; out += 3, at += 4) {
    codes[out] = codeOfLight(data[at]! * exposure);
    codes[out + 1] = codeOfLight(data[at + 1]! * exposure);
    codes[out + 2] = codeOfLight(data[at + 2]! * exposure);
  }
  return { name: path.basename(file), width, height: count, codes, space: 'srgb' };
}

/**
 * Half-size, white-balanced camera RGB straight from the mosaic: one pixel for each 2×2 cell, with
 * its two greens averaged, so that no demosaicer invents anything. Clipped light becomes white, as
 * in developing; otherwise balanced red and blue would exceed green and turn lamps magenta.
 */
export function binMosaic(name: string, mosaic: Mosaic): LinearPhoto {
  const width = mosaic.width >> 1;
  const height = mosaic.height >> 1;
  const codes = new Uint16Array(width * height * 3);
  const gains = mosaic.colour.asShotGains;
  const channelOfSite = Array.from(mosaic.cfa, (letter) => 'RGB'.indexOf(letter));
  const weight = channelOfSite.map(
    (channel, site) =>
      (gains[channel]! * (channel === 1 ? 0.5 : 1)) /
      (mosaic.whiteLevel - mosaic.blackLevel[site]!),
  );
  const row = new Float32Array(width * 3);
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (let site = 0; site < 4; site++) {
      let at = (y * 2 + (site >> 1)) * mosaic.width + (site & 1);
      for (let out = channelOfSite[site]!; out < row.length; out += 3, at += 2) {
        row[out]! += (mosaic.samples[at]! - mosaic.blackLevel[site]!) * weight[site]!;
      }
    }
    whitenClipped(row, 1, gains);
    codes.set(row.map(codeOfLight), y * row.length);
  }
  return { name, width, height, codes, space: 'camera' };
}

async function loadRaw(file: string): Promise<LinearPhoto> {
  // Loaded on demand: most trainings use no RAW file, and LibRaw's wasm is large.
  const { decodeRaw } = await import('../../raw/decode.ts');
  const decoded = await decodeRaw(file);
  const name = path.basename(file);
  if (decoded.kind === 'mosaic') return binMosaic(name, decoded.mosaic);
  const { width, height, samples } = decoded.frame;
  return { name, width, height, codes: Uint16Array.from(samples, codeOfLight), space: 'camera' };
}

/**
 * Reads one clean photo. JPEG, PNG, TIFF, WebP: sRGB or with a profile; lossy ones at half size or
 * less. Radiance HDR and OpenEXR: with a photographer's exposure; 2:1 panoramas are cut to the band
 * around the horizon. Files that `decodeRaw` reads: at half size.
 *
 * @throws Refusal `damaged-file` or `unsupported-file`, naming the file
 */
export async function loadLinearPhoto(file: string): Promise<LinearPhoto> {
  const extension = extensionOf(file);
  if (!isPhotoName(file)) {
    throw new Refusal(
      'unsupported-file',
      `expected a JPEG, PNG, TIFF, WebP, HDR, EXR or RAW photo, got ${file}`,
    );
  }
  try {
    if (pictureEndings.has(extension)) return await loadPicture(file);
    if (isRawName(path.basename(file))) return await loadRaw(file);
    return await loadHighRange(file);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(
      'damaged-file',
      `expected a readable photo at ${file}: ${describeError(error)}`,
      { cause: error },
    );
  }
}
