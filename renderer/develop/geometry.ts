/**
 * Maps the stored frame to the framed picture: EXIF orientation, quarter-turns, then the crop,
 * inside which the picture is rotated by the angle. The same as main/develop/crop.ts, as one affine
 * map.
 */

import type { Crop, Edits } from '../../preload/contract/edits.ts';
import type { Point, Size } from './viewport.ts';

/** (x, y) → (a·x + b·y + c, d·x + e·y + f) */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export type Framing = Pick<Edits, 'crop' | 'angle' | 'rotate'>;

export const unframed: Framing = {
  crop: { x: 0, y: 0, width: 1, height: 1 },
  angle: 0,
  rotate: 0,
};

/** Applies `inner`, then `outer`. */
export function after(outer: Affine, inner: Affine): Affine {
  return {
    a: outer.a * inner.a + outer.b * inner.d,
    b: outer.a * inner.b + outer.b * inner.e,
    c: outer.a * inner.c + outer.b * inner.f + outer.c,
    d: outer.d * inner.a + outer.e * inner.d,
    e: outer.d * inner.b + outer.e * inner.e,
    f: outer.d * inner.c + outer.e * inner.f + outer.f,
  };
}

export function inverse({ a, b, c, d, e, f }: Affine): Affine {
  const determinant = a * e - b * d;
  return {
    a: e / determinant,
    b: -b / determinant,
    c: (b * f - c * e) / determinant,
    d: -d / determinant,
    e: a / determinant,
    f: (c * d - a * f) / determinant,
  };
}

export function apply({ a, b, c, d, e, f }: Affine, { x, y }: Point): Point {
  return { x: a * x + b * y + c, y: d * x + e * y + f };
}

/** Upright picture → stored frame, by the EXIF tag (EXIF 2.32, tag 274). */
function uprightToStored(orientation: number, { width, height }: Size): Affine {
  switch (orientation) {
    case 2:
      return { a: -1, b: 0, c: width, d: 0, e: 1, f: 0 };
    case 3:
      return { a: -1, b: 0, c: width, d: 0, e: -1, f: height };
    case 4:
      return { a: 1, b: 0, c: 0, d: 0, e: -1, f: height };
    case 5:
      return { a: 0, b: 1, c: 0, d: 1, e: 0, f: 0 };
    case 6:
      return { a: 0, b: 1, c: 0, d: -1, e: 0, f: height };
    case 7:
      return { a: 0, b: -1, c: width, d: -1, e: 0, f: height };
    case 8:
      return { a: 0, b: -1, c: width, d: 1, e: 0, f: 0 };
    default:
      return { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };
  }
}

/**
 * Turned picture → upright picture.
 * @param size of the upright picture
 */
function turnedToUpright(quarters: number, { width, height }: Size): Affine {
  switch (quarters) {
    case 1:
      return { a: 0, b: 1, c: 0, d: -1, e: 0, f: height };
    case 2:
      return { a: -1, b: 0, c: width, d: 0, e: -1, f: height };
    case 3:
      return { a: 0, b: -1, c: width, d: 1, e: 0, f: 0 };
    default:
      return { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };
  }
}

/** The stored frame and its orientation. */
export interface Stored extends Size {
  readonly orientation: number;
}

/** Size of the picture after orientation and quarter-turns, before the crop. */
export function turnedSize({ width, height, orientation }: Stored, rotate: number): Size {
  const isSideways = orientation >= 5 !== (rotate % 2 === 1);
  return isSideways ? { width: height, height: width } : { width, height };
}

/** Turned, uncropped picture → stored frame. */
function turnedToStored(stored: Stored, rotate: number): Affine {
  const upright = turnedSize(stored, 0);
  return after(uprightToStored(stored.orientation, stored), turnedToUpright(rotate, upright));
}

export interface Framed {
  readonly size: Size;
  /** Framed picture → stored frame, in pixels, corners on whole numbers. */
  readonly toStored: Affine;
}

export function framed(stored: Stored, { crop, angle, rotate }: Framing): Framed {
  const turned = turnedSize(stored, rotate);
  const base = turnedToStored(stored, rotate);
  const width = Math.max(1, Math.round(crop.width * turned.width));
  const height = Math.max(1, Math.round(crop.height * turned.height));
  const size = { width, height };
  if (angle === 0) {
    const left = Math.min(Math.round(crop.x * turned.width), turned.width - width);
    const top = Math.min(Math.round(crop.y * turned.height), turned.height - height);
    return { size, toStored: after(base, { a: 1, b: 0, c: left, d: 0, e: 1, f: top }) };
  }
  const centre = centreOf(crop, turned);
  const turn = turnBy(angle);
  const origin = apply(turn, { x: -width / 2, y: -height / 2 });
  return {
    size,
    toStored: after(base, { ...turn, c: centre.x + origin.x, f: centre.y + origin.y }),
  };
}

