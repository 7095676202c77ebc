/** Names on a real file system: no two alike, no original hit. */
import { linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import sharp from 'sharp';
import { describe, expect, it } from 'vitest';

import { encodePicture } from '../../main/export/export.ts';
import type { Exportable } from '../../main/export/export.ts';
import { OutputNames } from '../../main/export/naming.ts';
import type { ExportFormat } from '../../main/export/naming.ts';
import type { ConflictPolicy } from '../../preload/contract/choices.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import type { FinishedImage } from '../../main/raw/image.ts';
import { sampleColour, joined, temporaryFolder } from './samples.ts';

const policies = ['rename', 'skip', 'overwrite'] as const;

/** Short answers: the name, with a mark where something is replaced or already there. */
async function namesOf(
  photos: readonly string[],
  folder: string,
  policy: ConflictPolicy,
  format: ExportFormat = 'tiff',
): Promise<string[]> {
  const names = new OutputNames(folder, policy, photos);
  const reserved = await Promise.all(photos.map((photo) => names.reserve(photo, format)));
  return reserved.map(
    ({ path, isThereAlready }) => basename(path) + (isThereAlready ? ' (there)' : ''),
  );
}

it.each([
  ['tiff', 'IMG_1.tif'],
  ['png', 'IMG_1.png'],
  ['jpeg', 'IMG_1.jpg'],
  ['dng', 'IMG_1.dng'],
] as const)('%s is called %s', async (format, name) => {
  expect(await namesOf(['/photos/IMG_1.ARW'], temporaryFolder(), 'rename', format)).toEqual([name]);
});

it.each(policies)(
  '%s: photos that differ in folder, type or case get different names',
  async (policy) => {
    const photos = ['/a/IMG_1.ARW', '/a/IMG_1.DNG', '/b/img_1.arw', '/c/É.arw', '/d/E\u0301.arw'];
    const names = await namesOf(photos, temporaryFolder(), policy);
    expect(names).toEqual(['IMG_1.tif', 'IMG_1-2.tif', 'img_1-3.tif', 'É.tif', 'E\u0301-2.tif']);
  },
);

it('gives a hundred photos of one name a hundred names, all asked for at once', async () => {
  const photos = Array.from({ length: 100 }, (_, index) => `/card${index}/IMG_1.ARW`);
  const names = await namesOf(photos, temporaryFolder(), 'rename');
  expect(new Set(names).size).toBe(100);
});

it('a second run renames, skips or replaces, each photo its own picture', async () => {
  const folder = temporaryFolder();
  const photos = ['/a/IMG_1.ARW', '/a/IMG_1.DNG', '/a/IMG_2.ARW'];
  writeFileSync(join(folder, 'IMG_1.tif'), '');
  writeFileSync(join(folder, 'IMG_1-2.tif'), '');
  expect(await namesOf(photos, folder, 'rename')).toEqual([
    'IMG_1-3.tif',
    'IMG_1-4.tif',
    'IMG_2.tif',
  ]);
  expect(await namesOf(photos, folder, 'skip')).toEqual([
    'IMG_1.tif (there)',
    'IMG_1-2.tif (there)',
    'IMG_2.tif',
  ]);
  expect(await namesOf(photos, folder, 'overwrite')).toEqual([
    'IMG_1.tif',
    'IMG_1-2.tif',
    'IMG_2.tif',
  ]);
});

it('renames past a link that leads nowhere and a folder of the name', async () => {
  const folder = temporaryFolder();
  symlinkSync(join(folder, 'nothing'), join(folder, 'IMG_1.tif'));
  mkdirSync(join(folder, 'IMG_1-2.tif'));
  expect(await namesOf(['/a/IMG_1.ARW'], folder, 'rename')).toEqual(['IMG_1-3.tif']);
});

it.each(policies)(
  '%s: never names an original, be it there by itself or by a link',
  async (policy) => {
    const folder = temporaryFolder();
    const photos = ['own.dng', 'other.dng', 'third.dng'].map((name) => join(folder, name));
    // Our own mark in them must not help: they are what the run reads.
    for (const photo of photos) writeFileSync(photo, 'II Nightglass\0');
    symlinkSync(join(folder, 'own.dng'), join(folder, 'a.dng'));
    linkSync(join(folder, 'other.dng'), join(folder, 'b.dng'));
    const before = readdirSync(folder);
    const names = await namesOf([...photos, '/x/a.ARW', '/x/b.ARW'], folder, policy, 'dng');
    expect(names).toEqual(['own-2.dng', 'other-2.dng', 'third-2.dng', 'a-2.dng', 'b-2.dng']);
    expect(names.filter((name) => before.includes(name))).toEqual([]);
  },
);

it('never names an original that is reached through a linked folder', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'photos'));
  symlinkSync(join(folder, 'photos'), join(folder, 'out'));
  const photo = join(folder, 'photos', 'IMG_1.dng');
  writeFileSync(photo, 'II Nightglass\0');
  expect(await namesOf([photo], join(folder, 'out'), 'overwrite', 'dng')).toEqual(['IMG_1-2.dng']);
});

