/** From pictures to files on disk, all formats by the same way. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import sharp from 'sharp';
import { expect, it } from 'vitest';

import { writeAtomically } from '../../main/base/atomic.ts';
import { encodePicture } from '../../main/export/export.ts';
import type { Exportable } from '../../main/export/export.ts';
import { OutputNames, type Reservation } from '../../main/export/naming.ts';
import { Refusal } from '../../main/base/refusal.ts';
import { expectShot } from './exif-check.ts';
import { finishedImage, linearImage, sampleShot, temporaryFolder } from './samples.ts';

/** Encodes and writes as the engine does: under the reserved name, or the next that is free. */
async function write(
  picture: Exportable,
  names: OutputNames,
  reservation: Reservation,
  options: { readonly signal?: AbortSignal } = {},
): Promise<{ readonly path: string; readonly bytes: number }> {
  const file = await encodePicture(picture, sampleShot, options);
  for (let target = reservation; ; target = await names.reserveNext(target)) {
    const { path, overwrite } = target;
    const outcome = await writeAtomically(path, file.chunks(), { overwrite, ...options });
    if (outcome === 'written') return { path, bytes: file.byteLength };
  }
}

const finished = finishedImage(50, 40);
const pictures: readonly (readonly [string, Exportable])[] = [
  ['IMG_1.tif', { format: 'tiff', bits: 16, compression: 'deflate', image: finished }],
  ['IMG_1.png', { format: 'png', bits: 8, image: finished }],
  ['IMG_1.jpg', { format: 'jpeg', quality: 92, image: finished }],
  ['IMG_1.dng', { format: 'dng', image: linearImage(50, 40, () => 0.2) }],
];

it.each(pictures)('writes %s whole, with its shot', async (name, picture) => {
  const folder = temporaryFolder();
  const names = new OutputNames(folder, 'rename', ['/a/IMG_1.ARW']);
  const reservation = await names.reserve('/a/IMG_1.ARW', picture.format);
  const { path, bytes } = await write(picture, names, reservation);
  expect(readdirSync(folder)).toEqual([name]);
  expect(basename(path)).toBe(name);
  expect(statSync(path).size).toBe(bytes);
  expectShot(readFileSync(path), picture.format === 'dng' ? 6 : 1);
  if (picture.format !== 'dng') {
    expect(await sharp(path).metadata()).toMatchObject({ width: 50, height: 40 });
  }
});

it.each(pictures)('does not begin %s when cancelled', async (_, picture) => {
  const folder = temporaryFolder();
  const names = new OutputNames(folder, 'rename', []);
  const reservation = await names.reserve('/a/IMG_1.ARW', picture.format);
  const signal = AbortSignal.abort();
  const exporting = write(picture, names, reservation, { signal });
  await expect(exporting).rejects.toThrow(Refusal);
  expect(readdirSync(folder)).toEqual([]);
});

it.each(pictures)('leaves nothing of %s where the folder is gone', async (_, picture) => {
  const folder = temporaryFolder();
  const names = new OutputNames(folder, 'rename', []);
  const reservation = await names.reserve('/a/IMG_1.ARW', picture.format);
  rmSync(folder, { recursive: true });
  await expect(write(picture, names, reservation)).rejects.toThrow(/IMG_1.*folder is gone/);
});

it('takes the next name where the reserved one was taken meanwhile', async () => {
  const folder = temporaryFolder();
  const names = new OutputNames(folder, 'rename', []);
  const reservation = await names.reserve('/a/IMG_1.ARW', 'png');
  writeFileSync(reservation.path, 'someone else’s');
  const picture = { format: 'png', bits: 8, image: finished } as const;
  const { path } = await write(picture, names, reservation);
  expect(path).toBe(join(folder, 'IMG_1-2.png'));
  expect(readFileSync(reservation.path, 'utf8')).toBe('someone else’s');
});
