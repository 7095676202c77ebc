/** Compares pictures that two engines, or one in trouble, made of the same photo. */

import sharp from 'sharp';

/** 1e-4 of full scale in linear light: the tone curve is up to 13 times as steep in the dark. */
export const differenceMax = 65_535 * 13e-4;

async function samplesOf(file: string): Promise<Uint16Array> {
  const bytes = await sharp(file).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}

/**
 * The largest difference of two TIFFs' samples, of 65535.
 * @throws Error if they are not of one size, or one colour all over
 */
export async function largestDifference(a: string, b: string): Promise<number> {
  const [first, second] = [await samplesOf(a), await samplesOf(b)];
  if (first.length !== second.length || first.every((value) => value === first[0])) {
    throw new Error('expected two pictures of one size with something on them');
  }
  return first.reduce((largest, value, i) => Math.max(largest, Math.abs(value - second[i]!)), 0);
}
