/**
 * Stores a merged DNG's facts about its frames: names, exposure, the map of frames. They are in
 * DNGPrivateData (DNG 1.4), which begins with its writer's name and is ignored by other readers.
 */

import { deflateSync, inflateSync } from 'node:zlib';
import { z } from 'zod';
import type { Merged } from './mosaic.ts';

/** DNGPrivateData. */
export const privateDataTag = 50_740;

/** Our name, followed by the kind of data: `frames`, version 1. */
const head = new TextEncoder().encode('Nightglass\0frames 1\0');

const aboutSchema = z.object({
  frames: z.array(z.string()).min(1).max(4096),
  reference: z.string(),
  exposureSeconds: z.number().positive().optional(),
  map: z.object({
    blockSide: z.number().int().min(1).max(256),
    columns: z.number().int().min(1).max(65_535),
    rows: z.number().int().min(1).max(65_535),
  }),
});

/**
 * Limit for the blocks of a plausible map: a frame of 400 million pixels in blocks of four has
 * fewer.
 */
const blocksMax = 100_000_000;

/** @returns the head, JSON terminated by a NUL, and the map's deflated little-endian numbers */
export function encodeMerged({ map, ...about }: Merged): Uint8Array {
  const { sixteenths, blockSide, columns, rows } = map;
  const text = new TextEncoder().encode(
    `${JSON.stringify({ ...about, map: { blockSide, columns, rows } })}\0`,
  );
  const bytes = new Uint8Array(2 * sixteenths.length);
  const view = new DataView(bytes.buffer);
  sixteenths.forEach((value, index) => {
    view.setUint16(2 * index, value, true);
  });
  return Buffer.concat([head, text, deflateSync(bytes)]);
}

/** Names of a merged file's frames. */
export type MergedFrom = Pick<Merged, 'frames' | 'reference'>;

/** The names alone. @returns undefined for another program's data, and for damaged data */
export function decodeMergedNames(bytes: Uint8Array): MergedFrom | undefined {
  if (!head.every((value, index) => bytes[index] === value)) return undefined;
  const end = bytes.indexOf(0, head.length);
  if (end < 0) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(head.length, end));
    return aboutSchema.pick({ frames: true, reference: true }).parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * @param bytes of the tag
 * @param size of the frame, pixels
 * @returns undefined for another program's data, or data that does not fit the frame
 */
export function decodeMerged(
  bytes: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Merged | undefined {
  if (!head.every((value, index) => bytes[index] === value)) return undefined;
  const end = bytes.indexOf(0, head.length);
  if (end < 0) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(head.length, end));
    const about = aboutSchema.parse(JSON.parse(text));
    const { blockSide, columns, rows } = about.map;
    const fits = columns === Math.ceil(width / blockSide) && rows === Math.ceil(height / blockSide);
    if (!fits || columns * rows > blocksMax) return undefined;
    const raw = inflateSync(bytes.subarray(end + 1), { maxOutputLength: 2 * columns * rows });
    if (raw.byteLength !== 2 * columns * rows) return undefined;
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const sixteenths = Uint16Array.from({ length: columns * rows }, (_, index) =>
      Math.max(1, view.getUint16(2 * index, true)),
    );
    const { exposureSeconds, ...names } = about;
    return {
      ...names,
      ...(exposureSeconds === undefined ? {} : { exposureSeconds }),
      map: { blockSide, columns, rows, sixteenths },
    };
  } catch {
    // Damaged, or written by another program with the same head; the mosaic itself is intact.
    return undefined;
  }
}
