/** DNGs whose samples are stored as cameras and Adobe store them, which the product's own writer does not. */

import sharp from 'sharp';

import {
  ascii,
  byte,
  joinTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  srational,
  toFraction,
} from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import { losslessJpeg } from './lossless-jpeg.ts';

/** What a DNG stores: one blob for each tile, or one strip. */
interface Stored {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly channels: 1 | 3;
  readonly compression: number;
  /** Absent: one strip. */
  readonly tileSide?: number;
  readonly blobs: readonly Uint8Array[];
  readonly black: number;
  readonly white: number;
  readonly more?: readonly (readonly [number, TagValue])[];
}

const matrix = [0.5838, -0.143, -0.0246, -0.3497, 1.1477, 0.2297, -0.0748, 0.1885, 0.5778] as const;

export function storedDng(stored: Stored): Uint8Array {
  const { width, height, bits, channels, compression, tileSide, blobs, black, white } = stored;
  const pixels = blobs.map(pixelsOf);
  const counts = long(...blobs.map(({ byteLength }) => byteLength));
  const place: readonly (readonly [number, TagValue])[] =
    tileSide === undefined
      ? [[273, offsetsOf(pixels)], [278, long(height)], [279, counts]]
      : [[322, long(tileSide)], [323, long(tileSide)], [324, offsetsOf(pixels)], [325, counts]]; // prettier-ignore
  const mosaic: readonly (readonly [number, TagValue])[] = [
    [33_421, short(2, 2)],
    [33_422, byte(0, 1, 1, 2)],
  ];
  return joinTiff(
    new Map([
      [254, long(0)],
      [256, long(width)],
      [257, long(height)],
      [258, short(...Array<number>(channels).fill(bits))],
      [259, short(compression)],
      [262, short(channels === 1 ? 32_803 : 34_892)],
      [271, ascii('NIGHT')],
      [272, ascii('Owl 2')],
      [274, short(1)],
      [277, short(channels)],
      [284, short(1)],
      ...place,
      ...(channels === 1 ? mosaic : []),
      [50_706, byte(1, 4, 0, 0)],
      [50_708, ascii('NIGHT Owl 2')],
      [50_714, long(...Array<number>(channels).fill(black))],
      [50_717, long(...Array<number>(channels).fill(white))],
      [50_721, srational(...matrix.map((value) => toFraction(value, 1e-9)))],
      [50_728, rational([4, 9], [1, 1], [5, 8])],
      [50_778, short(21)],
      ...(stored.more ?? []),
    ]),
  );
}

/** Square tiles of a plane, the last ones filled up with the plane's edge. */
function tilesOf(samples: Uint16Array, width: number, height: number, side: number): Uint16Array[] {
  const tiles: Uint16Array[] = [];
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      tiles.push(
        Uint16Array.from({ length: side * side }, (_, index) => {
          const y = Math.min(height - 1, top + Math.floor(index / side));
          const x = Math.min(width - 1, left + (index % side));
          return samples[y * width + x]!;
        }),
      );
    }
  }
  return tiles;
}

/** A mosaic in lossless JPEG, in tiles. @param samples width × height, up to 16 bits */
export function losslessDng(samples: Uint16Array, width: number, height: number): Uint8Array {
  const tileSide = 64;
  return storedDng({
    ...{
      width,
      height,
      bits: 16,
      channels: 1,
      compression: 7,
      tileSide,
      black: 512,
      white: 16_383,
    },
    blobs: tilesOf(samples, width, height, tileSide).map((tile) =>
      losslessJpeg(tile, tileSide, tileSide),
    ),
  });
}

/** A mosaic of 8-bit codes and the table that makes 14 bits of them, uncompressed in one strip. */
export function eightBitDng(codes: Uint8Array, width: number, height: number): Uint8Array {
  // Squares, as cameras with such a table have them: small steps in the dark.
  const table = Array.from({ length: 256 }, (_, code) => Math.round((code / 255) ** 2 * 16_383));
  return storedDng({
    ...{ width, height, bits: 8, channels: 1, compression: 1, black: 40, white: 16_383 },
    blobs: [codes],
    more: [[50_712, short(...table)]],
  });
}

/** A linear picture in lossy JPEG, as Adobe's converter makes them. @param rgb interleaved, 8 bits */
export async function lossyDng(
  rgb: Uint8Array,
  width: number,
  height: number,
): Promise<Uint8Array> {
  const jpeg = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return storedDng({
    ...{ width, height, bits: 8, channels: 3, compression: 34_892, black: 0, white: 255 },
    tileSide: width,
    blobs: [jpeg],
  });
}
