/** What the check of pairs finds out: ratio, shift, and every reason to leave a pair out. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../../main/export/png.ts';
import { encodeTiff } from '../../../main/export/tiff.ts';
import { linearDng } from '../../../main/raw/linear-dng.ts';
import type { FilePieces } from '../../../main/raw/ifd.ts';
import type { Mosaic } from '../../../main/raw/mosaic.ts';
import { checkPairs } from '../../../main/training/pairs/check/check.ts';
import { readFinishedPicture } from '../../../main/training/pairs/picture.ts';
import { splitByScene } from '../../../main/training/pairs/split.ts';
import { usablePairs } from '../../../main/training/pairs/usable.ts';
import {
  pairReportSchema,
  type Pair,
  type PairReport,
} from '../../../main/training/pairs/pairs.ts';
import {
  burntOut,
  dimmed,
  movedBy,
  pairOf,
  sceneOf,
  writePicture,
  writeRaw,
  type MadePair,
} from './made-pairs.ts';
import { refusalOf } from '../refusal-of.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nightglass-check-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const size = [256, 192] as const;

/** Writes what is given and says it is a pair. */
async function written(
  id: string,
  { short, long }: { short: Mosaic | string; long: Mosaic | string },
  more: Partial<Pair> = {},
): Promise<Pair> {
  const file = async (half: string, content: Mosaic | string): Promise<string> => {
    if (typeof content === 'string') return content;
    const target = path.join(folder, `${id}-${half}.dng`);
    await writeRaw(target, content);
    return target;
  };
  return {
    id,
    scene: id,
    short: await file('short', short),
    long: await file('long', long),
    target: 'raw',
    ...more,
  };
}

async function reportsOn(pairs: readonly Pair[]): Promise<PairReport[]> {
  const reports: PairReport[] = [];
  for await (const report of checkPairs(pairs)) reports.push(pairReportSchema.parse(report));
  return reports;
}

async function reportOn(pair: Pair): Promise<PairReport> {
  const [report] = await reportsOn([pair]);
  if (report === undefined) throw new Error('expected a report');
  return report;
}

