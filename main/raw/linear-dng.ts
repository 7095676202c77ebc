/**
 * DNG writer for a developed picture that is still linear and in camera colours (Adobe DNG
 * specification 1.4; tag numbers and meanings from its chapter 4).
 */

import { encodeDeveloped } from './developed-tag.ts';
import { cameraTags, checkColour } from './dng-camera-tags.ts';
import { packetTags, shotTags, software } from './exif-tags.ts';
import {
  ascii,
  bytes,
  directory,
  layOutTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  toFraction,
} from './ifd.ts';
import type { FilePieces, TagValue } from './ifd.ts';
import type { CameraLinearImage } from './image.ts';
import { linearBaselineStops, linearWhite, tileTags } from './linear-tiles.ts';
import { bradford, d50, d65, inverse, isUsable, multiply, transform } from './matrix.ts';
import type { CameraColour, Matrix3, Shot, Vector3 } from './mosaic.ts';
import type { Records } from './records.ts';

const photometric = { rgb: 2, ycc: 6, linearRaw: 34892 } as const;
const compression = { none: 1, jpeg: 7 } as const;
const isReduced = 1;
const srgb = 2;

/** The picture as edited, lying as the samples do, for programs that do not develop. */
export interface DngPreview {
  readonly width: number;
  readonly height: number;
  /** Baseline JPEG in sRGB. */
  readonly jpeg: Uint8Array;
  readonly thumbnail: {
    readonly width: number;
    readonly height: number;
    /** width × height × 3, sRGB. */
    readonly samples: Uint8Array;
  };
}

/** Shares of the samples' sides, 0–1. */
export interface DngCrop {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

export interface LinearDngOptions {
  readonly records?: Records | undefined;
  readonly preview?: DngPreview | undefined;
  /** Present if the network made the picture: the edits to show it with, as JSON. */
  readonly developed?: string | undefined;
  /** The part that other programs show at first. */
  readonly crop?: DngCrop | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A 16-bit LinearRaw DNG: linear camera RGB without white balance, which is stored as
 * AsShotNeutral, so that editors start as they would with the camera's own file. A reader restores a
 * value as sample / 65535 · 2^BaselineExposure. What is below black becomes 0. Orientation stays a
 * tag and is not applied.
 * @throws Refusal `bad-argument` for a colour no tag can hold, or more than 4 GiB; `cancelled`
 */
export async function linearDng(
  image: CameraLinearImage,
  shot: Shot,
  { records, preview, developed, crop, signal }: LinearDngOptions = {},
): Promise<FilePieces> {
  checkColour(image.colour);
  if (image.samples.length !== image.width * image.height * 3) {
    throw new Error(
      `expected ${image.width}×${image.height}×3 samples but received ${image.samples.length}`,
    );
  }
  const raw = new Map<number, TagValue>([
    [254, long(0)],
    ...rawTags(image, crop),
    ...(await tileTags(image, signal)),
  ]);
  // Tells editors that remove noise by default to leave it.
  if (developed !== undefined) raw.set(50_935, rational([1, 1]));
  const first = shotTags(shot, image.orientation, undefined, records);
  const own: [number, TagValue][] = [
    ...packetTags(records),
    ...cameraTags(readersColour(image.colour), linearBaselineStops, shot),
    ...(preview === undefined ? raw : thumbnailTags(preview)),
  ];
  for (const [tag, value] of own) first.set(tag, value);
  if (developed !== undefined) first.set(50_740, bytes(encodeDeveloped(developed)));
  if (preview !== undefined) first.set(330, directory(raw, previewTags(preview)));
  return layOutTiff(first);
}

function rawTags(
  { width, height }: CameraLinearImage,
  crop: DngCrop | undefined,
): [number, TagValue][] {
  const tags: [number, TagValue][] = [
    [256, long(width)],
    [257, long(height)],
    [258, short(16, 16, 16)],
    [259, short(compression.jpeg)],
    [262, short(photometric.linearRaw)],
    [277, short(3)],
    [284, short(1)],
    [50713, short(1, 1)],
    [50714, long(0, 0, 0)],
    [50717, long(linearWhite, linearWhite, linearWhite)],
    [50718, rational([1, 1], [1, 1])],
    [50719, long(0, 0)],
    [50720, long(width, height)],
  ];
  if (crop === undefined) return tags;
  const { top, left, bottom, right } = crop;
  const shares = [top, left, bottom, right].map((share) => toFraction(share, 1e-7));
  return [...tags, [51125, rational(...shares)]];
}

/** Uncompressed, which even the simplest reader shows. */
function thumbnailTags({ thumbnail }: DngPreview): [number, TagValue][] {
  const { width, height, samples } = thumbnail;
  const pixels = pixelsOf(samples);
  return [
    [254, long(isReduced)],
    ...stripTags({ width, height }, pixels),
    [259, short(compression.none)],
    [262, short(photometric.rgb)],
  ];
}

function previewTags({ width, height, jpeg }: DngPreview): Map<number, TagValue> {
  return new Map<number, TagValue>([
    [254, long(isReduced)],
    ...stripTags({ width, height }, pixelsOf(jpeg)),
    [259, short(compression.jpeg)],
    [262, short(photometric.ycc)],
    [530, short(2, 2)],
    [531, short(1)],
    [50966, ascii(software)],
    [50970, long(srgb)],
  ]);
}

function stripTags(
  { width, height }: { readonly width: number; readonly height: number },
  pixels: ReturnType<typeof pixelsOf>,
): [number, TagValue][] {
  return [
    [256, long(width)],
    [257, long(height)],
    [258, short(8, 8, 8)],
    [273, offsetsOf([pixels])],
    [277, short(3)],
    [278, long(height)],
    [279, long(pixels.byteLength)],
    [284, short(1)],
  ];
}

const diagonal = ([x, y, z]: Vector3): Matrix3 => [x, 0, 0, 0, y, 0, 0, 0, z];

/**
 * The colour stated in two ways that agree. Adobe's programs take the forward matrix; most others
 * know only the colour matrix, scale its rows to their own white and invert it. The camera's answer to D65
 * stays as it is.
 */
function readersColour(colour: CameraColour): CameraColour {
  const { xyzToCamera, balancedToXyz } = colour;
  if (!isUsable(xyzToCamera)) return colour;
  const daylight = transform(xyzToCamera, d65);
  if (balancedToXyz === undefined) {
    const toXyz = multiply(inverse(xyzToCamera), diagonal(daylight));
    return { ...colour, balancedToXyz: multiply(bradford(d65, d50), toXyz) };
  }
  const balanced = inverse(multiply(bradford(d50, d65), balancedToXyz));
  const white = transform(balanced, d65);
  const scale: Vector3 = [daylight[0] / white[0], daylight[1] / white[1], daylight[2] / white[2]];
  return { ...colour, xyzToCamera: multiply(diagonal(scale), balanced) };
}
