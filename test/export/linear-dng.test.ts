/** The linear DNG: as LibRaw, Adobe's rules and this program read it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import ExifReader from 'exifreader';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { defaultEdits } from '../../preload/contract/edits.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { autoRatio } from '../../main/develop/brightness.ts';
import { cameraToOutput } from '../../main/develop/colour.ts';
import { develop } from '../../main/develop/develop.ts';
import { developedTile } from '../../main/develop/developed.ts';
import { encodeDng } from '../../main/export/dng.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import type { CameraLinearImage } from '../../main/raw/image.ts';
import { linearDng } from '../../main/raw/linear-dng.ts';
import { linearBaselineStops, linearWhite } from '../../main/raw/linear-tiles.ts';
import { matrixOf } from '../../main/raw/matrix.ts';
import type { Matrix3 } from '../../main/raw/mosaic.ts';
import { remosaic } from '../../main/raw/remosaic.ts';
import { readTiff, type TiffDirectory } from '../../main/raw/tiff-tags.ts';
import { expectColour, tagOf } from './dng-check.ts';
import { expectShot } from './exif-check.ts';
import { readWithLibRaw } from './libraw.ts';
import {
  difference,
  joined,
  linearImage,
  noise,
  sampleColour,
  sampleShot,
  temporaryFolder,
} from './samples.ts';

/** What the file must hold: value / gain, four times white at its end, nothing below black. */
function expectedSamples({ samples, colour }: CameraLinearImage): number[] {
  return Array.from(samples, (value, i) => {
    const share = value / colour.asShotGains[i % 3]! / 2 ** linearBaselineStops;
    return Math.round(Math.min(1, Math.max(0, Number.isNaN(share) ? 0 : share)) * linearWhite);
  });
}

async function readBack(image: CameraLinearImage): Promise<Uint16Array> {
  const view = await readWithLibRaw(joined(await linearDng(image, sampleShot)), 'linear');
  expect([view.width, view.height]).toEqual([image.width, image.height]);
  return view.samples;
}

