/** Photos made by formula, in memory and on disk: tests need no pictures from outside. */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { codeOfLight, type LinearPhoto } from '../../../main/darkness/linear-photo.ts';

type Light = (x: number, y: number, channel: number) => number;

/** A photo in linear light. */
export function photoOf(
  name: string,
  [width, height]: readonly [number, number],
  light: Light,
  space: LinearPhoto['space'] = 'srgb',
): LinearPhoto {
  const codes = new Uint16Array(width * height * 3);
  for (let at = 0; at < codes.length; at++) {
    const pixel = Math.floor(at / 3);
    codes[at] = codeOfLight(light(pixel % width, Math.floor(pixel / width), at % 3));
  }
  return { name, width, height, codes, space };
}

/** Slow waves, another for each channel: no demosaicer gets them wrong. */
export const waves: Light = (x, y, channel) =>
  0.3 + 0.15 * Math.sin(x / (15 + 4 * channel)) + 0.1 * Math.cos((y + 5 * channel) / 19);

/** Writes 8-bit PNGs of different waves. */
export async function writePhotos(folder: string, count: number, side: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const samples = Uint8Array.from({ length: side * side * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3);
      const [x, y] = [pixel % side, Math.floor(pixel / side)];
      return 128 + 100 * Math.sin(x / (3 + index) + (at % 3)) * Math.cos(y / (7 - index));
    });
    await sharp(samples, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toFile(path.join(folder, `made-${index}.png`));
  }
}
