/** What is no RAW, or no longer one, is refused in one clear line that names it; nothing hangs or leaks. */

import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { decodeRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { arw } from './arw.ts';
import { losslessJpeg } from './lossless-jpeg.ts';
import { eightBitDng, losslessDng, storedDng } from './payloads.ts';
import { bytesOf, containing, nightMosaic, noisySamples, scratch } from './written.ts';

const folder = scratch();
const crw = new URL('../fixtures/raw/Canon_PowerShot_S40_CRW_0113.CRW', import.meta.url).pathname;
const kdc = new URL('../fixtures/raw/Kodak_DC50_DC50IMG_DC0008L.KDC', import.meta.url).pathname;

async function refusal(
  path: string,
  options: Parameters<typeof decodeRaw>[1] = {},
): Promise<Refusal> {
  const error: unknown = await decodeRaw(path, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Refusal))
    throw new Error(`expected a Refusal but received ${String(error)}`);
  expect(error.message).not.toContain('\n');
  expect(error.message).not.toContain(folder.path);
  return error;
}

const jpegFile = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, ...new Uint8Array(2000));

describe('by content', () => {
  it.each([
    ['empty.ARW', '', 'damaged-file', 'empty'],
    ['text.ARW', 'Dear diary, it was a dark night.\n'.repeat(100), 'unsupported-file', 'text'],
    ['jpeg.NEF', jpegFile, 'unsupported-file', 'JPEG'],
    ['foveon.X3F', `FOVb${'\0'.repeat(4000)}`, 'unsupported-file', 'Foveon'],
    ['video.MP4', `\0\0\0\x18ftypmp42${'\0'.repeat(4000)}`, 'unsupported-file', 'video'],
    // As many bytes as LibRaw knows a camera for.
    [
      'dump.raw',
      new Uint8Array(1920 * 1080).map((_, index) => 1 + (index % 7)),
      'unsupported-file',
      'no camera format',
    ],
    ['header.DNG', new Uint8Array([0x49, 0x49, 0x2a, 0]), 'damaged-file', 'directory'],
    [
      'nothing.TIF',
      new Uint8Array([0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, ...new Uint8Array(500)]),
      'unsupported-file',
      'camera',
    ],
  ] as const)('%s', async (name, content, code, word) => {
    const error = await refusal(folder.write(name, content));
    expect(error.code).toBe(code);
    expect(error.message).toContain(name);
    expect(error.message).toContain(word);
  });
});

describe('by place', () => {
  it('a folder', async () => {
    mkdirSync(join(folder.path, 'folder.ARW'));
    expect(await refusal(join(folder.path, 'folder.ARW'))).toMatchObject({
      code: 'unsupported-file',
      message: containing('folder'),
    });
  });

  it('a file that is not there', async () => {
    expect(await refusal(join(folder.path, 'gone.ARW'))).toMatchObject({
      code: 'disk',
      message: containing('gone.ARW'),
    });
  });

  it('a pipe, without waiting for its other end', async () => {
    const path = join(folder.path, 'pipe.ARW');
    execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
    expect((await refusal(path)).code).toBe('unsupported-file');
  });

  // Root may read everything, so there is nothing to be refused.
  it.skipIf(process.getuid?.() === 0)('an unreadable file', async () => {
    const path = folder.write('secret.ARW', 'secret');
    chmodSync(path, 0);
    expect(await refusal(path)).toMatchObject({ code: 'disk', message: containing('not allowed') });
  });
});