describe('a pair', () => {
  let good: MadePair;
  beforeAll(() => {
    good = pairOf(sceneOf(3, size));
  });

  it('that is sound is kept, with what was measured', async () => {
    const { fault, notices, facts } = await reportOn(await written('good', good));
    expect(fault).toBeUndefined();
    expect(notices).toEqual([]);
    expect(facts).toMatchObject({
      camera: 'SONY ILCE-7SM2',
      iso: 1600,
      cfa: 'RGGB',
      width: 256,
      height: 192,
      saturated: 0,
    });
    expect(facts?.ratio).toBeCloseTo(100, 4);
    expect(Math.hypot(facts?.shift?.x ?? 99, facts?.shift?.y ?? 99)).toBeLessThan(0.6);
  });

  it('with a finished picture of the frame is kept, upright or not', async () => {
    const picture = path.join(folder, 'picture.png');
    await writePicture(picture, good.truth);
    const pair = await written(
      'picture',
      { short: good.short, long: picture },
      { target: 'picture', statedRatio: 100 },
    );
    const { fault, facts } = await reportOn(pair);
    expect(fault).toBeUndefined();
    expect(facts?.ratio).toBe(100);
    const tiff = path.join(folder, 'eight-bits.tif');
    await sharp(picture).toColourspace('srgb').tiff({ compression: 'lzw' }).toFile(tiff);
    expect((await reportOn({ ...pair, long: tiff })).fault).toBeUndefined();
    const unsaid = await reportOn({ ...pair, statedRatio: undefined });
    expect(unsaid.notices.map(({ code }) => code)).toEqual(['ratio-measured']);
    expect(unsaid.notices[0]?.sentence).toMatch(/^×\d+, a guess from the picture's tones: neither/);
    // Where names say the ratio, tones are no second opinion.
    expect(facts?.measuredRatio).toBeUndefined();

    const { width, height, samples } = good.truth;
    const turned = new Float32Array(samples.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const out = (x * height + (height - 1 - y)) * 3;
        for (let c = 0; c < 3; c++) turned[out + c] = samples[(y * width + x) * 3 + c] ?? 0;
      }
    }
    const upright = path.join(folder, 'upright.png');
    await writePicture(upright, { width: height, height: width, samples: turned });
    const portrait = await written(
      'portrait',
      { short: { ...good.short, orientation: 6 }, long: upright },
      { target: 'picture', statedRatio: 100 },
    );
    const report = await reportOn(portrait);
    expect(report.fault).toBeUndefined();
    expect(Math.hypot(report.facts?.shift?.x ?? 99, report.facts?.shift?.y ?? 99)).toBeLessThan(1);
  });

  it('with a finished picture has the ratio that the picture’s EXIF says', async () => {
    const plain = path.join(folder, 'without-exif.png');
    await writePicture(plain, good.truth);
    const image = { ...(await readFinishedPicture(plain)), space: 'srgb' as const };
    const { short } = good;
    const taken = { exposureSeconds: 10, iso: 3200, aperture: short.shot.aperture ?? 1 };
    const reportFor = async (name: string, pieces: FilePieces): Promise<PairReport> => {
      const long = path.join(folder, name);
      await writeFile(long, Buffer.concat([...pieces.chunks()]));
      return reportOn(await written('finished', { short, long }, { target: 'picture' }));
    };
    expect(short.shot).toMatchObject({ exposureSeconds: 0.1, iso: 1600 });
    const tiff = await encodeTiff(image, taken, { bits: 16, compression: 'none' });
    const png = await encodePng(image, taken, { bits: 16 });
    for (const { facts, notices } of [
      await reportFor('exif.tif', tiff),
      await reportFor('exif.png', png),
    ]) {
      expect(facts?.ratio).toBeCloseTo(200, 4);
      expect(notices).toEqual([]);
    }
    // What was made from the short exposure itself has its EXIF, which tells of no longer one.
    const own = await encodePng(image, short.shot, { bits: 16 });
    const { fault, notices } = await reportFor('own.png', own);
    expect(fault).toBeUndefined();
    expect(notices.map(({ code }) => code)).toEqual(['ratio-measured']);
  });

  it('is left out for what is wrong with it, in plain words', async () => {
    const other = pairOf(sceneOf(3, size), { camera: 'nikon-d850-bggr' });
    const small = pairOf(sceneOf(3, [192, 192]));
    const garbage = path.join(folder, 'garbage.dng');
    await writeFile(garbage, 'no photo at all');
    const plain = path.join(folder, 'plain.dng');
    const pieces = await linearDng(good.truth, good.long.shot);
    await writeFile(plain, Buffer.concat([...pieces.chunks()]));
    const wrongPicture = path.join(folder, 'wrong.png');
    await writePicture(wrongPicture, small.truth);
    const { short, long } = good;
    const shotAs = (mosaic: Mosaic, exposureSeconds: number | undefined): Mosaic => {
      const { exposureSeconds: had, ...shot } = mosaic.shot;
      return had === undefined || exposureSeconds === undefined
        ? { ...mosaic, shot }
        : { ...mosaic, shot: { ...shot, exposureSeconds } };
    };
    const night = dimmed(long, 0.002);
    const cases: readonly [string, Pair, RegExp][] = [
      ['unreadable', await written('a', { short: garbage, long }), /garbage\.dng/],
      ['unreadable', await written('b', { short, long: path.join(folder, 'nowhere.dng') }), /no such/],
      ['no-mosaic', await written('c', { short, long: plain }), /plain\.dng/],
      ['camera-differs', await written('d', { short, long: other.long }), /ILCE-7SM2.*D850/],
      ['size-differs', await written('e', { short, long: small.long }), /192 × 192.*256 × 192/],
      [
        'size-differs',
        await written('f', { short, long: wrongPicture }, { target: 'picture', statedRatio: 100 }),
        /full size/,
      ],
      ['layout-differs', await written('g', { short, long: { ...long, cfa: 'GRBG' } }), /RGGB.*GRBG/],
      ['ratio-differs', await written('h', { short: dimmed(short, 0.5), long }), /×100.*×200|×100.*×19/],
      ['ratio-out-of-range', await written('i', { short: long, long: short }), /wrong way round/],
      ['ratio-out-of-range', await written('j', { short: shotAs(dimmed(short, 0.2), 0.02), long }), /×300/],
      ['misaligned', await written('k', { short: movedBy(short, 0, 0, 16), long: movedBy(long, 8, 0, 16) }), /shifted by [78]\.\d pixels/],
      ['saturated', await written('l', { short, long: burntOut(long) }), /100 % .* burnt out/],
      ['dark', await written('m', { short, long: night }), /nearly black/],
      ['duplicate', await written('n', { short, long: short }), /very same picture/],
      ['ratio-unknown', await written('o', { short: shotAs(dimmed(short, 0), undefined), long: shotAs(long, undefined) }), /neither EXIF/],
    ]; // prettier-ignore
    for (const [code, pair, words] of cases) {
      const { fault } = await reportOn(pair);
      expect([pair.id, fault?.code, fault?.sentence]).toEqual([
        pair.id,
        code,
        expect.stringMatching(words),
      ]);
    }
  });

  it('of two scenes is left out, a finished picture too', async () => {
    const other = pairOf(sceneOf(5, size));
    const picture = path.join(folder, 'other.png');
    await writePicture(picture, other.truth);
    const { short } = good;
    const pairs = [
      await written('w', { short, long: other.long }),
      await written('x', { short, long: picture }, { target: 'picture', statedRatio: 100 }),
    ];
    for (const pair of pairs) {
      const { fault, facts } = await reportOn(pair);
      expect(fault?.code).toBe('scene-differs');
      expect(fault?.sentence).toMatch(/: these two do not show the same scene$/);
      expect(facts?.likeness).toBeLessThan(0.6);
    }
  });

  it('is kept with a remark where something can be borne', async () => {
    const { short, long } = good;
    const lit = { ...long, samples: long.samples.slice() };
    lit.samples.fill(long.whiteLevel, 0, long.samples.length / 5);
    const codes = async (pair: Pair): Promise<string[]> => {
      const { fault, notices } = await reportOn(pair);
      expect(fault).toBeUndefined();
      return notices.map(({ code }) => code);
    };
    expect(await codes(await written('p', { short: dimmed(short, 0.8), long }))).toEqual([
      'ratio-corrected',
    ]);
    expect(await codes(await written('q', { short, long: lit }))).toEqual(['partly-saturated']);
    const shifted = { short: movedBy(short, 0, 0, 16), long: movedBy(long, 2, 0, 16) };
    expect(await codes(await written('r', shifted))).toEqual(['slightly-misaligned']);
  });

  it('that is there twice counts once, and scenes that share a long exposure are one', async () => {
    const first = await written('s', good);
    const again = { ...first, id: 't' };
    const darker = pairOf(sceneOf(3, size), { ratio: 250 });
    const sister = await written(
      'u',
      { short: darker.short, long: first.long },
      { scene: 'other' },
    );
    const [kept, twin, joined] = await reportsOn([first, again, sister]);
    expect(kept?.fault).toBeUndefined();
    expect(twin?.fault?.sentence).toMatch(
      /same picture as s-short\.dng, which is paired with s-long\.dng already$/,
    );
    expect(joined?.pair.scene).toBe('s');
    expect(joined?.notices.map(({ code }) => code)).toEqual(['scene-joined']);
  });

  it('that is right is kept after a wrong line, which joins no scenes', async () => {
    const other = pairOf(sceneOf(5, size));
    const right = await written('y', good);
    const its = await written('z', other);
    const reports = await reportsOn([{ ...right, id: 'wrong', long: its.long }, right, its]);
    expect(reports.map(({ fault }) => fault?.code)).toEqual([
      'scene-differs',
      undefined,
      undefined,
    ]);
    expect(usablePairs(reports).map(({ scene }) => scene)).toEqual(['y', 'z']);
  });

  it('is of one scene with all that share a long exposure with it, over others too', async () => {
    const again = pairOf(sceneOf(3, size), { seed: 2 });
    const darker = pairOf(sceneOf(3, size), { ratio: 250 });
    const far = pairOf(sceneOf(5, size));
    const pairs = [
      await written('A1', good, { scene: 'A', split: 'train' }),
      await written('B1', { short: again.short, long: again.long }, { scene: 'B', split: 'test' }),
      await written('B2', { short: darker.short, long: good.long }, { scene: 'B', split: 'train' }),
      await written('C1', far, { scene: 'C', split: 'test' }),
    ];
    const used = usablePairs(await reportsOn(pairs));
    expect(used.map(({ scene }) => scene)).toEqual(['A', 'A', 'A', 'C']);
    const { train, test } = splitByScene(used);
    expect([train, test].map((split) => split.map(({ id }) => id))).toEqual([
      ['A1', 'B1', 'B2'],
      ['C1'],
    ]);
  });

  it('can be waited for or not', async () => {
    const pair = await written('v', good);
    const stop = new AbortController();
    const done: number[] = [];
    const refusal = await refusalOf(async () => {
      const options = { signal: stop.signal, onProgress: (count: number) => done.push(count) };
      for await (const report of checkPairs([pair, pair, pair], options)) {
        if (report.pair.id === 'v') stop.abort();
      }
    });
    expect(refusal.code).toBe('cancelled');
    expect(done).toEqual([1]);
  });
});

