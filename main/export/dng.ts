/** A developed picture as a linear DNG that opens as edited here and in other programs. */

import sharp from 'sharp';
import { defaultEdits, type Edits } from '../../preload/contract/edits.ts';
import type { Framing } from '../develop/crop.ts';
import { framePicture } from '../develop/crop.ts';
import { Finisher } from '../develop/finish.ts';
import type { ToneEdits } from '../develop/look.ts';
import { placementOf, storedShares, turnedOrientation } from '../develop/orientation.ts';
import { limitLongSide } from '../develop/resize.ts';
import type { FilePieces } from '../raw/ifd.ts';
import type { CameraLinearImage, FinishedImage } from '../raw/image.ts';
import { linearDng, type DngCrop, type DngPreview } from '../raw/linear-dng.ts';
import type { Orientation, Shot } from '../raw/mosaic.ts';
import { xmpNamespaces, type Records } from '../raw/records.ts';
import type { XmpProperty } from '../raw/xmp.ts';
import { toEightBits } from './eight-bits.ts';
import type { EncodeOptions } from './exif.ts';

export interface DngOptions {
  readonly tone?: ToneEdits | undefined;
  readonly framing?: Framing | undefined;
}

const previewSide = 2048;
const thumbnailSide = 256;
const previewQuality = 88;

const wholeCrop = { x: 0, y: 0, width: 1, height: 1 };
const noRecords: Records = { first: new Map(), exif: new Map(), gps: new Map(), iptc: [], xmp: [] };

/**
 * The whole frame, with tone and framing beside it: as edits for this program, as preview and crop
 * for others. Quarter-turns become part of the orientation.
 * @throws Refusal as `linearDng`
 */
export async function encodeDng(
  whole: CameraLinearImage,
  shot: Shot,
  { tone, framing }: DngOptions,
  { signal, records = noRecords }: EncodeOptions,
): Promise<FilePieces> {
  const image = {
    ...whole,
    orientation: turnedOrientation(whole.orientation, framing?.rotate ?? 0),
  };
  const crop = framing?.crop ?? wholeCrop;
  const angle = framing?.angle ?? 0;
  const edits: Edits = { ...defaultEdits, ...tone, crop, angle };
  return linearDng(image, shot, {
    signal,
    records: { ...records, xmp: [...records.xmp, ...finishedSettings] },
    preview: await previewOf(image, { tone, framing: { crop, angle, rotate: 0 } }),
    developed: JSON.stringify(edits),
    crop: cropOf(image.orientation, crop, angle),
  });
}

/** No tag holds a straightened crop, so other programs then show the whole frame. */
function cropOf(
  orientation: Orientation,
  { x, y, width, height }: Framing['crop'],
  angle: number,
): DngCrop | undefined {
  const isWhole = x === 0 && y === 0 && width === 1 && height === 1;
  if (isWhole || angle !== 0) return undefined;
  const [right, bottom] = [Math.min(1, x + width), Math.min(1, y + height)];
  return storedShares(orientation, { top: y, left: x, bottom, right });
}

/** Camera Raw would otherwise remove noise and sharpen by its defaults for the camera. */
const finishedSettings: readonly XmpProperty[] = Object.entries({
  Version: '15.0',
  ProcessVersion: '11.0',
  LuminanceSmoothing: '0',
  ColorNoiseReduction: '0',
  Sharpness: '0',
  HasSettings: 'True',
}).map(([name, text]) => ({
  namespace: xmpNamespaces.crs,
  prefix: 'crs',
  name,
  value: { kind: 'text', text },
}));

async function previewOf(
  image: CameraLinearImage,
  { tone, framing }: { readonly tone: ToneEdits | undefined; readonly framing: Framing },
): Promise<DngPreview> {
  const { crop } = framing;
  const shown = Math.max(image.width, image.height) * Math.max(crop.width, crop.height);
  const small = shrunk(image, Math.max(1, Math.floor(shown / previewSide)));
  const { width, height } = small;
  const grid = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const frame = { ...small, grid: { ...grid, rowsBefore: 0, columnsBefore: 0 } } as const;
  const finisher = new Finisher(frame, { space: 'srgb', balance: [1, 1, 1], tone });
  finisher.add({ area: { x: 0, y: 0, width, height }, samples: small.samples });
  const upright = limitLongSide(framePicture(finisher.image, framing), previewSide);
  const lying = asStored(upright, image.orientation);
  const thumbnail = limitLongSide(lying, thumbnailSide);
  return {
    width: lying.width,
    height: lying.height,
    jpeg: await jpegOf(lying),
    thumbnail: { ...thumbnail, samples: eightBits(thumbnail) },
  };
}

function eightBits({ samples }: FinishedImage): Uint8Array {
  return toEightBits(samples, 0, samples.length);
}

function jpegOf(image: FinishedImage): Promise<Uint8Array> {
  const { width, height } = image;
  return sharp(eightBits(image), { raw: { width, height, channels: 3 } })
    .jpeg({ quality: previewQuality, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** Means of blocks of `by` × `by` pixels; what is left at the right and below is left out. */
function shrunk(image: CameraLinearImage, by: number): CameraLinearImage {
  if (by === 1) return image;
  const width = Math.max(1, Math.floor(image.width / by));
  const height = Math.max(1, Math.floor(image.height / by));
  const samples = new Float32Array(width * height * 3);
  const scale = 1 / (by * by);
  for (let row = 0; row < height * by; row++) {
    let from = row * image.width * 3;
    let to = Math.floor(row / by) * width * 3;
    for (let x = 0; x < width; x++, to += 3) {
      for (let i = 0; i < by; i++, from += 3) {
        samples[to]! += image.samples[from]! * scale;
        samples[to + 1]! += image.samples[from + 1]! * scale;
        samples[to + 2]! += image.samples[from + 2]! * scale;
      }
    }
  }
  return { ...image, width, height, samples };
}

/** The upright picture turned to lie as the frame that `orientation` makes upright. */
function asStored(upright: FinishedImage, orientation: Orientation): FinishedImage {
  const { origin, perRow, perColumn } = placementOf(orientation, upright);
  const isTurned = orientation >= 5;
  const width = isTurned ? upright.height : upright.width;
  const height = isTurned ? upright.width : upright.height;
  const samples = new Uint16Array(upright.samples.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const from = origin + y * perRow + x * perColumn;
      samples.set(upright.samples.subarray(from, from + 3), to);
    }
  }
  return { ...upright, width, height, samples };
}
