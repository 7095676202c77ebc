/** Clean photos into linear light: curves, depths, crops, mosaics and what is refused. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeExr, type HdrifyImage } from 'hdrify';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Mosaic } from '../../../main/raw/mosaic.ts';
import { describeError, Refusal } from '../../../main/base/refusal.ts';
import { binMosaic, findPhotos, loadLinearPhoto } from '../../../main/training/photos/photos.ts';
import { codeOfLight, lightOfCode, type LinearPhoto } from '../../../main/darkness/linear-photo.ts';

let folder = '';
const inFolder = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-photos-'));
});
afterAll(() => rm(folder, { recursive: true }));

function pixel(photo: LinearPhoto, x: number, y: number): number[] {
  const at = (y * photo.width + x) * 3;
  return Array.from(photo.codes.subarray(at, at + 3), lightOfCode);
}

const linear = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

describe('codes', () => {
  it('hold light from 0 to 8 to within a ten-thousandth of white', () => {
    for (const light of [0, 1e-5, 0.001, 0.18, 1, 3.7, 8]) {
      expect(Math.abs(lightOfCode(codeOfLight(light)) - light)).toBeLessThan(
        light < 0.01 ? 3e-6 : 1.3e-4,
      );
    }
    expect([codeOfLight(-1), codeOfLight(Number.NaN), codeOfLight(99)]).toEqual([0, 0, 65535]);
    expect(codeOfLight(Number.POSITIVE_INFINITY)).toBe(65535);
  });
});

describe('pictures', () => {
  it('undo sRGB’s curve of an 8-bit PNG, pixel for pixel', async () => {
    const bytes = Uint8Array.from({ length: 6 * 4 * 3 }, (_, index) => (index * 37) % 256);
    await sharp(bytes, { raw: { width: 6, height: 4, channels: 3 } })
      .png()
      .toFile(inFolder('a.png'));
    const photo = await loadLinearPhoto(inFolder('a.png'));
    expect([photo.name, photo.width, photo.height, photo.space]).toEqual(['a.png', 6, 4, 'srgb']);
    bytes.forEach((byte, index) => {
      expect(Math.abs(lightOfCode(photo.codes[index]!) - linear(byte / 255))).toBeLessThan(5e-5);
    });
  });

  it('keep 16 bits of a 16-bit PNG and TIFF', async () => {
    const deep = Uint16Array.from({ length: 5 * 3 * 3 }, (_, index) => 1000 + index * 1301);
    const raw = { width: 5, height: 3, channels: 3 } as const;
    await sharp(deep, { raw }).toColourspace('rgb16').png().toFile(inFolder('deep.png'));
    const tiff = sharp(deep, { raw }).toColourspace('rgb16').tiff({ compression: 'deflate' });
    await tiff.toFile(inFolder('deep.tif'));
    for (const name of ['deep.png', 'deep.tif']) {
      const photo = await loadLinearPhoto(inFolder(name));
      deep.forEach((value, index) => {
        const error = Math.abs(lightOfCode(photo.codes[index]!) - linear(value / 65535));
        // Steps of 8 bits would be off by up to 4e-3 here.
        expect(error, name).toBeLessThan(6e-5);
      });
    }
  });

  it('halve a JPEG in linear light, not in its encoding', async () => {
    // Columns of black and white, two wide and shifted by one: each halved pixel mixes both.
    const bytes = new Uint8Array(64 * 64 * 3);
    for (let at = 0; at < bytes.length; at++) {
      bytes[at] = ((Math.floor(at / 3) % 64) + 1) % 4 < 2 ? 0 : 255;
    }
    const raw = { width: 64, height: 64, channels: 3 } as const;
    await sharp(bytes, { raw })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toFile(inFolder('stripes.jpg'));
    const photo = await loadLinearPhoto(inFolder('stripes.jpg'));
    expect([photo.width, photo.height]).toEqual([32, 32]);
    // Mixed as encoded, it would be linear(0.5) = 0.21.
    pixel(photo, 10, 10).forEach((light) => {
      expect(light).toBeCloseTo(0.5, 1);
    });
  });

  it('bring a 4K JPEG to about 1920 pixels, grey and alpha to RGB, and turn by EXIF', async () => {
    const big = {
      create: { width: 5600, height: 40, channels: 3, background: '#808080' },
    } as const;
    await sharp(big).jpeg().toFile(inFolder('big.jpg'));
    expect((await loadLinearPhoto(inFolder('big.jpg'))).width).toBe(1866);
    const grey = sharp(new Uint8Array(12).fill(188), { raw: { width: 4, height: 3, channels: 1 } });
    await grey.png().toFile(inFolder('grey.png'));
    const [red, green, blue] = pixel(await loadLinearPhoto(inFolder('grey.png')), 1, 1);
    expect(red).toBeCloseTo(linear(188 / 255), 3);
    expect([green, blue]).toEqual([red, red]);
    const clear = { r: 255, g: 255, b: 255, alpha: 0.5 };
    await sharp({ create: { width: 4, height: 4, channels: 4, background: clear } })
      .png()
      .toFile(inFolder('clear.png'));
    expect((await loadLinearPhoto(inFolder('clear.png'))).codes).toHaveLength(48);
    await sharp({ create: { width: 40, height: 20, channels: 3, background: '#fff' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toFile(inFolder('turned.jpg'));
    const turned = await loadLinearPhoto(inFolder('turned.jpg'));
    expect([turned.width, turned.height]).toEqual([10, 20]);
  });
});

describe('high dynamic range', () => {
  function image(
    width: number,
    height: number,
    light: (x: number, y: number) => number,
  ): HdrifyImage {
    const data = new Float32Array(width * height * 4);
    for (let at = 0; at < width * height; at++) {
      const value = light(at % width, Math.floor(at / width));
      data.set([value, value / 2, value / 4, 1], at * 4);
    }
    return { width, height, data, linearColorSpace: 'linear-rec709' };
  }

  /** Radiance RGBE without run lengths; hdrify's own writer cuts off what is darker than 1/512. */
  function writeRgbe({ width, height, data }: HdrifyImage): Uint8Array {
    const header = `#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y ${height} +X ${width}\n`;
    const bytes = new Uint8Array(header.length + width * height * 4);
    bytes.set(new TextEncoder().encode(header));
    for (let at = 0; at < width * height * 4; at += 4) {
      const rgb = [data[at]!, data[at + 1]!, data[at + 2]!];
      const exponent = Math.floor(Math.log2(Math.max(...rgb))) + 1;
      const mantissas = rgb.map((value) => Math.floor((value / 2 ** exponent) * 256));
      bytes.set([...mantissas, exponent + 128], header.length + at);
    }
    return bytes;
  }

  it('cuts a panorama to its horizon and sets its exposure, whatever its scale', async () => {
    // Poles at 1000, a horizon of 0 … 1 with one lamp.
    const scene = (scale: number): HdrifyImage =>
      image(128, 64, (x, y) => scale * (y < 12 || y >= 52 ? 1000 : x === 64 ? 900 : (x + 1) / 128));
    await writeFile(inFolder('one.hdr'), writeRgbe(scene(1)));
    await writeFile(inFolder('two.hdr'), writeRgbe(scene(0.01)));
    const one = await loadLinearPhoto(inFolder('one.hdr'));
    const two = await loadLinearPhoto(inFolder('two.hdr'));
    expect([one.width, one.height]).toEqual([128, 35]);
    const greens = Array.from({ length: 128 }, (_, x) => pixel(one, x, 5)[1]!).sort(
      (a, b) => a - b,
    );
    expect(greens[64]).toBeGreaterThan(0.1);
    expect(greens[64]).toBeLessThan(0.6);
    expect(greens[115]).toBeLessThan(1.61);
    // The lamp runs past white and is kept.
    expect(greens[127]).toBeCloseTo(8, 3);
    for (const x of [10, 60, 120]) {
      expect(pixel(two, x, 5)[1]! / pixel(one, x, 5)[1]!).toBeCloseTo(1, 1);
    }
  });

  it('reads OpenEXR whole, keeping the colours’ proportions', async () => {
    await writeFile(inFolder('a.exr'), writeExr(image(40, 30, (x, y) => 0.2 + (x + y) / 100)));
    const photo = await loadLinearPhoto(inFolder('a.exr'));
    expect([photo.width, photo.height]).toEqual([40, 30]);
    const [red, green, blue] = pixel(photo, 20, 15);
    expect(red! / green!).toBeCloseTo(2, 2);
    expect(green! / blue!).toBeCloseTo(2, 2);
    expect(pixel(photo, 39, 29)[1]! / pixel(photo, 0, 0)[1]!).toBeCloseTo(0.88 / 0.2, 1);
  });
});