describe('cut short', () => {
  const dng = bytesOf(cfaDng(nightMosaic()));
  const samples = noisySamples(96 * 64, 490, 16_383);
  const sony = arw({
    width: 96,
    height: 64,
    data: { kind: 'uncompressed', samples },
    black: [512, 512, 512, 512],
    balance: [2000, 1024, 1024, 1600],
  });

  it.each([0.999, 0.9, 0.5, 0.2, 0.05])('to %d of a DNG and of an ARW', async (part) => {
    for (const [name, whole] of [
      ['cut.dng', dng],
      ['cut.arw', sony],
    ] as const) {
      const error = await refusal(
        folder.write(name, whole.subarray(0, Math.floor(whole.length * part))),
      );
      expect(error.message).toContain(name);
      if (part > 0.5) expect(error.code).toBe('damaged-file');
    }
  });

  it('a mosaic whose end is empty', async () => {
    const mosaic = nightMosaic();
    mosaic.samples.fill(0, mosaic.samples.length * 0.8);
    expect(await refusal(folder.write('hole.dng', bytesOf(cfaDng(mosaic))))).toMatchObject({
      code: 'damaged-file',
      message: containing('rows are empty'),
    });
  });

  it('but not one whose black level is 0, which dark nights may end in', async () => {
    const mosaic = nightMosaic({ blackLevel: [0, 0, 0, 0] });
    mosaic.samples.fill(0, mosaic.samples.length * 0.8);
    const raw = await decodeRaw(folder.write('night.dng', bytesOf(cfaDng(mosaic))));
    expect(raw.kind === 'mosaic' && raw.mosaic.samples).toEqual(mosaic.samples);
  });
});

it('refuses levels that make no sense', async () => {
  expect(
    await refusal(folder.write('levels.dng', bytesOf(cfaDng(nightMosaic({ whiteLevel: 500 }))))),
  ).toMatchObject({ code: 'damaged-file' });
});

it('refuses black levels that no sensor has at its sites', async () => {
  const uneven = nightMosaic({ blackLevel: [512, 512, 2900, 512] });
  expect(await refusal(folder.write('uneven.dng', bytesOf(cfaDng(uneven))))).toMatchObject({
    code: 'damaged-file',
    message: containing('512, 512, 2900, 512'),
  });
});

it('refuses a Canon whose stream went astray, by the black it has in the masked margin', async () => {
  const bytes = new Uint8Array(readFileSync(crw));
  for (const part of [0.1, 0.4, 0.7]) {
    const astray = bytes.slice();
    const at = Math.floor(bytes.length * part);
    for (let index = at; index < at + 4; index++) astray[index]! ^= 0x5a;
    const error = await refusal(folder.write('astray.CRW', astray));
    expect(error).toMatchObject({ code: 'damaged-file', message: containing('black') });
  }
});

