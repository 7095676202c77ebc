/**
 * DNG writer for two kinds of pictures: a Bayer mosaic as it came from the sensor, and a developed
 * picture that is still linear and in camera colours (Adobe DNG specification 1.4; tag numbers and
 * meanings from its chapter 4).
 */

import { endianness } from 'node:os';

import type { CameraLinearImage } from './image.ts';
import { Refusal } from '../base/refusal.ts';
import { cameraName } from './camera-name.ts';
import { packetTags, shotTags } from './exif-tags.ts';
import {
  ascii,
  byte,
  bytes,
  double,
  layOutTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  srational,
  toFraction,
} from './ifd.ts';
import type { FilePieces, Pixels, TagValue } from './ifd.ts';
import { encodeMerged, privateDataTag } from './merged-tag.ts';
import type { CameraColour, Mosaic, NoiseProfile, PerSite, Shot } from './mosaic.ts';
import type { Records } from './records.ts';

const d65 = 21;
const photometricCfa = 32803;
const photometricLinearRaw = 34892;

/** CFAPattern's codes for the colours of the four sites. */
const cfaCodes = {
  RGGB: [0, 1, 1, 2],
  BGGR: [2, 1, 1, 0],
  GRBG: [1, 0, 2, 1],
  GBRG: [1, 2, 0, 1],
} as const;

/** Black level of LinearRaw, which leaves room for signed noise below it (−3 % of the range). */
export const linearBlackLevel = 2048;
export const linearWhiteLevel = 65535;
/**
 * Highlights are kept up to 8× white. Each further stop costs a bit in the shadows, and beyond
 * three stops only the lamps themselves are left.
 */
export const maxHeadroomStops = 3;

/** Number of rows produced at a time while a linear picture is written. */
const rowsPerChunk = 64;

/** The whole sensor around the visible area, including masked margins. */
export interface SensorPlane {
  readonly width: number;
  readonly height: number;
  /** Position of the visible area. */
  readonly left: number;
  readonly top: number;
  /** width × height samples, row-major, written instead of the mosaic's own. */
  readonly samples: Uint16Array;
}

interface CfaDngOptions {
  /** For files with margins, such as those of cameras. */
  readonly sensor?: SensorPlane;
}

function cameraTags(
  colour: CameraColour,
  baselineExposureStops: number,
  shot: Shot,
): [number, TagValue][] {
  return [
    [254, long(0)],
    [50706, byte(1, 4, 0, 0)],
    [50707, byte(1, 1, 0, 0)],
    [50708, ascii(cameraName(shot) ?? 'Unknown camera')],
    [50721, srational(...colour.xyzToCamera.map((value) => toFraction(value, 1e-9)))],
    // The camera's response to neutral grey: the reciprocal of the gains that make it neutral.
    [50728, rational(...colour.asShotGains.map((gain) => toFraction(1 / gain, 1e-8)))],
    [50730, srational(toFraction(baselineExposureStops, 1e-7))],
    [50778, short(d65)],
    ...forwardTags(colour),
  ];
}

/** ForwardMatrix1, if more than one daylight matrix is known. */
function forwardTags({ balancedToXyz }: CameraColour): [number, TagValue][] {
  if (balancedToXyz === undefined) return [];
  return [[50964, srational(...balancedToXyz.map((value) => toFraction(value, 1e-9)))]];
}

function noiseTag({ slope, offset }: NoiseProfile): TagValue {
  return double(slope, offset);
}

function blackLevelTags(black: PerSite): [number, TagValue][] {
  const isUniform = black.every((level) => level === black[0]);
  const levels = isUniform ? black.slice(0, 1) : black;
  const side = isUniform ? 1 : 2;
  return [
    [50713, short(side, side)],
    [50714, rational(...levels.map((level) => toFraction(level, 1e-7)))],
  ];
}

/** A single strip, the simplest layout, which every reader supports. */
function stripTags(
  width: number,
  height: number,
  channels: number,
  strip: Pixels,
): [number, TagValue][] {
  return [
    [256, long(width)],
    [257, long(height)],
    [258, short(...Array<number>(channels).fill(16))],
    [259, short(1)],
    [273, offsetsOf([strip])],
    [277, short(channels)],
    [278, long(height)],
    [279, long(strip.byteLength)],
    [284, short(1)],
  ];
}

function checkColour({ asShotGains, xyzToCamera }: CameraColour): void {
  if (!asShotGains.every((gain) => Number.isFinite(gain) && gain > 0 && gain < 1e6)) {
    throw new Refusal(
      'bad-argument',
      `expected positive white balance gains but received ${asShotGains.join(', ')}`,
    );
  }
  if (!xyzToCamera.every((value) => Math.abs(value) < 1e3)) {
    throw new Refusal(
      'bad-argument',
      `expected a camera matrix but received ${xyzToCamera.join(', ')}`,
    );
  }
}