function centreOf(crop: Crop, { width, height }: Size): Point {
  return { x: (crop.x + crop.width / 2) * width, y: (crop.y + crop.height / 2) * height };
}

/** Offsets in the frame → offsets in the picture. */
function turnBy(angle: number): Affine {
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  return { a: cos, b: sin, c: 0, d: -sin, e: cos, f: 0 };
}

/**
 * While cropping, the whole picture is visible, rotated about its centre, so that the crop frame is
 * an upright rectangle.
 */
export interface Easel {
  /** Size of the rotated picture's bounding box. */
  readonly size: Size;
  readonly toStored: Affine;
  /** The crop frame on the easel. */
  readonly frame: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
}

export function easel(stored: Stored, { crop, angle, rotate }: Framing): Easel {
  const turned = turnedSize(stored, rotate);
  const turn = turnBy(angle);
  const size = {
    width: Math.abs(turn.a) * turned.width + Math.abs(turn.b) * turned.height,
    height: Math.abs(turn.b) * turned.width + Math.abs(turn.a) * turned.height,
  };
  const origin = apply(turn, { x: -size.width / 2, y: -size.height / 2 });
  const toTurned = { ...turn, c: turned.width / 2 + origin.x, f: turned.height / 2 + origin.y };
  const centre = apply(inverse(toTurned), centreOf(crop, turned));
  const [width, height] = [crop.width * turned.width, crop.height * turned.height];
  return {
    size,
    toStored: after(turnedToStored(stored, rotate), toTurned),
    frame: { x: centre.x - width / 2, y: centre.y - height / 2, width, height },
  };
}

/** Converts a frame on the easel to a crop, shrunk where it would extend beyond the picture. */
export function cropOf(frame: Easel['frame'], stored: Stored, angle: number, rotate: number): Crop {
  const turned = turnedSize(stored, rotate);
  const { size } = easel(stored, { ...unframed, angle, rotate: quarter(rotate) });
  const offset = apply(turnBy(angle), {
    x: frame.x + frame.width / 2 - size.width / 2,
    y: frame.y + frame.height / 2 - size.height / 2,
  });
  const centre = {
    x: Math.min(turned.width, Math.max(0, turned.width / 2 + offset.x)),
    y: Math.min(turned.height, Math.max(0, turned.height / 2 + offset.y)),
  };
  return fitted(centre, frame, turned, angle);
}

/** The same crop, shrunk to fit another angle. */
export function cropAt(crop: Crop, stored: Stored, angle: number, rotate: number): Crop {
  const turned = turnedSize(stored, rotate);
  const size = { width: crop.width * turned.width, height: crop.height * turned.height };
  return fitted(centreOf(crop, turned), size, turned, angle);
}

/** The crop after the picture was turned by a quarter. */
export function cropTurned({ x, y, width, height }: Crop, isClockwise: boolean): Crop {
  return isClockwise
    ? { x: Math.max(0, 1 - y - height), y: x, width: height, height: width }
    : { x: y, y: Math.max(0, 1 - x - width), width: height, height: width };
}

function fitted(centre: Point, { width, height }: Size, turned: Size, angle: number): Crop {
  const turn = turnBy(angle);
  const [cos, sin] = [Math.abs(turn.a), Math.abs(turn.b)];
  const acrossRoom = Math.min(centre.x, turned.width - centre.x);
  const downRoom = Math.min(centre.y, turned.height - centre.y);
  const [halfWidth, halfHeight] = [width / 2, height / 2];
  // Its size after the turn, as the upright rectangle that the schema requires.
  const share = Math.min(
    1,
    acrossRoom / Math.max(1e-9, cos * halfWidth + sin * halfHeight),
    downRoom / Math.max(1e-9, sin * halfWidth + cos * halfHeight),
    acrossRoom / Math.max(1e-9, halfWidth),
    downRoom / Math.max(1e-9, halfHeight),
  );
  const [newWidth, newHeight] = [width * share, height * share];
  const limit = (value: number): number => Math.min(1, Math.max(0, value));
  const x = limit((centre.x - newWidth / 2) / turned.width);
  const y = limit((centre.y - newHeight / 2) / turned.height);
  return {
    x,
    y,
    width: Math.min(1 - x, Math.max(0.01, newWidth / turned.width)),
    height: Math.min(1 - y, Math.max(0.01, newHeight / turned.height)),
  };
}

export function quarter(turns: number): 0 | 1 | 2 | 3 {
  const whole = ((turns % 4) + 4) % 4;
  return whole === 1 ? 1 : whole === 2 ? 2 : whole === 3 ? 3 : 0;
}