describe('linearDng', () => {
  it.each([
    // Of both sides: smaller than a tile, one tile, a multiple of it, and neither.
    [67, 43],
    [256, 256],
    [530, 300],
  ])('is read by LibRaw to the last bit, %i × %i', async (width, height) => {
    const random = noise(width);
    const smooth = linearImage(
      width,
      height,
      (i) => ((i / 3) % width) / width + (random.next().value - 0.5) * 0.01,
    );
    expect(difference(await readBack(smooth), expectedSamples(smooth))).toMatchObject({ count: 0 });
  });

  it('keeps differences of every size, and takes NaN and infinity without harm', async () => {
    const random = noise(9);
    const white = 2 ** linearBaselineStops;
    // From nothing to more than white, at all orders of magnitude, up and down.
    const wild = linearImage(64, 200, (i) => {
      if (i < 3) return [Infinity, Number.NaN, -9][i]!;
      const share = random.next().value < 0.1 ? 1 : 2 ** (-17 * random.next().value);
      return share * white * sampleColour.asShotGains[i % 3]! * (i % 7 === 0 ? 0 : 1.0001);
    });
    // Half a range between neighbours, which is the one difference with a code but no bits.
    for (const [i, sample] of [0, 32_768, 0, 32_768].entries()) {
      wild.samples[300 + i * 3] = (sample / linearWhite) * white * sampleColour.asShotGains[0];
    }
    const found = await readBack(wild);
    // A product in single precision may fall on the other side of a half.
    const worst = expectedSamples(wild).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - found[i]!)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1);
  });

  it.each([0.001, 1, 40])('says the same black, white and exposure up to light %f', async (top) => {
    const bytes = joined(
      await linearDng(
        linearImage(32, 32, (i) => (i % 2) * top),
        sampleShot,
      ),
    );
    expect(tagOf(bytes, 50714)).toEqual([0, 0, 0]);
    expect(tagOf(bytes, 50717)).toEqual([linearWhite, linearWhite, linearWhite]);
    expect(tagOf(bytes, 50730)).toEqual([linearBaselineStops]);
  });

  it('tells LibRaw and ExifReader everything', async () => {
    const file = await linearDng(
      linearImage(40, 30, () => 0.25),
      sampleShot,
    );
    const bytes = joined(file);
    expect(bytes.length).toBe(file.byteLength);
    expectShot(bytes, 6);
    const { metadata } = await readWithLibRaw(bytes, 'linear');
    expect(metadata).toMatchObject({
      camera_make: 'Sony',
      camera_model: 'ILCE-7SM2',
      iso_speed: 102_400,
      flip: 6,
    });
    expect(metadata.shutter).toBeCloseTo(1 / 30, 6);
    expectColour(metadata);
    expect(metadata.color_data.dng_levels.baseline_exposure).toBe(linearBaselineStops);
    const photometric = ExifReader.load(new Uint8Array(bytes).buffer)['PhotometricInterpretation'];
    expect(photometric?.value).toBe(34_892);
  });

  it.each([
    ['one matrix', undefined],
    // As interpolated for a lamp: not what inverting the matrix for daylight gives.
    [
      'a matrix of its own for the light',
      [0.6142, 0.3, 0.05, 0.21, 0.95, -0.16, 0.02, -0.2, 1.0049],
    ],
  ])('has the same colour by forward and by colour matrix: %s', async (_, values) => {
    const balancedToXyz = values && matrixOf(values);
    const colour = { ...sampleColour, ...(balancedToXyz && { balancedToXyz }) };
    const image = { ...linearImage(32, 32, () => 0.25), colour };
    const bytes = joined(await linearDng(image, sampleShot));
    const ours = cameraToOutput(colour, 'srgb');
    const read = (tag: number): Matrix3 => matrixOf(tagOf(bytes, tag)) ?? ours;
    const stated = { asShotGains: colour.asShotGains, xyzToCamera: read(50721) };
    const asDcraw = cameraToOutput(stated, 'srgb');
    const asAdobe = cameraToOutput({ ...stated, balancedToXyz: read(50964) }, 'srgb');
    for (const [i, value] of ours.entries()) {
      expect(asDcraw[i]).toBeCloseTo(value, 3);
      expect(asAdobe[i]).toBeCloseTo(value, 3);
    }
  });

  it('refuses gains and matrices that no tag can hold', async () => {
    const image = linearImage(2, 2, () => 0.5);
    for (const gain of [0, -1, Number.NaN, Infinity]) {
      const colour = { ...sampleColour, asShotGains: [gain, 1, 1] } as const;
      await expect(linearDng({ ...image, colour }, {})).rejects.toThrow(Refusal);
    }
    const xyzToCamera = [Number.NaN, 0, 0, 0, 1, 0, 0, 0, 1] as const;
    const colour = { ...sampleColour, xyzToCamera };
    await expect(linearDng({ ...image, colour }, {})).rejects.toThrow(Refusal);
  });

  it('ends when it is cancelled', async () => {
    const image = linearImage(40, 40, () => 0.5);
    const signal = AbortSignal.abort();
    await expect(linearDng(image, {}, { signal })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

/** Dark, with a bright square a quarter of the sides from the top left of the stored rows. */
function marked(width: number, height: number): CameraLinearImage {
  return linearImage(width, height, (i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const isMark = x >= width * 0.25 && x < width * 0.375 && y >= height * 0.25 && y < height * 0.5;
    return isMark ? 0.5 : 0.02;
  });
}

function directories(bytes: Buffer): { raw: TiffDirectory; preview: TiffDirectory } {
  const [, raw, preview] = readTiff(bytes)?.images ?? [];
  if (raw === undefined || preview === undefined) throw new Error('expected three directories');
  return { raw, preview };
}

describe('encodeDng', () => {
  const tone = { exposure: 1, highlights: 0, shadows: 0, contrast: 0, saturation: -1 };

  it('shows the picture as edited, lying as the samples do', async () => {
    const image = marked(320, 160);
    // Upright it is 160 × 320; turned once more, 320 × 160 and upside down to the stored rows.
    const framing = {
      crop: { x: 0.5, y: 0, width: 0.5, height: 1 },
      angle: 0,
      rotate: 1,
    } as const;
    const bytes = joined(await encodeDng(image, sampleShot, { tone, framing }, {}));
    expect(tagOf(bytes, 274)).toEqual([3]);
    const { raw, preview } = directories(bytes);
    // The right half of the upright picture is the left half of the stored one.
    expect(raw.numbers(51125)).toEqual([0, 0, 1, 0.5]);
    const at = preview.number(273)!;
    const jpeg = bytes.subarray(at, at + preview.number(279)!);
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([160, 160, 3]);
    const pixel = (x: number, y: number): number[] => [
      ...data.subarray((y * 160 + x) * 3).subarray(0, 3),
    ];
    // A stop brighter and without colour: 1 rolls off to 0.89, and 0.04 is 56 of 255.
    for (const value of pixel(100, 60)) expect(Math.abs(value - 242)).toBeLessThan(4);
    for (const value of pixel(40, 120)) expect(Math.abs(value - 56)).toBeLessThan(4);
    const [thumbnail] = readTiff(bytes)!.images;
    expect([thumbnail!.number(256), thumbnail!.number(257)]).toEqual([160, 160]);
    expect(tagOf(bytes, 279)).toEqual([160 * 160 * 3]);
  });

  it('asks editors neither to denoise nor to sharpen, and repeats no opcode', async () => {
    const bytes = joined(await encodeDng(marked(64, 64), sampleShot, {}, {}));
    const { raw } = directories(bytes);
    expect(raw.numbers(50935)).toEqual([1]);
    for (const opcodes of [51008, 51009, 51022]) expect(raw.has(opcodes)).toBe(false);
    const xmp = ExifReader.load(new Uint8Array(bytes).buffer, { expanded: true }).xmp;
    for (const name of ['LuminanceSmoothing', 'ColorNoiseReduction', 'Sharpness']) {
      expect(xmp?.[name]?.value).toBe('0');
    }
  });

  it('is developed when it is opened again, whole and without the network', async () => {
    const image = marked(64, 48);
    const framing = {
      crop: { x: 0.5, y: 0, width: 0.5, height: 0.5 },
      angle: 0,
      rotate: 0,
    } as const;
    const file = path.join(temporaryFolder(), 'developed.dng');
    writeFileSync(file, joined(await encodeDng(image, sampleShot, { framing }, {})));
    const raw = await decodeRaw(file);
    const mosaic = raw.kind === 'linear' ? remosaic(raw.frame) : raw.mosaic;
    expect([mosaic.width, mosaic.height]).toEqual([64, 48]);
    expect(autoRatio(mosaic, mosaic.colour.asShotGains)).toBe(1);
    const core = { x: 0, y: 0, width: 32, height: 24 };
    const tiles = develop({
      mosaic,
      ratio: 1,
      gains: mosaic.colour.asShotGains,
      tiles: [{ core, window: core }],
      run: () => Promise.reject(new Error('no network may run')),
    });
    for await (const { samples } of tiles) {
      const worst = image.samples.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - samples[i]!)),
        0,
      );
      expect(worst).toBeLessThan(1e-4);
    }
    // A level shows means of the same light.
    const all = { x: 0, y: 0, width: 8, height: 6 };
    const quarter = developedTile(mosaic, mosaic.developed!, all, { level: 2, ratio: 1 });
    expect(quarter.samples[0]).toBeCloseTo(0.02, 3);
    expect(quarter.samples[(4 * 16 + 4) * 3]).toBeCloseTo(0.5, 3);
  });

  it('is refused in words where a tile is damaged, which LibRaw would not say', async () => {
    const file = path.join(temporaryFolder(), 'damaged.dng');
    const whole = joined(await encodeDng(marked(64, 48), sampleShot, {}, {}));
    const start = Buffer.from(whole).lastIndexOf(Buffer.from([0xff, 0xd8, 0xff, 0xc3]));
    const scan = Buffer.from(whole).indexOf(Buffer.from([0xff, 0xda]), start);
    const changes: [number, number[], string][] = [
      [start, [0], 'the start'],
      [start + 2, [0], 'a segment'],
      [start + 6, [8], 'the size'],
      [start + 7, [0, 0], 'the size'],
      [start + 3, [0xc0], 'the size'],
      [start + 26, Array<number>(16).fill(0), 'a code table'],
      [start + 26, Array<number>(16).fill(9), 'a code table'],
      [start + 42, [200], 'a code table'],
      [scan + 11, [0], 'the scan'],
      [scan + 14, [0xff, 0xd9], 'the end'],
      [scan + 14, Array<number>(8).fill(0xff), 'the end'],
    ];
    for (const [at, values, words] of changes) {
      const bytes = Uint8Array.from(whole);
      bytes.set(values, at);
      writeFileSync(file, bytes);
      await expect(decodeRaw(file), words).rejects.toMatchObject({
        code: 'damaged-file',
        message: `damaged.dng is damaged: ${words} of tile 1 of 1 makes no sense`,
      });
    }
  });

  it('remembers its edits, with what is already done left out', async () => {
    const framing = {
      crop: { x: 0.1, y: 0.2, width: 0.5, height: 0.25 },
      angle: -3,
      rotate: 2,
    } as const;
    const bytes = joined(await encodeDng(marked(64, 64), sampleShot, { tone, framing }, {}));
    const text = Buffer.from(readTiff(bytes)!.images[0]!.bytes(50740)!).toString();
    const [name, kind, json] = text.split('\0');
    expect([name, kind]).toEqual(['Nightglass', 'developed 1']);
    const { crop, angle } = framing;
    expect(JSON.parse(json!)).toEqual({ ...defaultEdits, ...tone, crop, angle });
    // No other program could show a straightened crop.
    expect(directories(bytes).raw.has(51125)).toBe(false);
    expect(tagOf(bytes, 274)).toEqual([8]);
  });
});
