/**
 * Reads what a RAW file says about its shot: from EXIF if the file is TIFF-like, otherwise from
 * LibRaw.
 */

import { isClock, isDay, isZone } from './calendar.ts';
import type { Container } from './container.ts';
import type { LibRawMetadata } from './libraw.ts';
import type { Gps, Shot } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const tagCodes = {
  make: 271,
  model: 272,
  dateTime: 306,
  artist: 315,
  copyright: 33_432,
  exposureTime: 33_434,
  fNumber: 33_437,
  iso: 34_855,
  recommendedIso: 34_866,
  dateTimeOriginal: 36_867,
  offsetTime: 36_880,
  offsetTimeOriginal: 36_881,
  focalLength: 37_386,
  lensModel: 42_036,
} as const;

/** EXIF's code for an ISO that the tag cannot hold. */
const isoTooLarge = 65_535;

const isPositive = (value: number | undefined): value is number =>
  value !== undefined && Number.isFinite(value) && value > 0;

const positive = (...candidates: (number | undefined)[]): number | undefined =>
  candidates.find(isPositive);

const text = (...candidates: (string | undefined)[]): string | undefined =>
  candidates
    .map((candidate) => candidate?.trim())
    .find((candidate) => candidate !== undefined && candidate !== '');

/**
 * EXIF's `YYYY:MM:DD HH:MM:SS` as ISO 8601; undefined for the blanks and zeros that some cameras
 * write.
 */