describe('a dataset', () => {
  const report = (id: string, more: Partial<PairReport>, camera = 'A'): PairReport => ({
    pair: { id, scene: id, short: `/${id}`, long: `/${id}l`, target: 'raw' },
    notices: [],
    facts: { camera, cfa: 'RGGB', width: 9, height: 9, ratio: 100, saturated: 0 },
    ...more,
  });
  const burnt = { fault: { code: 'saturated' as const, sentence: 'x is burnt out' } };

  it('of two pairs or more is used', () => {
    expect(usablePairs([report('a', {}), report('b', {}), report('c', burnt)])).toHaveLength(2);
  });

  it('that is empty, of one pair, burnt out or of two cameras is refused with the reason', async () => {
    const answer = async (reports: PairReport[], camera?: string): Promise<string> => {
      const refusal = await refusalOf(() => usablePairs(reports, { camera }));
      expect(refusal.code).toBe('dataset');
      return refusal.message;
    };
    expect(await answer([])).toMatch(/at least 2 pairs .* there is only none/);
    expect(await answer([report('a', {})])).toMatch(/there is only one/);
    expect(await answer([report('a', burnt), report('b', burnt)])).toMatch(
      /of 2 only none can be used: 2 are burnt out \(x is burnt out\)/,
    );
    const mixed = [report('a', {}), report('b', {}), report('c', {}, 'B'), report('d', {}, 'B')];
    expect(await answer(mixed)).toMatch(/2 of A, 2 of B/);
    expect(await answer(mixed, 'C')).toMatch(/expected pairs of C/);
    expect(usablePairs(mixed, { camera: 'B' }).map(({ id }) => id)).toEqual(['c', 'd']);
    expect(usablePairs(mixed, { camera: 'any' })).toHaveLength(4);
  });
});
