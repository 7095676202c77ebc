/** Encodes a developed picture as the tiles of a DNG, in lossless JPEG. */

import { throwIfCancelled } from '../base/refusal.ts';
import { long, offsetsOf, pixelsOf } from './ifd.ts';
import type { Pixels, TagValue } from './ifd.ts';
import type { CameraLinearImage } from './image.ts';
import { LosslessJpeg } from './lossless-jpeg.ts';

/**
 * Sides are multiples of 16 (TIFF 6.0, section 15). Those of small pictures are smaller, because
 * LibRaw misreads a tile that is wider than its picture.
 */
const sideMax = 256;
const sideStep = 16;

/** Highest sample, and black is 0: some readers drop another black level of three channels. */
export const linearWhite = 65_535;

/**
 * Stops by which a reader brightens the picture (BaselineExposure), the same for every file, so that
 * pictures of a series match in every program. The network's light ends at four times white.
 */
export const linearBaselineStops = 2;

/**
 * Tags of the tiles, which hold `value / gain · 65535 / 4` rounded and limited to 0–65535.
 * @throws Refusal `cancelled`
 */
export async function tileTags(
  image: CameraLinearImage,
  signal: AbortSignal | undefined,
): Promise<[number, TagValue][]> {
  const width = tileSide(image.width);
  const height = tileSide(image.height);
  const encoder = new LosslessJpeg(width, height);
  const samples = new Uint16Array(width * height * 3);
  const tiles: Pixels[] = [];
  for (let top = 0; top < image.height; top += height) {
    // Lets a cancellation arrive.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfCancelled(signal);
    for (let left = 0; left < image.width; left += width) {
      fill(samples, { width, height, left, top }, image);
      tiles.push(pixelsOf(encoder.encode(samples)));
    }
  }
  return [
    [322, long(width)],
    [323, long(height)],
    [324, offsetsOf(tiles)],
    [325, long(...tiles.map(({ byteLength }) => byteLength))],
  ];
}

function tileSide(side: number): number {
  return Math.min(sideMax, Math.max(1, Math.floor(side / sideStep)) * sideStep);
}

interface Tile {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/** The tile's samples; beyond the picture's edge its last row and column are repeated. */
function fill(tile: Uint16Array, { width, height, left, top }: Tile, image: CameraLinearImage) {
  const range = linearWhite / 2 ** linearBaselineStops;
  const [red, green, blue] = image.colour.asShotGains.map((gain) => range / gain);
  const { samples } = image;
  const inside = Math.min(width, image.width - left) * 3;
  for (let y = 0; y < height; y++) {
    const row = Math.min(top + y, image.height - 1);
    const from = (row * image.width + left) * 3;
    const to = y * width * 3;
    for (let i = 0; i < inside; i += 3) {
      tile[to + i] = toSample(samples[from + i]! * red!);
      tile[to + i + 1] = toSample(samples[from + i + 1]! * green!);
      tile[to + i + 2] = toSample(samples[from + i + 2]! * blue!);
    }
    for (let i = inside; i < width * 3; i++) tile[to + i] = tile[to + i - 3]!;
  }
}

/** Half is added because the typed array truncates. NaN becomes 0 there. */
function toSample(value: number): number {
  return value >= linearWhite ? linearWhite : value <= 0 ? 0 : value + 0.5;
}
