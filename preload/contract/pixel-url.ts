/**
 * Addresses of pixels: `photo://tile/…` in the desktop app, `/photo/tile/…` over loopback HTTP. Built
 * by the window, read by the main process.
 */

import { z } from 'zod';
import { modelIdSchema, photoIdSchema } from './call.ts';
import { ratioSchema } from './edits.ts';
import { checkIdSchema, runIdSchema } from './training.ts';

const exampleFileSchema = z.string().regex(/^[\w-][\w.-]{0,150}\.png$/);
const indexSchema = z.number().int().min(0).max(4095);
const levelSchema = z.number().int().min(0).max(15);
const stampSchema = z.string().regex(/^[0-9a-z.-]{0,64}$/i);

/** What pixels can be requested. */
export const pixelsSchema = z.discriminatedUnion('kind', [
  /** The camera's embedded preview, as an upright JPEG of at most 384 pixels. */
  z.object({ kind: z.literal('thumb'), photo: photoIdSchema, stamp: stampSchema }),
  /** The same size, developed by the network with the photo's edits. */
  z.object({ kind: z.literal('bright'), photo: photoIdSchema, stamp: stampSchema }),
  /**
   * The camera's embedded preview as it is in the file (JPEG, not rotated: see EXIF orientation).
   */
  z.object({ kind: z.literal('preview'), photo: photoIdSchema }),
  /** Half floats R, G, B, grain; see `tileHeaders`. */
  z.object({
    kind: z.literal('tile'),
    photo: photoIdSchema,
    model: modelIdSchema,
    ratio: ratioSchema,
    level: levelSchema,
    x: indexSchema,
    y: indexSchema,
  }),
  /** Developed without the network, at ratio 1 and times `plainScale`; half floats R, G, B, 0. */
  z.object({
    kind: z.literal('plain'),
    photo: photoIdSchema,
    level: levelSchema,
    x: indexSchema,
    y: indexSchema,
  }),
  /**
   * The map of a merged photo, with the headers and the type of a tile: a byte for each block, which
   * is four times the number of frames behind it, 255 at most.
   */
  z.object({ kind: z.literal('frames'), photo: photoIdSchema }),
  /** A small picture of a file in the last check of a dataset, as JPEG. */
  z.object({ kind: z.literal('check'), check: checkIdSchema, index: z.number().int().min(0) }),
  /** An example of a training run, as PNG. */
  z.object({ kind: z.literal('run'), run: runIdSchema, file: exampleFileSchema }),
]);

export type Pixels = z.infer<typeof pixelsSchema>;

/**
 * Plain tiles are brightened by this factor, so that half floats can represent their darkest
 * values.
 */
export const plainScale = 256;

/** Response headers of tiles: columns and rows of the little-endian half floats, 4 per pixel. */
export const tileHeaders = { width: 'x-tile-width', height: 'x-tile-height' } as const;
export const tileType = 'application/x-nightglass-tile';

/** The start of addresses: `photo://` in the desktop app, `/photo/` over loopback HTTP. */
export type PixelBase = 'photo://' | '/photo/';

export function pixelUrl(base: PixelBase, pixels: Pixels): string {
  switch (pixels.kind) {
    case 'thumb':
    case 'bright':
      return `${base}${pixels.kind}/${pixels.photo}/${pixels.stamp}`;
    case 'preview':
    case 'frames':
      return `${base}${pixels.kind}/${pixels.photo}`;
    case 'tile': {
      const { photo, model, ratio, level, x, y } = pixels;
      return `${base}tile/${photo}/${model}/${ratio}/${level}/${x}/${y}`;
    }
    case 'check':
      return `${base}check/${pixels.check}/${pixels.index}`;
    case 'run':
      return `${base}run/${pixels.run}/${pixels.file}`;
    case 'plain':
      return `${base}plain/${pixels.photo}/${pixels.level}/${pixels.x}/${pixels.y}`;
  }
}

/** The parts of an address after its kind, in order. */
const shape: Readonly<Record<string, readonly string[]>> = {
  thumb: ['photo', 'stamp'],
  bright: ['photo', 'stamp'],
  preview: ['photo'],
  frames: ['photo'],
  tile: ['photo', 'model', 'ratio', 'level', 'x', 'y'],
  plain: ['photo', 'level', 'x', 'y'],
  check: ['check', 'index'],
  run: ['run', 'file'],
};

const numbers = new Set(['ratio', 'level', 'x', 'y', 'index']);

/** A number at the end of an address (`?7`), by which a window can cancel the request. */
export function requestOf(address: string): number | undefined {
  const digits = /\?(\d{1,12})$/.exec(address)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** @returns undefined for any other address */
export function parsePixelUrl(address: string): Pixels | undefined {
  const match = /^(?:photo:\/\/|https?:\/\/[^/]+\/photo\/)([\w./-]{1,400})(?:\?\d{1,12})?$/i.exec(
    address,
  );
  const [kind, ...parts] = match?.[1]?.split('/') ?? [];
  const number = (text: string | undefined): number =>
    text !== undefined && /^\d{1,9}(\.\d{1,17})?$/.test(text) ? Number(text) : Number.NaN;
  const names = kind === undefined || !Object.hasOwn(shape, kind) ? undefined : shape[kind];
  if (names?.length !== parts.length) return undefined;
  const fields = names.map((name, at) => [name, numbers.has(name) ? number(parts[at]) : parts[at]]);
  const parsed = pixelsSchema.safeParse({ kind, ...Object.fromEntries(fields) });
  return parsed.success ? parsed.data : undefined;
}
