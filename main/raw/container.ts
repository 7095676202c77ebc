/**
 * Identifies a file's camera format by its content, and checks that the file is complete. LibRaw
 * invents a camera for a headerless dump of the right size, and decodes some truncated files to
 * garbage without an error. So these checks run here, before and after LibRaw.
 */

import { Refusal } from '../base/refusal.ts';
import { readCiff } from './ciff.ts';
import type { CiffFile } from './ciff.ts';
import { readTiff } from './tiff-tags.ts';
import type { TiffDirectory, TiffFile } from './tiff-tags.ts';

export type Container =
  | {
      readonly kind: 'tiff';
      readonly tiff: TiffFile;
      readonly isDng: boolean;
      readonly isPanasonic: boolean;
    }
  | { readonly kind: 'ciff'; readonly ciff: CiffFile }
  | { readonly kind: 'raf' | 'mrw' | 'cr3' };

export const tagCodes = {
  newSubfileType: 254,
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  dngVersion: 50_706,
} as const;

const photometricCfa = 32_803;
const photometricLinearRaw = 34_892;

const uncompressed = 1;
const jpeg = 7;
const deflate = 8;
const jpegXl = 52_546;
const lossyJpeg = 34_892;

/**
 * By DNG compression: how many times their announced size samples may take. Uncompressed files may
 * pad their rows. Lossless JPEG writes at most twice 16 bits per sample.
 */
const maxExpansion = new Map([
  [uncompressed, 17 / 16],
  [jpeg, 2],
  [lossyJpeg, 4],
]);

/** DNG compressions that our LibRaw build cannot decode. */
const undecodable = new Map([[9, 'GoPro VC-5 compression']]);

/** Files that people most often rename or choose by mistake, by their first bytes. */
const others: readonly (readonly [string, RegExp])[] = [
  ['a JPEG picture', /^\xff\xd8\xff/],
  ['a PNG picture', /^\x89PNG/],
  ['a GIF picture', /^GIF8/],
  ['a WebP picture', /^RIFF....WEBP/s],
  ['a Foveon RAW (X3F), which has no colour mosaic', /^FOVb/],
  ['a HEIF picture', /^....ftyp(heic|heix|mif1|msf1|hevc|avif)/s],
  ['a video', /^....ftyp/s],
  ['a Photoshop document', /^8BPS/],
  ['a PDF', /^%PDF/],
  ['a ZIP archive', /^PK[^ -~]/],
];

const latin1 = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1');

/** Number of bytes of a file that `containerKind` needs. */
export const headBytesRead = 32;

/**
 * Identifies the format by a file's first bytes, never by its extension.
 * @param head the first `headBytesRead` of the file, or all of a shorter one
 * @param name the file's own name, for messages
 * @throws Refusal `unsupported-file` if it is not a camera RAW, `damaged-file` for an empty file
 */
export function containerKind(head: Uint8Array, name: string): Container['kind'] {
  if (head.byteLength === 0) {
    throw new Refusal('damaged-file', `expected a camera RAW file for ${name}, but it is empty`);
  }
  const text = latin1(head, 0, headBytesRead);
  if (/^II....HEAPCCDR/s.test(text)) return 'ciff';
  if (/^(II\*\0|MM\0\*|IIRO|IIRS|MMOR|IIU\0)/.test(text)) return 'tiff';
  if (text.startsWith('FUJIFILMCCD-RAW')) return 'raf';
  if (text.startsWith('\0MRM')) return 'mrw';
  if (/^....ftypcrx /s.test(text)) return 'cr3';
  const other = others.find(([, magic]) => magic.test(text));
  if (other !== undefined) {
    throw new Refusal(
      'unsupported-file',
      `expected a camera RAW file for ${name}, but it is ${other[0]}`,
    );
  }
  const isText = /^[\t\n\r -~\u0080-\u00ff]+$/.test(text) && /^[\t\n\r -~]{8}/.test(text);
  const what = isText ? 'it holds text' : 'its content is of no camera format known here';
  throw new Refusal('unsupported-file', `expected a camera RAW file for ${name}, but ${what}`);
}

/**
 * Identifies the format by content and reads its directories.
 * @param name the file's own name, for messages
 * @throws Refusal `unsupported-file` if it is not a camera RAW, `damaged-file` if it is empty or
 *   truncated
 */
