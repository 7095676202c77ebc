/** Facts of the shot from a file's first bytes: the same that decoding finds, and never an error. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { summariseRaw } from '../../main/raw/decode.ts';
import { cfaDng } from '../../main/raw/dng.ts';
import { isRawName } from '../../main/raw/endings.ts';
import { readHeader } from '../../main/raw/header.ts';
import { smallDng } from '../engine/small.ts';
import { bytesOf, nightMosaic, noisySamples, scratch, seeded } from './written.ts';

const files = scratch();
const fixtures = path.join(import.meta.dirname, '../fixtures');

it('tells of a shot what decoding tells, without the samples', async () => {
  const whole = files.write('whole.dng', smallDng({ width: 640, height: 480 }));
  const { shot } = await summariseRaw(whole);
  expect(shot.iso).toBe(12_800);
  expect(await readHeader(whole)).toMatchObject({ width: 640, height: 480, shot });
  // The samples are not looked at: here they are gone.
  const cut = files.write('cut.dng', readFileSync(whole).subarray(0, 1 << 16));
  expect((await readHeader(cut))?.shot).toEqual(shot);
});

it.each(
  ['.', 'raw'].flatMap((folder) =>
    readdirSync(path.join(fixtures, folder))
      .filter((name) => isRawName(name))
      .map((name) => path.join(folder, name)),
  ),
)('says nothing of %s that decoding contradicts', async (name) => {
  const file = path.join(fixtures, name);
  const { shot } = await summariseRaw(file);
  expect(shot).toMatchObject((await readHeader(file))?.shot ?? {});
});

it('reads the EXIF of the JPEG in a RAF, and spells the maker as decoding does', async () => {
  // A RAF's header (Fujifilm): its JPEG's place and length at 84 and 88, big-endian.
  const exif = Buffer.from(smallDng()).subarray(0, 4096);
  const segment = Buffer.alloc(10);
  segment.writeUInt32BE(0xffd8ffe1);
  segment.writeUInt16BE(2 + 6 + exif.length, 4);
  const jpeg = Buffer.concat([segment.subarray(0, 6), Buffer.from('Exif\0\0'), exif]);
  const head = Buffer.alloc(148);
  head.write('FUJIFILMCCD-RAW 0201FF383501X-T2');
  head.writeUInt32BE(148, 84);
  head.writeUInt32BE(jpeg.length, 88);
  const file = files.write('night.raf', Buffer.concat([head, jpeg]));
  const header = await readHeader(file);
  expect(header?.shot).toMatchObject({ make: 'Fujifilm', model: 'Owl 1', iso: 12_800 });
});

it('sees the frames of a merged file beyond a map that is longer than the first look', async () => {
  const [columns, rows] = [400, 300];
  const sixteenths = noisySamples(columns * rows, 16, 128);
  const merged = {
    frames: ['a.dng', 'b.dng'],
    reference: 'a.dng',
    map: { blockSide: 4, columns, rows, sixteenths },
  };
  const mosaic = nightMosaic({ merged, shot: { make: 'Owl', model: '1', iso: 6400 } });
  const header = await readHeader(files.write('merged.dng', bytesOf(cfaDng(mosaic))));
  expect(header?.merged).toEqual({ frames: merged.frames, reference: 'a.dng' });
});

it('says nothing of what is no photo, or is damaged, and never fails', async () => {
  expect(await readHeader(path.join(files.path, 'missing.dng'))).toBeUndefined();
  expect(await readHeader(files.path)).toBeUndefined();
  expect(await readHeader(files.write('empty.dng', ''))).toBeUndefined();
  expect(await readHeader(files.write('words.dng', 'a text, no photo'))).toBeUndefined();
  const whole = smallDng();
  const random = seeded(7);
  for (let turn = 0; turn < 60; turn++) {
    const bytes = whole.slice(0, 16 + (random() % (whole.length - 16)));
    for (let hit = 0; hit < 12; hit++) bytes[random() % Math.min(bytes.length, 2048)] = random();
    const shot = await readHeader(files.write('hit.dng', bytes));
    expect(shot === undefined || typeof shot === 'object').toBe(true);
  }
});