/** The samples as little-endian bytes; a view if the machine is little-endian too. */
function littleEndianBytes(samples: Uint16Array): Uint8Array {
  if (endianness() === 'BE') return Buffer.from(samples.slice().buffer).swap16();
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/**
 * An uncompressed 16-bit CFA DNG with the mosaic's numbers unchanged. Tags hold black level (1×1 if
 * equal at all sites, else 2×2), white level, colour, noise profile and EXIF, and for a merged
 * mosaic its frames and their map (see merged-tag.ts). With a `sensor`, the whole plane is written
 * and ActiveArea marks the mosaic's part of it.
 * @throws Refusal `bad-argument` for a colour no tag can hold, or more than 4 GiB
 */
export function cfaDng(mosaic: Mosaic, { sensor }: CfaDngOptions = {}): FilePieces {
  checkColour(mosaic.colour);
  const plane = sensor ?? {
    width: mosaic.width,
    height: mosaic.height,
    left: 0,
    top: 0,
    samples: mosaic.samples,
  };
  const [right, bottom] = [plane.left + mosaic.width, plane.top + mosaic.height];
  if (
    plane.samples.length !== plane.width * plane.height ||
    right > plane.width ||
    bottom > plane.height
  ) {
    throw new Error(
      `expected ${plane.width}×${plane.height} samples that hold ${mosaic.width}×${mosaic.height} at ` +
        `(${plane.left}, ${plane.top}) but received ${plane.samples.length}`,
    );
  }
  const { records } = mosaic;
  const tags = shotTags(mosaic.shot, mosaic.orientation, undefined, records);
  const own: [number, TagValue][] = [
    ...packetTags(records),
    ...cameraTags(mosaic.colour, mosaic.baselineExposureStops, mosaic.shot),
    ...stripTags(plane.width, plane.height, 1, pixelsOf(littleEndianBytes(plane.samples))),
    ...blackLevelTags(mosaic.blackLevel),
    [262, short(photometricCfa)],
    [33421, short(2, 2)],
    // Relative to the active area's corner, like the black levels.
    [33422, byte(...cfaCodes[mosaic.cfa])],
    [50710, byte(0, 1, 2)],
    [50711, short(1)],
    [50717, long(mosaic.whiteLevel)],
  ];
  for (const [tag, value] of own) tags.set(tag, value);
  if (sensor !== undefined) tags.set(50829, long(plane.top, plane.left, bottom, right));
  if (mosaic.noiseProfile !== undefined) tags.set(51041, noiseTag(mosaic.noiseProfile));
  if (mosaic.merged !== undefined) tags.set(privateDataTag, bytes(encodeMerged(mosaic.merged)));
  return layOutTiff(tags);
}

/** The smallest whole number of stops above white that holds the brightest sample. */
function headroomStops(image: CameraLinearImage): number {
  let brightest = 1;
  for (let channel = 0; channel < 3; channel++) {
    const gain = image.colour.asShotGains[channel]!;
    // Comparisons with NaN are false, so NaN is ignored.
    for (let i = channel; i < image.samples.length; i += 3) {
      const value = image.samples[i]! / gain;
      if (value > brightest) brightest = value;
    }
  }
  return Math.min(maxHeadroomStops, Math.ceil(Math.log2(brightest)));
}

/** Converts float samples to 16 bits: `black + value / gain · (white − black) / 2^stops`. */
function linearPixels(image: CameraLinearImage, stops: number): Pixels {
  const { width, height, samples } = image;
  const range = (linearWhiteLevel - linearBlackLevel) / 2 ** stops;
  const [red, green, blue] = image.colour.asShotGains.map((gain) => range / gain);
  return {
    byteLength: width * height * 3 * 2,
    *chunks() {
      const rowSamples = width * 3;
      for (let y = 0; y < height; y += rowsPerChunk) {
        const count = Math.min(rowsPerChunk, height - y) * rowSamples;
        const start = y * rowSamples;
        const piece = new Uint16Array(count);
        for (let i = 0; i < count; i += 3) {
          piece[i] = toSample(samples[start + i]! * red!);
          piece[i + 1] = toSample(samples[start + i + 1]! * green!);
          piece[i + 2] = toSample(samples[start + i + 2]! * blue!);
        }
        yield littleEndianBytes(piece);
      }
    },
  };
}

/** Half is added because the typed array truncates. NaN becomes 0 there. */
function toSample(aboveBlack: number): number {
  const value = aboveBlack + (linearBlackLevel + 0.5);
  return value >= linearWhiteLevel ? linearWhiteLevel : value <= 0 ? 0 : value;
}

/**
 * A 16-bit LinearRaw DNG: linear camera RGB without white balance, which is stored as
 * AsShotNeutral, so that editors start as they would with the camera's own file. Values below black
 * and highlights above white are kept. A reader restores a value as (sample − BlackLevel) /
 * (WhiteLevel − BlackLevel) · 2^BaselineExposure, where the exponent is a whole number of stops.
 * Orientation stays a tag and is not applied.
 * @throws Refusal `bad-argument` for a colour no tag can hold, or more than 4 GiB
 */
export function linearDng(
  image: CameraLinearImage,
  shot: Shot,
  { records }: { readonly records?: Records | undefined } = {},
): FilePieces {
  checkColour(image.colour);
  if (image.samples.length !== image.width * image.height * 3) {
    throw new Error(
      `expected ${image.width}×${image.height}×3 samples but received ${image.samples.length}`,
    );
  }
  const stops = headroomStops(image);
  const tags = shotTags(shot, image.orientation, undefined, records);
  const own: [number, TagValue][] = [
    ...packetTags(records),
    ...cameraTags(image.colour, stops, shot),
    ...stripTags(image.width, image.height, 3, linearPixels(image, stops)),
    [262, short(photometricLinearRaw)],
    [50713, short(1, 1)],
    [50714, long(linearBlackLevel, linearBlackLevel, linearBlackLevel)],
    [50717, long(linearWhiteLevel, linearWhiteLevel, linearWhiteLevel)],
  ];
  for (const [tag, value] of own) tags.set(tag, value);
  return layOutTiff(tags);
}