function isoTime(date: string | undefined, zone: string | undefined): string | undefined {
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(date ?? '');
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const isTime =
    isDay(Number(year), Number(month), Number(day)) &&
    isClock(Number(hour), Number(minute), Number(second));
  if (!isTime) return undefined;
  const suffix = zone !== undefined && isZone(zone) ? zone : '';
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${suffix}`;
}

/**
 * LibRaw interprets the camera's clock in this machine's time zone, so the local fields of its
 * timestamp are the clock's own digits.
 */
function libRawTime(timestamp: unknown): string | undefined {
  if (typeof timestamp !== 'number' || !(timestamp > 0 && timestamp < 2 ** 32)) return undefined;
  const date = new Date(timestamp * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const sexagesimal = ([degrees = Number.NaN, minutes = 0, seconds = 0]: readonly number[]): number =>
  degrees + minutes / 60 + seconds / 3600;

function checkedGps(
  latitude: number,
  longitude: number,
  altitudeMetres: number | undefined,
): Gps | undefined {
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return undefined;
  const hasAltitude = altitudeMetres !== undefined && Math.abs(altitudeMetres) < 1e6;
  return { latitude, longitude, ...(hasAltitude ? { altitudeMetres } : {}) };
}

/** GPS directory (Exif 2.32, 4.6.6). A position without hemisphere is ignored. */
function exifGps(gps: TiffDirectory | undefined): Gps | undefined {
  const latitudeRef = gps?.text(1);
  const longitudeRef = gps?.text(3);
  if (gps === undefined || latitudeRef === undefined || longitudeRef === undefined)
    return undefined;
  const latitude = sexagesimal(gps.numbers(2)) * (latitudeRef === 'S' ? -1 : 1);
  const longitude = sexagesimal(gps.numbers(4)) * (longitudeRef === 'W' ? -1 : 1);
  const altitude = gps.number(6);
  return checkedGps(
    latitude,
    longitude,
    altitude === undefined ? undefined : gps.number(5) === 1 ? -altitude : altitude,
  );
}

function libRawGps({ gps_data: gps }: LibRawMetadata): Gps | undefined {
  if (gps?.gpsparsed !== true || gps.latref === null || gps.longref === null) return undefined;
  const latitude = sexagesimal(gps.latitude) * (gps.latref === 'S' ? -1 : 1);
  const longitude = sexagesimal(gps.longitude) * (gps.longref === 'W' ? -1 : 1);
  return checkedGps(latitude, longitude, gps.altref === 1 ? -gps.altitude : gps.altitude);
}

/** Removes undefined fields, so that unknown facts are absent. */
function compact(fields: { readonly [Key in keyof Shot]: Shot[Key] | undefined }): Shot {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Make and model as the file spells them. */
export function cameraOf(
  metadata: LibRawMetadata,
  container: Container,
): { make?: string; model?: string } {
  const first = container.kind === 'tiff' ? container.tiff.images[0] : undefined;
  const ciff = container.kind === 'ciff' ? container.ciff : undefined;
  const make = text(first?.text(tagCodes.make), ciff?.make, metadata.camera_make);
  const model = text(first?.text(tagCodes.model), ciff?.model, metadata.camera_model);
  return { ...(make === undefined ? {} : { make }), ...(model === undefined ? {} : { model }) };
}

/** EXIF's own directories: in a TIFF-like file its first ones, elsewhere those of a block of EXIF. */
export interface ExifPlaces {
  readonly first?: TiffDirectory | undefined;
  readonly exif?: TiffDirectory | undefined;
  readonly gps?: TiffDirectory | undefined;
}

/** Time, ISO and aperture from EXIF's tags. */
export function exifExposure({
  first,
  exif,
}: ExifPlaces): Pick<Shot, 'exposureSeconds' | 'iso' | 'aperture'> {
  // Some writers put EXIF's tags directly into the first directory.
  const number = (tag: number): number | undefined =>
    positive(exif?.number(tag), first?.number(tag));
  const iso = number(tagCodes.iso);
  return compact({
    iso: iso === isoTooLarge ? number(tagCodes.recommendedIso) : iso,
    exposureSeconds: number(tagCodes.exposureTime),
    aperture: number(tagCodes.fNumber),
  });
}

/** What EXIF alone says about the shot; missing or implausible facts are absent. */
export function exifShot({ first, exif, gps }: ExifPlaces): Shot {
  const words = (tag: number): string | undefined => text(exif?.text(tag), first?.text(tag));
  const zone = words(tagCodes.offsetTimeOriginal) ?? words(tagCodes.offsetTime);
  return compact({
    make: first?.text(tagCodes.make),
    model: first?.text(tagCodes.model),
    lens: words(tagCodes.lensModel),
    ...exifExposure({ first, exif }),
    focalLengthMm: positive(
      exif?.number(tagCodes.focalLength),
      first?.number(tagCodes.focalLength),
    ),
    takenAt:
      isoTime(words(tagCodes.dateTimeOriginal), zone) ?? isoTime(words(tagCodes.dateTime), zone),
    gps: exifGps(gps),
    artist: words(tagCodes.artist),
    copyright: words(tagCodes.copyright),
  });
}

/** Everything the file says about the shot; missing or implausible facts are absent. */
export function shotOf(metadata: LibRawMetadata, container: Container): Shot {
  const tiff = container.kind === 'tiff' ? container.tiff : undefined;
  const first = tiff?.images[0];
  const exif = exifShot({ first, exif: tiff?.exif, gps: tiff?.gps });
  const { lens } = metadata;
  // LibRaw makes 2 March of 30 February: what the file says itself goes before it, also when it is no date.
  const saysTime = [tagCodes.dateTimeOriginal, tagCodes.dateTime].some(
    (tag) => text(tiff?.exif?.text(tag), first?.text(tag)) !== undefined,
  );
  const ciffSeconds = container.kind === 'ciff' ? container.ciff.takenAtSeconds : undefined;
  const ciffTime =
    ciffSeconds === undefined ? undefined : new Date(ciffSeconds * 1000).toISOString().slice(0, 19);
  return compact({
    ...cameraOf(metadata, container),
    lens: text(exif.lens, lens?.Lens, lens?.makernotes?.Lens),
    iso: positive(exif.iso, metadata.iso_speed),
    exposureSeconds: positive(exif.exposureSeconds, metadata.shutter),
    aperture: positive(exif.aperture, metadata.aperture),
    focalLengthMm: positive(exif.focalLengthMm, metadata.focal_len),
    takenAt: exif.takenAt ?? ciffTime ?? (saysTime ? undefined : libRawTime(metadata.timestamp)),
    gps: exif.gps ?? libRawGps(metadata),
    artist: text(exif.artist, container.kind === 'ciff' ? undefined : metadata.artist),
    copyright: exif.copyright,
  });
}