describe('RAW', () => {
  const mosaic = (cfa: Mosaic['cfa'], samples: readonly number[]): Mosaic => ({
    width: 3,
    height: 2,
    samples: Uint16Array.from(samples),
    cfa,
    blackLevel: [10, 20, 30, 40],
    whiteLevel: 1040,
    orientation: 1,
    colour: { asShotGains: [2, 1, 1.5], xyzToCamera: [1, 0, 0, 0, 1, 0, 0, 0, 1] },
    baselineExposureStops: 0,
    shot: {},
  });

  it('is binned cell by cell: per-site black, mean of greens, white balance', () => {
    const photo = binMosaic('x', mosaic('RGGB', [113, 122, 0, 232, 540, 0]));
    expect([photo.width, photo.height, photo.space]).toEqual([1, 1, 'camera']);
    const [red, green, blue] = pixel(photo, 0, 0);
    expect(red).toBeCloseTo((2 * 103) / 1030, 3);
    expect(green).toBeCloseTo((102 / 1020 + 202 / 1010) / 2, 3);
    expect(blue).toBeCloseTo((1.5 * 500) / 1000, 3);
    const other = binMosaic('x', mosaic('GBRG', [113, 122, 0, 232, 540, 0]));
    expect(pixel(other, 0, 0)[0]).toBeCloseTo((2 * 202) / 1010, 3);
    expect(pixel(other, 0, 0)[2]).toBeCloseTo((1.5 * 102) / 1020, 3);
  });

  it('clips all colours where the sensor clips: white, not magenta', () => {
    const photo = binMosaic('x', mosaic('RGGB', [1040, 1040, 0, 1040, 1040, 0]));
    pixel(photo, 0, 0).forEach((light) => {
      expect(light).toBeCloseTo(1, 3);
    });
  });

  it('does so for a sensor that saturates below the white that its file states', () => {
    // At 0.95 of it, as a GoPro Fusion does.
    const full = [10, 20, 30, 40].map((black) => black + 0.95 * (1040 - black));
    const [red = 0, green = 0, otherGreen = 0, blue = 0] = full;
    const photo = binMosaic('x', mosaic('RGGB', [red, green, 0, otherGreen, blue, 0]));
    pixel(photo, 0, 0).forEach((light) => {
      expect(light).toBeCloseTo(0.95, 2);
    });
  });
});

