/** What every format must say about the shot, as another reader (ExifReader) finds it. */
import ExifReader from 'exifreader';
import { expect } from 'vitest';

import { sampleShot } from './samples.ts';

/** Every tag of `sampleShot`, and that no orientation is left to apply. */
export function expectShot(bytes: Uint8Array, orientation = 1): void {
  const { exif = {}, gps = {} } = ExifReader.load(new Uint8Array(bytes).buffer, { expanded: true });
  expect(exif.Make?.description).toBe(sampleShot.make);
  expect(exif.Model?.description).toBe(sampleShot.model);
  expect(exif.LensModel?.description).toBe(sampleShot.lens);
  expect(exif.Software?.description).toBe('Nightglass');
  expect(exif.Artist?.description).toBe(sampleShot.artist);
  expect(exif.Copyright?.description).toBe(sampleShot.copyright);
  expect(exif.ExposureTime?.value).toEqual([1, 30]);
  expect(exif.FNumber?.value).toEqual([14, 5]);
  expect(exif.FocalLength?.value).toEqual([71, 2]);
  expect(exif.ISOSpeedRatings?.value).toBe(65_535);
  // Its types don't know this one.
  expect(exif).toHaveProperty('RecommendedExposureIndex.value', 102_400);
  expect(exif.DateTimeOriginal?.description).toBe('2024:05:06 21:22:23');
  expect(exif.DateTime?.description).toBe('2024:05:06 21:22:23');
  expect(exif.OffsetTimeOriginal?.description).toBe('+02:00');
  expect(exif.Orientation?.value).toBe(orientation);
  expect(gps.Latitude).toBeCloseTo(-51.508_97, 7);
  expect(gps.Longitude).toBeCloseTo(0.1234, 7);
  expect(gps.Altitude).toBeCloseTo(-12.5, 6);
}

/** What a finished picture says of itself. */
export function expectPicture(
  bytes: Uint8Array,
  width: number,
  height: number,
  isSrgb: boolean,
): void {
  const { exif = {} } = ExifReader.load(new Uint8Array(bytes).buffer, { expanded: true });
  expect(exif.PixelXDimension?.value).toBe(width);
  expect(exif.PixelYDimension?.value).toBe(height);
  expect(exif.ColorSpace?.value).toBe(isSrgb ? 1 : 65_535);
  expect(exif.XResolution?.value).toEqual([300, 1]);
}
