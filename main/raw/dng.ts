/**
 * DNG writer for a Bayer mosaic as it came from the sensor (Adobe DNG specification 1.4; tag
 * numbers and meanings from its chapter 4).
 */

import { endianness } from 'node:os';

import { cameraTags, checkColour } from './dng-camera-tags.ts';
import { packetTags, shotTags } from './exif-tags.ts';
import {
  byte,
  bytes,
  double,
  layOutTiff,
  long,
  offsetsOf,
  pixelsOf,
  rational,
  short,
  toFraction,
} from './ifd.ts';
import type { FilePieces, Pixels, TagValue } from './ifd.ts';
import { encodeMerged, privateDataTag } from './merged-tag.ts';
import type { Mosaic, NoiseProfile, PerSite } from './mosaic.ts';

const photometricCfa = 32803;

/** CFAPattern's codes for the colours of the four sites. */
const cfaCodes = {
  RGGB: [0, 1, 1, 2],
  BGGR: [2, 1, 1, 0],
  GRBG: [1, 0, 2, 1],
  GBRG: [1, 2, 0, 1],
} as const;

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
function stripTags(width: number, height: number, strip: Pixels): [number, TagValue][] {
  return [
    [256, long(width)],
    [257, long(height)],
    [258, short(16)],
    [259, short(1)],
    [273, offsetsOf([strip])],
    [277, short(1)],
    [278, long(height)],
    [279, long(strip.byteLength)],
    [284, short(1)],
  ];
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
    ...stripTags(plane.width, plane.height, pixelsOf(littleEndianBytes(plane.samples))),
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
