/**
 * What a file says about its picture beside what developing needs: EXIF, GPS, XMP and IPTC, checked
 * and in a form that every writer here takes.
 */

import { isDateText, isZone } from './calendar.ts';
import type { Container } from './container.ts';
import type { Directory, TagValue } from './ifd.ts';
import { readIptc, type IptcDataSet } from './iptc.ts';
import { recordSource } from './record-source.ts';
import type { TiffDirectory } from './tiff-tags.ts';
import { joinXmp, readXmp, type XmpProperty } from './xmp.ts';

export interface Records {
  /** Of the first directory: description, rating, the words Windows keeps there, DNG's serial number. */
  readonly first: Directory;
  readonly exif: Directory;
  readonly gps: Directory;
  readonly iptc: readonly IptcDataSet[];
  readonly xmp: readonly XmpProperty[];
}

const imageDescription = 270;
/** Rating, RatingPercent, XPTitle to XPSubject, CameraSerialNumber. */
const firstTags = new Set([
  imageDescription,
  18_246,
  18_249,
  40_091,
  40_092,
  40_093,
  40_094,
  40_095,
  50_735,
]);

/** Exif 3.0's own tags, by their ranges; whatever else stands there is a maker's. */
const exifRanges = [
  [33_434, 33_437],
  [34_850, 34_869],
  [36_867, 36_882],
  [37_377, 37_396],
  [37_510, 37_522],
  [37_888, 37_893],
  [41_483, 41_996],
  [42_016, 42_041],
  [42_080, 42_082],
  [42_240, 42_240],
] as const;

/**
 * What says how the original's own pixels are stored, or where its other parts lie: maker note,
 * colour filter array, sizes, colour space, related sound.
 */
const storage = new Set([37_122, 37_500, 40_965, 41_730, 34_853]);

const gpsTagMax = 31;
const gpsTimeStamp = 7;
const gpsDateStamp = 29;
const dates = new Set([36_867, 36_868]);
const zones = new Set([36_880, 36_881, 36_882]);
const subSeconds = new Set([37_520, 37_521, 37_522]);

/** Of one value, and of all of a file: a JPEG's whole block has 64 KiB. */
const valueBytesMax = 8192;
const allBytesMax = 16_384;

/**
 * Everything the file says, and the `.xmp` beside it, which goes before the file's own XMP.
 * Impossible dates, damaged values and what is absurdly long are left out.
 */
export async function readRecords(
  bytes: Uint8Array,
  container: Container,
  beside: Uint8Array | undefined,
): Promise<Records> {
  const source = recordSource(bytes, container);
  const budget = { left: allBytesMax };
  const packets = [...source.xmp, ...(beside === undefined ? [] : [beside])];
  const xmp = await Promise.all(packets.map(readXmp));
  return {
    first: taken(source.first, (tag) => firstTags.has(tag), budget),
    exif: new Map([
      // Some writers put EXIF's tags straight into the first directory.
      ...taken(source.first, isExifTag, budget),
      ...taken(source.exif, isExifTag, budget),
    ]),
    gps: withPlace(taken(source.gps, (tag) => tag <= gpsTagMax, budget)),
    iptc: readIptc(source.iptc ?? new Uint8Array(0)).filter(isPossibleIptc),
    xmp: joinXmp(...xmp).filter(isKept),
  };
}

const isExifTag = (tag: number): boolean =>
  !storage.has(tag) && exifRanges.some(([from, to]) => tag >= from && tag <= to);

function taken(
  directory: TiffDirectory | undefined,
  isWanted: (tag: number) => boolean,
  budget: { left: number },
): Map<number, TagValue> {
  const values = new Map<number, TagValue>();
  for (const tag of directory?.tags ?? []) {
    if (!isWanted(tag)) continue;
    const value = directory?.value(tag, Math.min(valueBytesMax, budget.left));
    if (value === undefined || !isPossible(tag, value.value)) continue;
    budget.left -= value.byteLength;
    values.set(tag, value.value);
  }
  return values;
}

function isPossible(tag: number, value: TagValue): boolean {
  if (value.type !== 'ASCII') return true;
  if (dates.has(tag)) return isDateText(value.text);
  if (zones.has(tag)) return isZone(value.text);
  return !subSeconds.has(tag) || /^\d{1,9}$/.test(value.text);
}