describe('overwrite replaces nothing but exports of ours', () => {
  const image: FinishedImage = {
    width: 40,
    height: 30,
    samples: new Uint16Array(40 * 30 * 3).fill(30_000),
    space: 'srgb',
  };
  const exports: readonly Exportable[] = [
    { format: 'tiff', image, bits: 16, compression: 'deflate' },
    { format: 'tiff', image, bits: 8, compression: 'none' },
    { format: 'png', image, bits: 16 },
    { format: 'jpeg', image, quality: 90 },
    {
      format: 'dng',
      image: {
        width: 40,
        height: 30,
        samples: new Float32Array(40 * 30 * 3),
        colour: sampleColour,
        orientation: 1,
      },
    },
  ];
  const ending = { tiff: 'tif', png: 'png', jpeg: 'jpg', dng: 'dng' } as const;

  it.each(exports)('a $format of ours', async (picture) => {
    const folder = temporaryFolder();
    const name = `IMG_1.${ending[picture.format]}`;
    const bytes = joined(await encodePicture(picture, { make: 'Owl', model: 'Nightglass II' }));
    writeFileSync(join(folder, name), bytes);
    const { format } = picture;
    expect(await namesOf(['/x/IMG_1.ARW'], folder, 'overwrite', format)).toEqual([name]);
  });

  it.each([
    ['tiff', 'tif'],
    ['png', 'png'],
    ['jpeg', 'jpg'],
  ] as const)('but not a %s of another program', async (format, suffix) => {
    const folder = temporaryFolder();
    const pixels = sharp({ create: { width: 40, height: 30, channels: 3, background: 'blue' } });
    const bytes = await pixels
      .withExif({ IFD0: { Software: 'Darkroom 3', Make: 'Nightglass' } })
      .toFormat(format)
      .toBuffer();
    writeFileSync(join(folder, `IMG_1.${suffix}`), bytes);
    const names = await namesOf(['/x/IMG_1.ARW'], folder, 'overwrite', format);
    expect(names).toEqual([`IMG_1-2.${suffix}`]);
  });

  it('nor a RAW, whatever its name says and whoever wrote it', async () => {
    const folder = temporaryFolder();
    const simulated = joined(
      cfaDng({
        ...{ width: 22, height: 22, samples: new Uint16Array(22 * 22), cfa: 'RGGB' },
        ...{ blackLevel: [0, 0, 0, 0], whiteLevel: 1023, orientation: 1, colour: sampleColour },
        ...{ baselineExposureStops: 0, shot: {} },
      }),
    );
    writeFileSync(join(folder, 'simulated.dng'), simulated);
    writeFileSync(join(folder, 'camera.dng'), 'II*\0 a camera wrote this');
    writeFileSync(join(folder, 'renamed.tif'), simulated);
    const photos = ['/x/simulated.ARW', '/x/camera.ARW'];
    expect(await namesOf(photos, folder, 'overwrite', 'dng')).toEqual([
      'simulated-2.dng',
      'camera-2.dng',
    ]);
    expect(await namesOf(['/x/renamed.ARW'], folder, 'overwrite', 'tiff')).toEqual([
      'renamed-2.tif',
    ]);
  });

  it('and what comes to stand there after the name was given', async () => {
    const names = new OutputNames(temporaryFolder(), 'overwrite', []);
    expect(await names.reserve('/x/IMG_1.ARW', 'png')).toMatchObject({ overwrite: false });
  });
});

it('goes on to the next name where another process was quicker', async () => {
  const folder = temporaryFolder();
  const names = new OutputNames(folder, 'rename', []);
  const first = await names.reserve('/a/IMG_1.ARW', 'png');
  writeFileSync(first.path, 'someone else’s');
  const second = await names.reserveNext(first);
  expect(basename(second.path)).toBe('IMG_1-2.png');
});
