/**
 * Checks the lossless JPEG of the linear DNGs that this program writes (ITU-T T.81, annexes B and H).
 * LibRaw says nothing of damage in it and fills what it could not read with something.
 */

import { damaged, readLayout } from './payload/layout.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const compressionJpeg = 7;
const categories = 17;
const predictors = 7;
/** Other programs that copy such a file may fill up its tiles. */
const spareBytesMax = 16;
const code = { start: 0xd8, end: 0xd9, frame: 0xc3, tables: 0xc4, scan: 0xda } as const;

/**
 * Checks the structure of each tile; a wrong sample within it is not noticed.
 * @param bytes the whole file
 * @param name the file's own name, for messages
 * @throws Refusal `damaged-file`; as `readLayout`
 */
export function checkLosslessTiles(bytes: Uint8Array, image: TiffDirectory, name: string): void {
  const layout = readLayout(image, name);
  if (layout.compression !== compressionJpeg) return;
  for (const [index, chunk] of layout.chunks.entries()) {
    const { offset, byteLength } = chunk;
    const tile = bytes.subarray(offset, offset + byteLength);
    const fault = faultOf(tile, { ...chunk, channels: layout.chunkChannels, bits: layout.bits });
    if (fault !== undefined) {
      throw damaged(
        name,
        `${fault} of tile ${index + 1} of ${layout.chunks.length} makes no sense`,
      );
    }
  }
}

/** What a tile has to hold by the file's tags. */
interface Announced {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Per sample. */
  readonly bits: number;
}

/** @returns what is wrong, in words; undefined for a sound tile */
function faultOf(tile: Uint8Array, announced: Announced): string | undefined {
  const view = new DataView(tile.buffer, tile.byteOffset, tile.byteLength);
  if (tile.length < 2 || view.getUint16(0) !== (0xff00 | code.start)) return 'the start';
  let hasFrame = false;
  for (let at = 2; at + 4 <= tile.length;) {
    const [mark, marker] = [tile[at], tile[at + 1]];
    const length = view.getUint16(at + 2);
    if (mark !== 0xff || length < 2 || at + 2 + length > tile.length) return 'a segment';
    const segment = tile.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === code.frame) {
      if (!isFrameOf(segment, announced)) return 'the size';
      hasFrame = true;
    } else if (marker === code.tables) {
      if (!areTables(segment)) return 'a code table';
    } else if (marker === code.scan) {
      if (!hasFrame) return 'the size';
      if (!isScan(segment)) return 'the scan';
      return endsRight(tile, at) ? undefined : 'the end';
    }
  }
  return 'the end';
}

/** Other programs may count columns and components otherwise, but not samples. */
function isFrameOf(segment: Uint8Array, announced: Announced): boolean {
  const { width, height, channels } = announced;
  const [bits = 0, high = 0, low = 0, highWide = 0, lowWide = 0, components = 0] = segment;
  const samples = (high * 256 + low) * (highWide * 256 + lowWide) * components;
  const isWhole = segment.length === 6 + 3 * components;
  return isWhole && bits === announced.bits && samples === width * height * channels;
}

/** Whether no table has more codes than fit, and each stands for a difference of 0 to 16 bits. */
function areTables(segment: Uint8Array): boolean {
  let at = 0;
  while (at + 17 <= segment.length) {
    const counts = segment.subarray(at + 1, at + 17);
    const count = counts.reduce((sum, one) => sum + one, 0);
    const filled = counts.reduce((sum, one, index) => sum + one * 2 ** -(index + 1), 0);
    const symbols = segment.subarray(at + 17, at + 17 + count);
    const isSound = count > 0 && filled <= 1 && symbols.length === count;
    if (!isSound || symbols.some((symbol) => symbol >= categories)) return false;
    at += 17 + count;
  }
  return at === segment.length;
}

function isScan(segment: Uint8Array): boolean {
  const predictor = segment.at(-3) ?? 0;
  return predictor >= 1 && predictor <= predictors && segment.at(-1) === 0;
}

/** Whether the data hold no marker but restarts, up to the one that ends them. */
function endsRight(tile: Uint8Array, start: number): boolean {
  for (let at = tile.indexOf(0xff, start); at >= 0; at = tile.indexOf(0xff, at + 2)) {
    const marker = tile[at + 1];
    const isRestart = marker !== undefined && marker >= 0xd0 && marker <= 0xd7;
    if (marker === 0 || isRestart) continue;
    return marker === code.end && tile.length - (at + 2) <= spareBytesMax;
  }
  return false;
}
