/**
 * Determines which part of a DNG's samples is the picture: ActiveArea, DefaultCrop,
 * DefaultUserCrop, TrimBounds.
 */

import type { Rectangle } from './opcodes/parse.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const activeAreaTag = 50_829;
const defaultCropOrigin = 50_719;
const defaultCropSize = 50_720;
const defaultUserCrop = 51_125;

/** Smaller sides than this are not a camera's crop. */
const minSide = 22;

const isRectangle = ({ top, left, bottom, right }: Rectangle): boolean =>
  [top, left, bottom, right].every(Number.isInteger) &&
  top >= 0 &&
  left >= 0 &&
  bottom - top >= minSide &&
  right - left >= minSide;

const isWithin = (inner: Rectangle, outer: Rectangle): boolean =>
  inner.top >= outer.top &&
  inner.left >= outer.left &&
  inner.bottom <= outer.bottom &&
  inner.right <= outer.right;

/**
 * The part of the stored samples that was exposed to light; all of them if the tag is missing or
 * invalid.
 */
export function activeArea(image: TiffDirectory, width: number, height: number): Rectangle {
  const whole = { top: 0, left: 0, bottom: height, right: width };
  const [top = 0, left = 0, bottom = height, right = width] = image.numbers(activeAreaTag);
  const area = { top, left, bottom, right };
  return isRectangle(area) && isWithin(area, whole) ? area : whole;
}

/** The part of the active area that is meant to be seen, in whole pixels of the active area. */
export function defaultCrop(
  image: TiffDirectory,
  { width, height }: { readonly width: number; readonly height: number },
): Rectangle {
  const whole = { top: 0, left: 0, bottom: height, right: width };
  // Horizontal first, unlike in all other tags.
  const [x = 0, y = 0] = image.numbers(defaultCropOrigin);
  const [cropWidth = width, cropHeight = height] = image.numbers(defaultCropSize);
  const [left, top] = [Math.round(x), Math.round(y)];
  const crop = {
    top,
    left,
    bottom: top + Math.round(cropHeight),
    right: left + Math.round(cropWidth),
  };
  return isRectangle(crop) && isWithin(crop, whole) ? crop : whole;
}

/**
 * DefaultUserCrop: shares of the default crop, written by cameras with a choice of aspect ratios.
 * @param first the DNG's first directory; the tag may be in either
 */
export function userCrop(first: TiffDirectory, image: TiffDirectory, crop: Rectangle): Rectangle {
  const own = image.numbers(defaultUserCrop);
  const [top = 0, left = 0, bottom = 1, right = 1] =
    own.length > 0 ? own : first.numbers(defaultUserCrop);
  if (!(top >= 0 && left >= 0 && bottom <= 1 && right <= 1)) return crop;
  const [width, height] = [crop.right - crop.left, crop.bottom - crop.top];
  const chosen = {
    top: crop.top + Math.round(top * height),
    left: crop.left + Math.round(left * width),
    bottom: crop.top + Math.round(bottom * height),
    right: crop.left + Math.round(right * width),
  };
  return isRectangle(chosen) ? chosen : crop;
}

/** The intersection of both; the first one if the intersection is too small. */
export function intersection(one: Rectangle, other: Rectangle): Rectangle {
  const both = {
    top: Math.max(one.top, other.top),
    left: Math.max(one.left, other.left),
    bottom: Math.min(one.bottom, other.bottom),
    right: Math.min(one.right, other.right),
  };
  return isRectangle(both) ? both : one;
}

export function moved(
  { top, left, bottom, right }: Rectangle,
  down: number,
  along: number,
): Rectangle {
  return { top: top + down, left: left + along, bottom: bottom + down, right: right + along };
}
