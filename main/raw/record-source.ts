/** Where a RAW file keeps its EXIF, GPS, XMP and IPTC, format by format. */

import type { Container } from './container.ts';
import { readTiff } from './tiff-tags.ts';
import type { TiffDirectory } from './tiff-tags.ts';

export interface RecordSource {
  readonly first?: TiffDirectory | undefined;
  readonly exif?: TiffDirectory | undefined;
  readonly gps?: TiffDirectory | undefined;
  readonly iptc?: Uint8Array | undefined;
  /** Packets; a later one goes before an earlier one. */
  readonly xmp: readonly Uint8Array[];
}

const xmpTag = 700;
const iptcTag = 33_723;

/** Parts of the file itself, not copied; nothing for formats that keep none, and for damaged parts. */
export function recordSource(bytes: Uint8Array, container: Container): RecordSource {
  switch (container.kind) {
    case 'tiff': {
      const { tiff } = container;
      const [first] = tiff.images;
      const packets = tiff.images.map((image) => image.anyBytes(xmpTag));
      return {
        first,
        exif: tiff.exif,
        gps: tiff.gps,
        iptc: first?.anyBytes(iptcTag),
        // The first directory's own goes before those of sub-images.
        xmp: packets.filter((packet) => packet !== undefined).toReversed(),
      };
    }
    case 'raf':
      return jpegSource(rafJpeg(bytes));
    case 'cr3':
      return cr3Source(bytes);
    case 'ciff':
    case 'mrw':
      return { xmp: [] };
  }
}

/** The camera's JPEG in a RAF, whose header names its place and length. */
function rafJpeg(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = view.getUint32(84);
  return bytes.subarray(offset, offset + view.getUint32(88));
}

const exifHead = 'Exif\0\0';
const xmpHead = 'http://ns.adobe.com/xap/1.0/\0';

/** The segments of a JPEG before its picture (JPEG: ITU-T T.81, B.1.1). */
function jpegSource(jpeg: Uint8Array): RecordSource {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  let source: RecordSource = { xmp: [] };
  let at = 2;
  while (at + 4 <= jpeg.length && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2);
    if (marker === 0xda || length < 2) break;
    const segment = jpeg.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && startsWith(segment, exifHead)) {
      const tiff = readTiff(segment.subarray(exifHead.length));
      source = { ...source, first: tiff?.images[0], exif: tiff?.exif, gps: tiff?.gps };
    } else if (marker === 0xe1 && startsWith(segment, xmpHead)) {
      source = { ...source, xmp: [segment.subarray(xmpHead.length)] };
    }
    at += 2 + length;
  }
  return source;
}

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.subarray(0, text.length)).toString('latin1') === text;

const boxesMax = 256;
const canonBox = '85c0b687820f11e08111f4ce462b6a48';
const xmpBox = 'be7acfcb97a942e89c71999491e3afac';

/**
 * CR3 is built of boxes (ISO 14496-12, 4.2). Canon's own, inside `moov`, holds the first directory,
 * EXIF and GPS as three TIFF structures.
 */
function cr3Source(bytes: Uint8Array): RecordSource {
  const boxes = boxesOf(bytes);
  const own = boxes.find(({ kind }) => kind === 'moov');
  const inside = own === undefined ? [] : boxesOf(own.data);
  const canon = inside.find(({ kind }) => kind === canonBox);
  const parts = canon === undefined ? [] : boxesOf(canon.data);
  const directory = (name: string): TiffDirectory | undefined => {
    const part = parts.find(({ kind }) => kind === name);
    return part === undefined ? undefined : readTiff(part.data)?.images[0];
  };
  return {
    first: directory('CMT1'),
    exif: directory('CMT2'),
    gps: directory('CMT4'),
    xmp: boxes.filter(({ kind }) => kind === xmpBox).map(({ data }) => data),
  };
}

/** @returns boxes by their type, or by their identifier in hexadecimal digits */
function boxesOf(bytes: Uint8Array): { kind: string; data: Uint8Array }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const boxes: { kind: string; data: Uint8Array }[] = [];
  let at = 0;
  while (at + 8 <= bytes.length && boxes.length < boxesMax) {
    const short = view.getUint32(at);
    const isLong = short === 1 && at + 16 <= bytes.length;
    const length = isLong ? Number(view.getBigUint64(at + 8)) : short;
    const head = isLong ? 16 : 8;
    if (length < head || at + length > bytes.length) break;
    const kind = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    const data = bytes.subarray(at + head, at + length);
    boxes.push(
      kind === 'uuid'
        ? { kind: Buffer.from(data.subarray(0, 16)).toString('hex'), data: data.subarray(16) }
        : { kind, data },
    );
    at += length;
  }
  return boxes;
}