describe('finding and refusing', () => {
  it('finds photos in folders below, in the order of their names, and nothing else', async () => {
    await mkdir(inFolder('tree/below'), { recursive: true });
    const names = ['b.JPG', 'below/a.hdr', 'below/c.ARW', 'notes.txt', '.hidden.png', 'LICENSE'];
    // Leica's DNG by another name: it was developed, but never learned from.
    names.push('d.RWL');
    for (const name of names) await writeFile(inFolder(path.join('tree', name)), '');
    const found = await findPhotos(inFolder('tree'));
    expect(found.map((file) => path.relative(inFolder('tree'), file))).toEqual([
      'b.JPG',
      path.join('below', 'a.hdr'),
      path.join('below', 'c.ARW'),
      'd.RWL',
    ]);
    await expect(findPhotos(inFolder('nowhere'))).rejects.toMatchObject({ code: 'dataset' });
  });

  it.each([
    ['empty.jpg', ''],
    ['text.png', 'not a picture'],
    ['text.hdr', 'not a picture'],
    ['short.hdr', '#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 512 +X 1024\n'],
    ['text.exr', 'not a picture'],
  ])('refuses %s, naming it', async (name, content) => {
    await writeFile(inFolder(name), content);
    const refusal: unknown = await loadLinearPhoto(inFolder(name)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(describeError(refusal)).toContain(name);
  });

  it('refuses what it has no reader for, and what is not there', async () => {
    await expect(loadLinearPhoto('notes.txt')).rejects.toMatchObject({ code: 'unsupported-file' });
    await expect(loadLinearPhoto(inFolder('gone.hdr'))).rejects.toMatchObject({
      code: 'damaged-file',
    });
  });
});
