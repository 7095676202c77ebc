/** Decodes lossy JPEG and JPEG XL tiles with libvips, as compiled in wasm-vips. */

import Vips from 'wasm-vips';

import type { Samples } from './samples.ts';

/** One decoded tile: rows of interleaved channels. */
export interface Tile {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly samples: Samples;
}

let library: ReturnType<typeof Vips> | undefined;

/** Loaded with the first file that needs it, because that takes about a third of a second. */
async function vips(): ReturnType<typeof Vips> {
  const silent = (): void => undefined;
  library ??= Vips({ dynamicLibraries: ['vips-jxl.wasm'], print: silent, printErr: silent });
  return library;
}

/**
 * Decodes one JPEG or JPEG XL stream.
 * @returns 8 bits from 0 to 255; for JPEG XL of more bits, values scaled to 0–65,535, or floats
 *   unchanged
 * @throws Error if the stream is damaged
 */
export async function decodeTile(kind: 'jpeg' | 'jxl', bytes: Uint8Array): Promise<Tile> {
  const { Image } = await vips();
  const image =
    kind === 'jpeg'
      ? Image.jpegloadBuffer(bytes, { fail_on: 'error' })
      : Image.jxlloadBuffer(bytes, { fail_on: 'error' });
  try {
    const samples = image.writeToMemory();
    const isKnown =
      samples instanceof Uint8Array ||
      samples instanceof Uint16Array ||
      samples instanceof Float32Array;
    if (!isKnown) throw new Error(`its samples are of the kind ${image.format}`);
    return { width: image.width, height: image.height, channels: image.bands, samples };
  } finally {
    image.delete();
  }
}
