/** Batches from more photos than the memory is to hold, and from folders that come and go. */

import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import type { Batch } from '../../../main/training/photos/patches.ts';
import {
  PatchSource,
  type PatchSourceOptions,
} from '../../../main/training/photos/patch-source.ts';
import { writePhotos } from './made-photos.ts';

const side = 48;
const photoCount = 12;
/** Room for eight photos of 6 bytes a pixel. */
const photoBytesMax = 8 * side * side * 6;

const folders: string[] = [];
let photos = '';
let files: string[] = [];
beforeEach(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'nightglass-shelf-'));
  folders.push(folder);
  photos = path.join(folder, 'photos');
  await writePhotos(photos, photoCount, side);
  files = Array.from({ length: photoCount }, (_, index) => path.join(photos, `made-${index}.png`));
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const open = (options: Partial<PatchSourceOptions> = {}): Promise<PatchSource> =>
  PatchSource.open({ files, seed: 3, batch: 2, patchPacked: 16, photoBytesMax, ...options });

/** Batches `first` to `last`. */
async function batches(
  first: number,
  last: number,
  options: Partial<PatchSourceOptions> = {},
): Promise<Batch[]> {
  const source = await open({ firstStep: first, ...options });
  try {
    expect(source.holdsAll).toBe(false);
    const made: Batch[] = [];
    for (let step = first; step <= last; step++) made.push(await source.next());
    return made;
  } finally {
    await source.close();
  }
}

it('a batch follows from its number, wherever a run begins and however many threads cut', async () => {
  const all = await batches(1, 90, { cutters: 1 });
  expect(all.map(({ step }) => step)).toEqual(Array.from({ length: 90 }, (_, at) => at + 1));
  expect(await batches(1, 90, { cutters: 3, ahead: 9 })).toEqual(all);
  expect(await batches(77, 90)).toEqual(all.slice(76));
  const source = await open({ firstStep: 60 });
  await source.next();
  source.rewind(20);
  expect(await source.next()).toEqual(all[19]);
  expect(await source.next()).toEqual(all[20]);
  await source.close();
});

it('waits for a folder that is away, and makes the same of it when it is back', async () => {
  const expected = await batches(1, 400);
  const told: boolean[] = [];
  const away = `${photos}-away`;
  const source = await open({
    firstStep: 1,
    onAway: (account) => {
      told.push(account !== undefined);
      if (told.length === 1) void rename(away, photos);
    },
    onSkipped: (account) => {
      throw new Error(account);
    },
  });
  try {
    await rename(photos, away);
    for (const batch of expected) expect(await source.next()).toEqual(batch);
  } finally {
    await source.close();
  }
  expect(told[0]).toBe(true);
  expect(told.at(-1)).toBe(false);
});

it('leaves out a photo that turns bad, or is deleted, and goes on', async () => {
  const skipped: string[] = [];
  const source = await open({ firstStep: 1, onSkipped: (account) => skipped.push(account) });
  try {
    await writeFile(files[2]!, 'no picture any more');
    await rm(files[5]!);
    for (let step = 1; step <= 1500 && skipped.length < 2; step++) await source.next();
  } finally {
    await source.close();
  }
  expect(skipped.map((account) => /made-\d+/.exec(account)?.[0]).sort()).toEqual([
    'made-2',
    'made-5',
  ]);
});

it('ends when most photos cannot be read any more', async () => {
  const source = await open({ firstStep: 1, photoBytesMax: photoBytesMax / 2 });
  try {
    for (const file of files) await writeFile(file, 'no picture any more');
    const until = async (): Promise<void> => {
      for (let step = 1; step <= 3000; step++) await source.next();
    };
    await expect(until()).rejects.toMatchObject({ code: 'dataset' });
  } finally {
    await source.close();
  }
});