export function identifyContainer(bytes: Uint8Array, name: string): Container {
  const kind = containerKind(bytes, name);
  switch (kind) {
    case 'ciff': {
      const ciff = readCiff(bytes);
      if (ciff === undefined) throw cut(name);
      return { kind, ciff };
    }
    case 'tiff': {
      const tiff = readTiff(bytes);
      if (tiff === undefined)
        throw new Refusal('damaged-file', `${name} is damaged: its directory cannot be read`);
      const isDng = tiff.images[0]?.has(tagCodes.dngVersion) === true;
      return { kind, tiff, isDng, isPanasonic: latin1(bytes, 0, 4) === 'IIU\0' };
    }
    case 'raf':
      return checkedRaf(bytes, name);
    case 'cr3':
      return checkedCr3(bytes, name);
    case 'mrw':
      return { kind };
  }
}

/**
 * The header gives position and length of the samples. The grid of FinePix SuperCCD sensors is
 * rotated by 45°.
 */
function checkedRaf(bytes: Uint8Array, name: string): Container {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 108) throw cut(name);
  const end = view.getUint32(100) + view.getUint32(104);
  if (end > bytes.byteLength) throw cut(name);
  const table = view.getUint32(92);
  const count = table + 4 <= bytes.byteLength ? Math.min(view.getUint32(table), 256) : 0;
  let at = table + 4;
  for (let index = 0; index < count && at + 6 <= bytes.byteLength; index++) {
    const isLayout = view.getUint16(at) === 0x0130;
    // FujiLayout: bit 3 of its second byte is clear for the rotated grid.
    if (isLayout && (view.getUint8(at + 5) & 8) === 0) {
      throw new Refusal(
        'unsupported-file',
        `${name} is from a Fujifilm SuperCCD sensor (turned by 45°), which is not supported`,
      );
    }
    at += 4 + view.getUint16(at + 2);
  }
  return { kind: 'raf' };
}

/** A chain of boxes, each with its length; the samples are in the last one, `mdat`. */
function checkedCr3(bytes: Uint8Array, name: string): Container {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let boxes = 0; boxes < 64 && at + 8 <= bytes.byteLength; boxes++) {
    const short = view.getUint32(at);
    if (short === 0) break;
    if (short === 1 && at + 16 > bytes.byteLength) throw cut(name);
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short;
    if (length < 8 || at + length > bytes.byteLength) throw cut(name);
    at += length;
  }
  return { kind: 'cr3' };
}

function cut(name: string): Refusal {
  return new Refusal(
    'damaged-file',
    `${name} is cut short: its samples run past the end of the file`,
  );
}

/**
 * Refuses a file whose samples extend beyond its end, or that declares too few of them.
 * @throws Refusal `damaged-file`, or `unsupported-file` for a compression LibRaw lacks
 */
export function checkWhole(container: Container, fileBytes: number, name: string): void {
  if (container.kind === 'ciff' && container.ciff.isCut) throw cut(name);
  if (container.kind !== 'tiff') return;
  const { tiff, isDng, isPanasonic } = container;
  const images = rawImages(tiff);
  if (isDng) for (const image of images) checkDecodable(image, name);
  // Panasonic's byte counts are wrong, so only the offset is checked.
  for (const image of images) checkPieces(image, fileBytes, { isDng, isPanasonic }, name);
}

/**
 * The directories with sensor data: those marked as such, otherwise the largest picture and the
 * directory with the most bytes (that of a CR2's samples states no size).
 */
export function rawImages(tiff: TiffFile): readonly TiffDirectory[] {
  const raw = tiff.images.filter((image) => {
    const photometric = image.number(tagCodes.photometric);
    const isPreview = ((image.number(tagCodes.newSubfileType) ?? 0) & 1) === 1;
    const isSensor = photometric === photometricCfa || photometric === photometricLinearRaw;
    return isSensor && !isPreview;
  });
  if (raw.length > 0) return raw;
  const area = (image: TiffDirectory): number =>
    (image.number(tagCodes.imageWidth) ?? 0) * (image.number(tagCodes.imageLength) ?? 0);
  const byteCount = (image: TiffDirectory): number =>
    image.numbers(tagCodes.stripByteCounts).reduce((sum, count) => sum + count, 0);
  const most = (measure: (image: TiffDirectory) => number): TiffDirectory | undefined =>
    tiff.images.toSorted((a, b) => measure(b) - measure(a))[0];
  return [...new Set([most(area), most(byteCount)])].filter((image) => image !== undefined);
}

/**
 * Minimum bits per sample, by DNG compression: a Huffman code has at least one. Lossy and less
 * well-known compressions have codes that stand for many samples.
 */