describe('more or less than the size announces', () => {
  const [width, height] = [128, 96];
  const samples = noisySamples(width * height, 600, 9000);

  /** The file with another number in a tag of its only directory. */
  function withTag(bytes: Uint8Array, wanted: number, value: number): Uint8Array {
    const changed = bytes.slice();
    const view = new DataView(changed.buffer);
    for (let index = 0; index < view.getUint16(8, true); index++) {
      const at = 10 + index * 12;
      if (view.getUint16(at, true) !== wanted) continue;
      if (view.getUint16(at + 2, true) === 3) view.setUint16(at + 8, value, true);
      else view.setUint32(at + 8, value, true);
    }
    return changed;
  }
  const plain = bytesOf(cfaDng(nightMosaic({ width, height, samples })));
  const lossless = losslessDng(samples, width, height);
  const eightBit = eightBitDng(
    Uint8Array.from(samples, (sample) => sample >> 6),
    width,
    height,
  );

  it.each([
    ['plain', plain],
    ['lossless', lossless],
    ['8-bit', eightBit],
  ])('a whole %s DNG is taken', async (name, bytes) => {
    const raw = await decodeRaw(folder.write(`whole-${name}.dng`, bytes));
    expect(raw.kind === 'mosaic' && [raw.mosaic.width, raw.mosaic.height]).toEqual([width, height]);
    if (raw.kind === 'mosaic' && name !== '8-bit') expect(raw.mosaic.samples).toEqual(samples);
  });

  it.each([
    ['narrower', withTag(plain, 256, width - 16), 'bytes of samples'],
    ['lower', withTag(plain, 257, height - 16), 'bytes of samples'],
    ['of fewer bits', withTag(plain, 258, 8), 'bytes of samples'],
    ['of 8 bits, narrower', withTag(eightBit, 256, width - 16), 'bytes of samples'],
    ['with tiles left over', withTag(lossless, 256, 64), 'tiles'],
    ['with tiles missing', withTag(lossless, 257, 200), 'tiles'],
  ])('a DNG that says it is %s', async (name, bytes, words) => {
    const error = await refusal(folder.write(`${name}.dng`, bytes));
    expect(error).toMatchObject({ code: 'damaged-file', message: containing(words) });
  });

  it('a file of 57 kB that announces 398 megapixels, before it decodes any of them', async () => {
    const side = 19_944;
    const tile = losslessJpeg(noisySamples(165 * 165, 600, 9000), 165, 165);
    // Its JPEG says the same, so that nothing but arithmetic is against it.
    const view = new DataView(tile.buffer);
    const frame = Buffer.from(tile).indexOf(Uint8Array.of(0xff, 0xc3));
    view.setUint16(frame + 5, side);
    view.setUint16(frame + 7, side);
    const bytes = storedDng({
      ...{ width: side, height: side, bits: 16, channels: 1, compression: 7, tileSide: side },
      ...{ black: 512, white: 16_383, blobs: [tile] },
    });
    expect(bytes.length).toBeLessThan(58_000);
    const residentBefore = process.resourceUsage().maxRSS;
    const error = await refusal(folder.write('huge.dng', bytes));
    expect(error).toMatchObject({ code: 'damaged-file', message: containing('398 megapixels') });
    // Decoded, it takes 1.6 GB.
    expect((process.resourceUsage().maxRSS - residentBefore) * 1024).toBeLessThan(800e6);
  });

  it('gigabytes that are no container, by their first bytes', async () => {
    const path = folder.write('gigabytes.ARW', 'x');
    truncateSync(path, 1400 * 2 ** 20);
    const residentBefore = process.resourceUsage().maxRSS;
    expect(await refusal(path)).toMatchObject({
      code: 'unsupported-file',
      message: containing('no camera format'),
    });
    // Kilobytes, by the system's own account.
    expect((process.resourceUsage().maxRSS - residentBefore) * 1024).toBeLessThan(400e6);
    truncateSync(path, 4 * 2 ** 30);
    expect((await refusal(path)).message).toContain('no camera format');
  });
});

describe('watchdog and cancelling', () => {
  it('gives a file up', async () => {
    // No thread can have started within a millisecond.
    expect(await refusal(kdc, { watchdogMs: 1 })).toMatchObject({
      code: 'damaged-file',
      message: containing('given up'),
    });
  });

  it('is cancelled before, and in the middle', async () => {
    expect((await refusal(kdc, { signal: AbortSignal.abort() })).code).toBe('cancelled');
    const controller = new AbortController();
    const pending = refusal(kdc, { signal: controller.signal });
    setTimeout(() => {
      controller.abort();
    }, 20);
    expect((await pending).code).toBe('cancelled');
  });

  it('leaves no thread behind, whatever happened', async () => {
    const threads = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort' || kind === 'Worker')
        .length;
    const before = threads();
    await decodeRaw(kdc);
    await refusal(kdc, { watchdogMs: 1 });
    await refusal(folder.write('again.ARW', 'text'.repeat(100)));
    expect(threads()).toBe(before);
  });
});

it('does not touch the original', async () => {
  const before = { bytes: readFileSync(kdc), changed: statSync(kdc).mtimeMs };
  await decodeRaw(kdc);
  expect(readFileSync(kdc).equals(before.bytes)).toBe(true);
  expect(statSync(kdc).mtimeMs).toBe(before.changed);
});
