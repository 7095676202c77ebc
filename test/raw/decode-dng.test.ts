/** DNGs written here come back bit for bit: phases, black levels, margins, metadata. */

import { describe, expect, it } from 'vitest';

import type { CameraLinearImage } from '../../main/raw/image.ts';
import { shiftCfa } from '../../main/raw/cfa.ts';
import { decodeRaw, readEmbeddedPreview } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { linearDng } from '../../main/raw/linear-dng.ts';
import { ascii, layOutTiff, long, offsetsOf, pixelsOf, short } from '../../main/raw/ifd.ts';
import type { TagValue } from '../../main/raw/ifd.ts';
import type { LinearFrame, Mosaic, PerSite } from '../../main/raw/mosaic.ts';
import { bytesOf, containing, nightMosaic, noisySamples, scratch, seeded } from './written.ts';

const folder = scratch();

async function decodeMosaic(name: string, bytes: Uint8Array): Promise<Mosaic> {
  const raw = await decodeRaw(folder.write(name, bytes));
  if (raw.kind !== 'mosaic') throw new Error(`expected a mosaic but received a ${raw.kind} frame`);
  return raw.mosaic;
}

describe('four phases', () => {
  const blacks: readonly PerSite[] = [
    [512, 512, 512, 512],
    [510, 512.25, 513.5, 515],
  ];
  const cases = (['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const).flatMap((cfa) =>
    blacks.map((black) => ({ cfa, black })),
  );

  it.each(cases)('$cfa with black $black', async ({ cfa, black }) => {
    const written = nightMosaic({ cfa, blackLevel: black });
    const read = await decodeMosaic(`${cfa}.dng`, bytesOf(cfaDng(written)));
    expect(read.cfa).toBe(cfa);
    expect(read.blackLevel).toEqual(black);
    expect(read.whiteLevel).toBe(written.whiteLevel);
    expect([read.width, read.height]).toEqual([written.width, written.height]);
    expect(read.samples).toEqual(written.samples);
  });
});

describe('margins', () => {
  /** LibRaw rounds an odd corner up to an even one; every site must still keep its own colour and black. */
  const corners = [
    [6, 12],
    [7, 12],
    [6, 13],
    [5, 9],
  ] as const;

  it.each(corners)('at %i rows and %i columns', async (top, left) => {
    const [width, height] = [131, 97];
    const samples = noisySamples(width * height, 480, 16_000, 7);
    const [visibleWidth, visibleHeight] = [100, 80];
    const at = (x: number, y: number): number => samples[(top + y) * width + left + x]!;
    const visible = Uint16Array.from({ length: visibleWidth * visibleHeight }, (_, index) =>
      at(index % visibleWidth, Math.floor(index / visibleWidth)),
    );
    const blackLevel: PerSite = [500, 510, 520, 530.5];
    const written = nightMosaic({
      width: visibleWidth,
      height: visibleHeight,
      samples: visible,
      cfa: 'GRBG',
      blackLevel,
    });
    const read = await decodeMosaic(
      'margins.dng',
      bytesOf(cfaDng(written, { sensor: { width, height, left, top, samples } })),
    );

    const [dy, dx] = [top % 2, left % 2];
    expect([read.width, read.height]).toEqual([visibleWidth - dx, visibleHeight - dy]);
    expect(read.cfa).toBe(shiftCfa('GRBG', dy, dx));
    const blackAt = (y: number, x: number): number =>
      blackLevel[((y + dy) % 2) * 2 + ((x + dx) % 2)]!;
    expect(read.blackLevel).toEqual([blackAt(0, 0), blackAt(0, 1), blackAt(1, 0), blackAt(1, 1)]);
    const expected = Uint16Array.from({ length: read.width * read.height }, (_, index) =>
      at((index % read.width) + dx, Math.floor(index / read.width) + dy),
    );
    expect(read.samples).toEqual(expected);
    // Nothing says that this margin is masked, so nothing is made of it.
    expect(read.opticalBlack).toBeUndefined();
  });
});

describe('metadata', () => {
  it('all of it', async () => {
    const written = nightMosaic();
    const read = await decodeMosaic('metadata.dng', bytesOf(cfaDng(written)));
    for (const [index, gain] of written.colour.asShotGains.entries()) {
      expect(read.colour.asShotGains[index]).toBeCloseTo(gain, 6);
    }
    for (const [index, value] of written.colour.xyzToCamera.entries()) {
      expect(read.colour.xyzToCamera[index]).toBeCloseTo(value, 6);
    }
    expect(read.baselineExposureStops).toBeCloseTo(0.25, 6);
    expect(read.noiseProfile).toEqual(written.noiseProfile);
    const { gps, ...shot } = read.shot;
    const { gps: writtenGps, ...writtenShot } = written.shot;
    expect(shot).toEqual(writtenShot);
    expect(gps?.latitude).toBeCloseTo(writtenGps?.latitude ?? 0, 6);
    expect(gps?.longitude).toBeCloseTo(writtenGps?.longitude ?? 0, 6);
    expect(gps?.altitudeMetres).toBeCloseTo(12.5, 3);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)(
    'orientation %i, with the rows left as they are',
    async (orientation) => {
      const written = nightMosaic({ orientation });
      const read = await decodeMosaic('turned.dng', bytesOf(cfaDng(written)));
      expect(read.orientation).toBe(orientation);
      expect(read.samples).toEqual(written.samples);
    },
  );

  it('leaves out what the file does not say', async () => {
    const { noiseProfile, ...plain } = nightMosaic({ shot: { make: 'NIGHT', model: 'Owl 1' } });
    expect(noiseProfile).toBeDefined();
    const read = await decodeMosaic('plain.dng', bytesOf(cfaDng(plain)));
    expect(read.shot).toEqual({ make: 'NIGHT', model: 'Owl 1' });
    expect(read.noiseProfile).toBeUndefined();
  });
});

describe('linear DNG', () => {
  it.each([1, 6, 5] as const)(
    'keeps highlights above white, orientation %i',
    async (orientation) => {
      const [width, height] = [60, 40];
      const { colour, shot } = nightMosaic();
      const samples = Float32Array.from(
        noisySamples(width * height * 3, 0, 2000, 3),
        (code) => code / 1000,
      );
      const image: CameraLinearImage = { width, height, samples, colour, orientation };
      const raw = await decodeRaw(
        folder.write('linear.dng', bytesOf(await linearDng(image, shot))),
      );
      expect(raw.kind).toBe('linear');
      const frame: LinearFrame | undefined = raw.kind === 'linear' ? raw.frame : undefined;
      expect([frame?.width, frame?.height, frame?.orientation]).toEqual([
        width,
        height,
        orientation,
      ]);
      expect(frame?.shot.model).toBe('Owl 1');
      expect(frame?.baselineExposureStops).toBe(2);
      let largest = 0;
      for (const [index, value] of samples.entries()) {
        largest = Math.max(largest, Math.abs((frame?.samples[index] ?? Number.NaN) * 4 - value));
      }
      // Half a step of the file's 16 bits, as exposure and balance stretch it.
      expect(largest).toBeLessThan(4 * 2.25 * (0.51 / 65_535));
    },
  );
});

describe('what cannot be decoded is named', () => {
  it.each([
    [8, 'damaged-file', 'Deflate'],
    [52_546, 'damaged-file', 'JPEG XL'],
    [9, 'unsupported-file', 'VC-5'],
  ])('compression %i', async (compression, code, what) => {
    const bytes = bytesOf(cfaDng(nightMosaic()));
    const view = new DataView(bytes.buffer);
    const entries = view.getUint16(8, true);
    for (let index = 0; index < entries; index++) {
      const at = 10 + index * 12;
      if (view.getUint16(at, true) === 259) view.setUint16(at + 8, compression, true);
    }
    await expect(decodeRaw(folder.write('packed.dng', bytes))).rejects.toMatchObject({
      name: 'Refusal',
      code,
      message: containing(what),
    });
  });
});

it('reads a monochrome linear DNG as a sensor without colours', async () => {
  const mosaic = nightMosaic();
  const bytes = bytesOf(cfaDng(mosaic));
  const view = new DataView(bytes.buffer);
  const entries = view.getUint16(8, true);
  for (let index = 0; index < entries; index++) {
    const at = 10 + index * 12;
    if (view.getUint16(at, true) === 262) view.setUint16(at + 8, 34_892, true);
  }
  await expect(decodeRaw(folder.write('grey.dng', bytes))).resolves.toMatchObject({
    kind: 'mosaic',
    mosaic: { isMonochrome: true, width: mosaic.width, height: mosaic.height },
  });
});

it('says there is no preview where there is none', async () => {
  expect(
    await readEmbeddedPreview(folder.write('bare.dng', bytesOf(cfaDng(nightMosaic())))),
  ).toBeUndefined();
});

describe('optical black', () => {
  const [width, height, left, top] = [160, 120, 48, 8] as const;
  const blackLevel: PerSite = [512, 512, 512, 512];

  /** A frame whose left margin is masked and sits at `level` plus 0 to 3 by site, ± 3. */
  function masked(level: number): Uint8Array {
    const next = seeded(9);
    const samples = noisySamples(width * height, 600, 9000, 8);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < left; x++) {
        const site = ((y + top) % 2) * 2 + ((x + left) % 2);
        samples[y * width + x] = level + site + (next() % 7) - 3;
      }
    }
    const [visibleWidth, visibleHeight] = [width - left, height - top];
    const written = nightMosaic({
      width: visibleWidth,
      height: visibleHeight,
      samples: new Uint16Array(visibleWidth * visibleHeight),
      blackLevel,
    });
    const bytes = bytesOf(cfaDng(written, { sensor: { width, height, left, top, samples } }));
    // MaskedAreas takes the place of the noise profile, which is of the same size in the file.
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < view.getUint16(8, true); index++) {
      const at = 10 + index * 12;
      if (view.getUint16(at, true) !== 51_041) continue;
      view.setUint16(at, 50_830, true);
      view.setUint16(at + 2, 4, true);
      view.setUint32(at + 4, 4, true);
      for (const [edge, value] of [0, 0, height, left].entries())
        view.setUint32(view.getUint32(at + 8, true) + 4 * edge, value, true);
    }
    return bytes;
  }

  it('is the mean of the masked margin at each site', async () => {
    const { opticalBlack, blackLevel: declared } = await decodeMosaic('masked.dng', masked(514));
    expect(declared).toEqual(blackLevel);
    for (const [site, level] of (opticalBlack ?? []).entries())
      expect(level).toBeCloseTo(514 + site, 0);
    expect(opticalBlack).toHaveLength(4);
  });

  it('is not believed where the margin saw light', async () => {
    const { opticalBlack, blackLevel: declared } = await decodeMosaic('lit.dng', masked(900));
    expect(opticalBlack).toBeUndefined();
    expect(declared).toEqual(blackLevel);
  });
});

describe('finished pictures are not RAW', () => {
  const CAMERA: [number, TagValue][] = [
    [271, ascii('NIKON CORPORATION')],
    [272, ascii('NIKON D70')],
  ];
  const picture = (tags: [number, TagValue][]): Uint8Array => {
    const pixels = pixelsOf(new Uint8Array(64 * 64 * 3).fill(90));
    const own: [number, TagValue][] = [
      [256, short(64)],
      [257, short(64)],
      [258, short(8, 8, 8)],
      [259, short(1)],
      [262, short(2)],
      [273, offsetsOf([pixels])],
      [277, short(3)],
      [278, short(64)],
      [279, long(pixels.byteLength)],
      ...tags,
    ];
    return bytesOf(layOutTiff(new Map(own)));
  };

  it.each([
    ['without a camera', []],
    ['with one', CAMERA],
  ])('a TIFF %s', async (_, tags) => {
    await expect(decodeRaw(folder.write('picture.tif', picture(tags)))).rejects.toMatchObject({
      code: 'unsupported-file',
    });
  });
});