const leastBitsPerSample = new Map([
  [uncompressed, 6],
  [jpeg, 1],
  // Deflate repeats up to 258 bytes with two codes, and JPEG XL encodes a uniform area in a few
  // bytes.
  [deflate, 1 / 256],
  [jpegXl, 1 / 4096],
]);
const leastBitsCameraTiff = 1 / 2;
const leastBitsElse = 1 / 16;

/**
 * Refuses a file that announces more samples than its bytes can hold, before a minute is wasted on
 * decoding.
 * @param frame the whole sensor, in samples
 * @throws Refusal `damaged-file`
 */
export function checkPlausible(
  container: Container,
  frame: { readonly width: number; readonly height: number },
  fileBytes: number,
  name: string,
): void {
  const samples = frame.width * frame.height;
  const leastBits = leastBitsOf(container);
  if (fileBytes * 8 < samples * leastBits) {
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: it announces ${Math.round(samples / 1e6)} megapixels but has only ${fileBytes} bytes`,
    );
  }
}

function leastBitsOf(container: Container): number {
  if (container.kind !== 'tiff') return leastBitsElse;
  if (!container.isDng) return leastBitsCameraTiff;
  const least = rawImages(container.tiff).map(
    (image) => leastBitsPerSample.get(image.number(tagCodes.compression) ?? 0) ?? leastBitsElse,
  );
  return Math.min(...least);
}

function checkDecodable(image: TiffDirectory, name: string): void {
  const what = undecodable.get(image.number(tagCodes.compression) ?? 1);
  if (what !== undefined)
    throw new Refusal('unsupported-file', `${name} is a DNG with ${what}, which is not supported`);
}

function checkPieces(
  image: TiffDirectory,
  fileBytes: number,
  { isDng, isPanasonic: isOffsetOnly }: { isDng: boolean; isPanasonic: boolean },
  name: string,
): void {
  const isTiled = image.has(tagCodes.tileOffsets);
  const offsets = image.numbers(isTiled ? tagCodes.tileOffsets : tagCodes.stripOffsets);
  const counts = image.numbers(isTiled ? tagCodes.tileByteCounts : tagCodes.stripByteCounts);
  let total = 0;
  for (const [index, offset] of offsets.entries()) {
    const count = isOffsetOnly ? 1 : (counts[index] ?? 1);
    if (offset + count > fileBytes) throw cut(name);
    total += count;
  }
  if (isOffsetOnly || counts.length === 0) return;
  const { pieces, bits } = announced(image, isTiled);
  const needed = Math.floor(bits / 8);
  const compression = image.number(tagCodes.compression) ?? 0;
  // Some cameras state 16 bits but pack 12 or 14. Less than 10 of 16 bits is not a valid packing.
  const isTooFew = compression === uncompressed && total < Math.floor(needed * 0.6);
  // Only DNG's tags are used as specified; other cameras often state a size that differs from the
  // stored one.
  const most = (maxExpansion.get(compression) ?? Number.POSITIVE_INFINITY) * needed;
  if (isTooFew || (isDng && total > most)) {
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: it announces ${needed} bytes of samples and holds ${total}`,
    );
  }
  if (isDng && offsets.length !== pieces) {
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: its size makes ${pieces} ${isTiled ? 'tiles' : 'strips'} but it holds ${offsets.length}`,
    );
  }
}

/**
 * The number of strips or tiles that the announced size needs, and the bits of its samples before
 * compression.
 */
function announced(image: TiffDirectory, isTiled: boolean): { pieces: number; bits: number } {
  const width = image.number(tagCodes.imageWidth) ?? 0;
  const height = image.number(tagCodes.imageLength) ?? 0;
  const channels = image.number(tagCodes.samplesPerPixel) ?? 1;
  const sampleBits = image.number(tagCodes.bitsPerSample) ?? 8;
  const bits = (samples: number): number => samples * sampleBits * channels;
  // PlanarConfiguration 2: each channel has its own pieces.
  const planes = image.number(tagCodes.planarConfiguration) === 2 ? channels : 1;
  if (!isTiled) {
    const rows = Math.max(1, Math.min(height, image.number(tagCodes.rowsPerStrip) ?? height));
    return { pieces: Math.ceil(height / rows) * planes, bits: bits(width * height) };
  }
  const tileWidth = Math.max(1, image.number(tagCodes.tileWidth) ?? width);
  const tileLength = Math.max(1, image.number(tagCodes.tileLength) ?? height);
  const pieces = Math.ceil(width / tileWidth) * Math.ceil(height / tileLength);
  // The last tiles of a row or column are stored at full size.
  return { pieces: pieces * planes, bits: bits(pieces * tileWidth * tileLength) };
}
