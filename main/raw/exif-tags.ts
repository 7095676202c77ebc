/** Builds EXIF directories from what the camera recorded about a shot, for every format. */

import {
  ascii,
  byte,
  directory,
  long,
  rational,
  short,
  toFraction,
  undefinedBytes,
} from './ifd.ts';
import type { Directory, Fraction, TagValue } from './ifd.ts';
import { writeIptc } from './iptc.ts';
import type { Gps, Orientation, Shot } from './mosaic.ts';
import type { Records } from './records.ts';
import { writeXmp } from './xmp.ts';

export const software = 'Nightglass';

/** Additional facts of a finished picture; absent for raw data. */
export interface RenderedPicture {
  readonly width: number;
  readonly height: number;
  readonly isSrgb: boolean;
  /** Whether it is stored as luma and colour differences, as in JPEG. */
  readonly isYcc: boolean;
}

const hasText = (text: string | undefined): text is string =>
  text !== undefined && cleanText(text) !== '';

/** Longer than people write; a JPEG's whole EXIF block is limited to 64 KiB. */
const maxTextLength = 2000;

/** Control characters would break an ASCII tag, and a NUL would end it. */
function cleanText(text: string): string {
  return text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxTextLength);
}

const isPositive = (value: number | undefined): value is number =>
  value !== undefined && Number.isFinite(value) && value > 0 && value < 2 ** 31;

/** Splits `2024-05-06T21:22:23+02:00` into EXIF's date and zone; undefined if it is not a date. */
function exifTime(takenAt: string | undefined): { date: string; zone?: string } | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$/.exec(
    takenAt ?? '',
  );
  if (match === null) return undefined;
  const [, year, month, day, clock, zone] = match;
  const date = `${year}:${month}:${day} ${clock}`;
  return zone === undefined ? { date } : { date, zone: zone === 'Z' ? '+00:00' : zone };
}

/**
 * Degrees, minutes and ten-thousandths of seconds (3 mm on the ground), carried in whole numbers.
 */
function sexagesimal(degrees: number): [Fraction, Fraction, Fraction] {
  const units = Math.round(Math.abs(degrees) * 36_000_000);
  return [
    [Math.floor(units / 36_000_000), 1],
    [Math.floor(units / 600_000) % 60, 1],
    [units % 600_000, 10_000],
  ];
}

function gpsDirectory(gps: Gps, records: Records | undefined): Directory | undefined {
  const { latitude, longitude, altitudeMetres } = gps;
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined;
  const tags = new Map<number, TagValue>([
    ...(records?.gps ?? []),
    [0, byte(2, 3, 0, 0)],
    [1, ascii(latitude < 0 ? 'S' : 'N')],
    [2, rational(...sexagesimal(latitude))],
    [3, ascii(longitude < 0 ? 'W' : 'E')],
    [4, rational(...sexagesimal(longitude))],
    [18, ascii('WGS-84')],
  ]);
  if (altitudeMetres !== undefined && Math.abs(altitudeMetres) < 1e6) {
    tags.set(5, byte(altitudeMetres < 0 ? 1 : 0));
    tags.set(6, rational(toFraction(Math.abs(altitudeMetres))));
  }
  return tags;
}

/** EXIF's ISO speed has 16 bits; higher values go into the newer 32-bit tag. */
function isoTags(iso: number): [number, TagValue][] {
  const rounded = Math.max(1, Math.round(iso));
  if (rounded < 0xffff) return [[34855, short(rounded)]];
  return [
    [34855, short(0xffff)],
    // SensitivityType 2: the value is a recommended exposure index, as in cameras with such speeds.
    [34864, short(2)],
    [34866, long(rounded)],
  ];
}

function exifDirectory(
  shot: Shot,
  picture: RenderedPicture | undefined,
  records: Records | undefined,
): Directory {
  const tags = new Map<number, TagValue>([
    ...(records?.exif ?? []),
    [36864, undefinedBytes(new TextEncoder().encode('0232'))],
  ]);
  if (isPositive(shot.exposureSeconds)) tags.set(33434, rational(toFraction(shot.exposureSeconds)));
  if (isPositive(shot.aperture)) tags.set(33437, rational(toFraction(shot.aperture)));
  if (isPositive(shot.iso)) for (const [tag, value] of isoTags(shot.iso)) tags.set(tag, value);
  if (isPositive(shot.focalLengthMm)) tags.set(37386, rational(toFraction(shot.focalLengthMm)));
  if (hasText(shot.lens)) tags.set(42036, ascii(cleanText(shot.lens)));
  const time = exifTime(shot.takenAt);
  if (time !== undefined) {
    tags.set(36867, ascii(time.date));
    if (!tags.has(36868)) tags.set(36868, ascii(time.date));
    if (time.zone !== undefined) {
      tags.set(36881, ascii(time.zone));
      tags.set(36882, ascii(time.zone));
    }
  }
  if (picture !== undefined) {
    tags.set(40960, undefinedBytes(new TextEncoder().encode('0100')));
    if (picture.isYcc) tags.set(37121, undefinedBytes(Uint8Array.of(1, 2, 3, 0)));
    tags.set(40961, short(picture.isSrgb ? 1 : 0xffff));
    tags.set(40962, long(picture.width));
    tags.set(40963, long(picture.height));
  }
  return tags;
}

/**
 * The tags of a first directory, with the EXIF and GPS directories hanging on it. What the shot does
 * not say, or says in a way that no tag can hold, is left out (Exif 2.32, CIPA DC-008).
 * @param records what else the original says; the shot goes before it
 */
export function shotTags(
  shot: Shot,
  orientation: Orientation,
  picture?: RenderedPicture,
  records?: Records,
): Map<number, TagValue> {
  const tags = new Map<number, TagValue>([
    ...(records?.first ?? []),
    [274, short(orientation)],
    [305, ascii(software)],
    [34665, directory(exifDirectory(shot, picture, records))],
  ]);
  if (picture?.isYcc === true) tags.set(531, short(1));
  if (hasText(shot.make)) tags.set(271, ascii(cleanText(shot.make)));
  if (hasText(shot.model)) tags.set(272, ascii(cleanText(shot.model)));
  if (hasText(shot.artist)) tags.set(315, ascii(cleanText(shot.artist)));
  if (hasText(shot.copyright)) tags.set(33432, ascii(cleanText(shot.copyright)));
  const time = exifTime(shot.takenAt);
  if (time !== undefined) tags.set(306, ascii(time.date));
  const gps = shot.gps === undefined ? undefined : gpsDirectory(shot.gps, records);
  if (gps !== undefined) tags.set(34853, directory(gps));
  return tags;
}

/** XMP and IPTC, where a TIFF keeps them in its first directory. */
export function packetTags(records: Records | undefined): Map<number, TagValue> {
  const tags = new Map<number, TagValue>();
  const xmp = writeXmp(records?.xmp ?? []);
  if (xmp !== undefined) tags.set(700, { type: 'BYTE', bytes: xmp });
  const iptc = writeIptc(records?.iptc ?? []);
  if (iptc !== undefined) tags.set(33723, undefinedBytes(iptc));
  return tags;
}
