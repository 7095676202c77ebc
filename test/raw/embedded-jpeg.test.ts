/** The camera's own JPEG is found without a decoder, and is the one the decoder finds. */

import { writeFileSync } from 'node:fs';
import path from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { readEmbeddedPreview } from '../../main/raw/decode.ts';
import { embeddedJpeg } from '../../main/raw/embedded-jpeg.ts';
import { directory, joinTiff, long, offsetsOf, pixelsOf, short } from '../../main/raw/ifd.ts';
import type { Directory, TagValue } from '../../main/raw/ifd.ts';
import { smallDng, temporaryFolder } from '../engine/small.ts';

const folder = temporaryFolder();
let count = 0;
const write = (bytes: Uint8Array): string => {
  const file = path.join(folder, `${count++}.dng`);
  writeFileSync(file, bytes);
  return file;
};

const jpeg = (width: number, height: number, progressive = false): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#335577' } })
    .jpeg({ progressive })
    .toBuffer();

/** A directory of one picture in a JPEG strip. */
const strip = (bytes: Uint8Array, ...more: [number, TagValue][]): Directory =>
  new Map<number, TagValue>([
    [254, long(1)],
    [259, short(7)],
    [273, offsetsOf([pixelsOf(bytes)])],
    [279, long(bytes.length)],
    ...more,
  ]);

/** Our own DNG with a second directory, of a preview, behind its first. */
function withPreview(
  dng: Uint8Array,
  preview: Uint8Array,
  [width, height]: [number, number],
): Buffer {
  const view = new DataView(dng.buffer, dng.byteOffset, dng.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const first = view.getUint32(4, little);
  const next = first + 2 + 12 * view.getUint16(first, little);
  const at = dng.length + (dng.length % 2);
  const tags = [
    [254, 4, 1],
    [256, 4, width],
    [257, 4, height],
    [258, 3, 8],
    [259, 3, 7],
    [262, 3, 6],
    [273, 4, at + 2 + 12 * 9 + 4],
    [277, 3, 3],
    [279, 4, preview.length],
  ] as const;
  const added = new DataView(new ArrayBuffer(2 + 12 * tags.length + 4));
  added.setUint16(0, tags.length, little);
  tags.forEach(([tag, type, value], index) => {
    const entry = 2 + 12 * index;
    added.setUint16(entry, tag, little);
    added.setUint16(entry + 2, type, little);
    added.setUint32(entry + 4, 1, little);
    if (type === 3) added.setUint16(entry + 8, value, little);
    else added.setUint32(entry + 8, value, little);
  });
  const file = Buffer.concat([
    dng,
    Buffer.alloc(at - dng.length),
    Buffer.from(added.buffer),
    preview,
  ]);
  if (little) file.writeUInt32LE(at, next);
  else file.writeUInt32BE(at, next);
  return file;
}

describe('the embedded JPEG', () => {
  it('is the largest, or the smallest that will do', async () => {
    const [small, middle, large] = [
      await jpeg(160, 120),
      await jpeg(570, 380),
      await jpeg(900, 600, true),
    ];
    const root = new Map<number, TagValue>([
      [513, offsetsOf([pixelsOf(small)])],
      [514, long(small.length)],
      [330, directory(strip(large), strip(middle))],
    ]);
    const file = write(joinTiff(root));
    const found = async (sideMin?: number): Promise<Buffer | undefined> => {
      const embedded = await embeddedJpeg(file, sideMin);
      return embedded.kind === 'found' ? Buffer.from(embedded.jpeg) : undefined;
    };
    expect(await found()).toEqual(large);
    expect(await found(384)).toEqual(middle);
    expect(await found(100)).toEqual(small);
    expect(await found(5000)).toEqual(large);
  });

  it('is no raw data in a JPEG’s coat, and nothing that is cut or made up', async () => {
    const raw = await jpeg(900, 600);
    // Lossless, as cameras pack a mosaic: the frame's marker is SOF3.
    raw[raw.indexOf(Buffer.from([0xff, 0xc0])) + 1] = 0xc3;
    const good = await jpeg(160, 120);
    const noJpeg = Buffer.alloc(5000, 0xff);
    const root = strip(raw, [330, directory(strip(good), strip(noJpeg))]);
    const whole = joinTiff(root);
    expect(await embeddedJpeg(write(whole))).toMatchObject({ kind: 'found' });
    const embedded = await embeddedJpeg(write(whole));
    expect(embedded.kind === 'found' && Buffer.from(embedded.jpeg).equals(good)).toBe(true);
    for (const length of [0, 7, 20, 100, 1000]) {
      expect(await embeddedJpeg(write(whole.subarray(0, length)))).toEqual({ kind: 'unknown' });
    }
    expect(await embeddedJpeg(write(Buffer.from('no camera’s file')))).toEqual({ kind: 'unknown' });
    expect(await embeddedJpeg(folder)).toEqual({ kind: 'unknown' });
    expect(await embeddedJpeg(path.join(folder, 'absent'))).toEqual({ kind: 'unknown' });
  });

  it('is what LibRaw finds', async () => {
    const dng = smallDng();
    const bare = write(dng);
    expect(await embeddedJpeg(bare)).toEqual({ kind: 'none' });
    expect(await readEmbeddedPreview(bare)).toBeUndefined();
    const preview = await jpeg(480, 320);
    const file = write(withPreview(dng, preview, [480, 320]));
    const embedded = await embeddedJpeg(file);
    expect(embedded.kind === 'found' && Buffer.from(embedded.jpeg).equals(preview)).toBe(true);
    const libRaws = await readEmbeddedPreview(file);
    if (libRaws === undefined) throw new Error('expected a preview');
    // LibRaw puts an EXIF block of its own in front.
    const pixels = (bytes: Uint8Array): Promise<Buffer> => sharp(bytes).raw().toBuffer();
    expect((await pixels(libRaws)).equals(await pixels(preview))).toBe(true);
  });
});
