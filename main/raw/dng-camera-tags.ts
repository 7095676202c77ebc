/** What every DNG of ours says about its camera, and how brightly it is to be shown. */

import { Refusal } from '../base/refusal.ts';
import { cameraName } from './camera-name.ts';
import { ascii, byte, long, rational, short, srational, toFraction } from './ifd.ts';
import type { TagValue } from './ifd.ts';
import type { CameraColour, Shot } from './mosaic.ts';

const d65 = 21;

export function cameraTags(
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

/** @throws Refusal `bad-argument` for a colour no tag can hold */
export function checkColour({ asShotGains, xyzToCamera }: CameraColour): void {
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