/** A time of day or a date that cannot be are left out. */
function withPlace(gps: Map<number, TagValue>): Map<number, TagValue> {
  const date = gps.get(gpsDateStamp);
  if (date?.type !== 'ASCII' || !isDateText(date.text)) gps.delete(gpsDateStamp);
  const time = gps.get(gpsTimeStamp);
  const clock = time?.type === 'RATIONAL' ? time.fractions.map(([part, of]) => part / of) : [];
  const [hour = 99, minute = 99, second = 99] = clock;
  if (!(hour < 24 && minute < 60 && second < 61)) gps.delete(gpsTimeStamp);
  return gps;
}

const applicationRecord = 2;
/** ReleaseDate, ExpirationDate, DateCreated, DigitalCreationDate. */
const iptcDates = new Set([30, 37, 55, 62]);
/** Pictures and their sizes: ObjectData records and previews. */
const iptcRecords = new Set([1, applicationRecord]);
const iptcPreviews = new Set([200, 201, 202]);

function isPossibleIptc({ record, dataSet, value }: IptcDataSet): boolean {
  if (!iptcRecords.has(record)) return false;
  if (record !== applicationRecord) return true;
  if (iptcPreviews.has(dataSet)) return false;
  return !iptcDates.has(dataSet) || isDateText(Buffer.from(value).toString('latin1'));
}

const adobe = 'http://ns.adobe.com/';
export const xmpNamespaces = {
  dc: 'http://purl.org/dc/elements/1.1/',
  xmp: `${adobe}xap/1.0/`,
  exif: `${adobe}exif/1.0/`,
  exifEx: 'http://cipa.jp/exif/1.0/',
  aux: `${adobe}exif/1.0/aux/`,
  photoshop: `${adobe}photoshop/1.0/`,
  crs: `${adobe}camera-raw-settings/1.0/`,
  iptcCore: 'http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/',
  iptcExt: 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/',
} as const;

/** How other programs developed the original, its history, and parts of its file that an export lacks. */
const foreign = new Set([
  xmpNamespaces.crs,
  `${adobe}camera-raw-saved-settings/1.0/`,
  `${adobe}camera-raw-defaults/1.0/`,
  'http://darktable.sf.net/',
  `${adobe}xap/1.0/mm/`,
  `${adobe}xmp/note/`,
  `${adobe}hdr-gain-map/1.0/`,
  `${adobe}tiff/1.0/`,
  'http://ns.google.com/photos/1.0/camera/',
  'http://ns.google.com/photos/1.0/container/',
  'http://ns.google.com/photos/1.0/panorama/',
]);

/** Single properties of the same kind: sizes, encodings, previews, the programs that wrote them. */
const stored = new Set([
  ...['PixelXDimension', 'PixelYDimension', 'ColorSpace', 'ExifVersion', 'FlashpixVersion'].map(
    (name) => `${xmpNamespaces.exif} ${name}`,
  ),
  ...['ComponentsConfiguration', 'CompressedBitsPerPixel', 'MakerNote', 'NativeDigest'].map(
    (name) => `${xmpNamespaces.exif} ${name}`,
  ),
  ...['CreatorTool', 'MetadataDate', 'ModifyDate', 'Thumbnails'].map(
    (name) => `${xmpNamespaces.xmp} ${name}`,
  ),
  ...['SidecarForExtension', 'ICCProfile', 'ColorMode', 'History', 'DocumentAncestors'].map(
    (name) => `${xmpNamespaces.photoshop} ${name}`,
  ),
  `${xmpNamespaces.dc} format`,
]);

const xmpDates = new Set([
  `${xmpNamespaces.xmp} CreateDate`,
  `${xmpNamespaces.photoshop} DateCreated`,
  `${xmpNamespaces.exif} DateTimeOriginal`,
  `${xmpNamespaces.exif} DateTimeDigitized`,
  `${xmpNamespaces.exif} GPSTimeStamp`,
]);

function isKept({ namespace, name, value }: XmpProperty): boolean {
  const key = `${namespace} ${name}`;
  if (foreign.has(namespace) || stored.has(key)) return false;
  return !xmpDates.has(key) || (value.kind === 'text' && isDateText(value.text));
}
