/** Finding pairs: the paper's layout and lists, two folders, and what is no dataset. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPairs, looksLikePairs } from '../../../main/training/pairs/find/find.ts';
import { splitByScene } from '../../../main/training/pairs/split.ts';
import {
  foundPairsSchema,
  pairReportSchema,
  pairSplitsSchema,
  type PairReport,
  type PairSplits,
  type UsablePair,
} from '../../../main/training/pairs/pairs.ts';
import { refusalOf } from '../refusal-of.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'nightglass-pairs-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Files without content: names alone are looked at. */
async function folderOf(name: string, files: readonly string[]): Promise<string> {
  const folder = path.join(root, name);
  await mkdir(folder, { recursive: true });
  for (const file of files) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), '');
  }
  return folder;
}

const sidFiles = [
  'short/00001_00_0.04s.ARW',
  'short/00001_01_0.04s.ARW',
  'short/00001_00_0.1s.ARW',
  'long/00001_00_10s.ARW',
  'short/10003_00_0.1s.ARW',
  'long/10003_00_10s.ARW',
  'short/20004_09_0.1s.ARW',
  'long/20004_00_30s.ARW',
];

describe('the paper’s folders', () => {
  it('pair every short exposure with the long one of its scene, split as the paper numbers them', async () => {
    const folder = await folderOf('sid/Sony', [...sidFiles, 'short/00009_00_0.1s.ARW']);
    const found = await findPairs([folder]);
    expect(foundPairsSchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
    expect(found.layout).toBe('sid');
    expect(found.pairs.map(({ id, scene, statedRatio, split }) => [id, scene, statedRatio, split]))
      .toEqual([
        ['short/00001_00_0.04s.ARW', '00001', 250, 'train'],
        ['short/00001_00_0.1s.ARW', '00001', 100, 'train'],
        ['short/00001_01_0.04s.ARW', '00001', 250, 'train'],
        ['short/10003_00_0.1s.ARW', '10003', 100, 'test'],
        ['short/20004_09_0.1s.ARW', '20004', 300, 'validation'],
      ]); // prettier-ignore
    expect(found.unpaired).toEqual([
      {
        file: path.join(folder, 'short/00009_00_0.1s.ARW'),
        reason: 'no file in long is named like it',
      },
    ]);
    // The folder above, as the paper's archive unpacks.
    expect(await findPairs([path.dirname(folder)])).toEqual(found);
  });

  it('of several cameras are one dataset, in which scenes stay apart', async () => {
    const folder = await folderOf('archive', [
      ...sidFiles.map((file) => `Sony/${file}`),
      'Fuji/short/00001_00_0.1s.RAF',
      'Fuji/long/00001_00_10s.RAF',
      'Fuji/short/00002_00_0.1s.RAF',
      'Leica/short/00001_00_0.1s.DNG',
      'notes/readme.md',
    ]);
    const found = await findPairs([folder]);
    expect(found.layout).toBe('sid');
    expect(found.pairs.map(({ id, scene, split }) => [id, scene, split])).toEqual([
      ['Fuji/short/00001_00_0.1s.RAF', 'Fuji/00001', undefined],
      ['Sony/short/00001_00_0.04s.ARW', 'Sony/00001', 'train'],
      ['Sony/short/00001_00_0.1s.ARW', 'Sony/00001', 'train'],
      ['Sony/short/00001_01_0.04s.ARW', 'Sony/00001', 'train'],
      ['Sony/short/10003_00_0.1s.ARW', 'Sony/10003', 'test'],
      ['Sony/short/20004_09_0.1s.ARW', 'Sony/20004', 'validation'],
    ]);
    expect(found.unpaired.map(({ file }) => path.relative(folder, file))).toEqual([
      'Fuji/short/00002_00_0.1s.RAF',
    ]);
  });

  it('are known as pairs by the rule by which they are found', async () => {
    const folder = await folderOf('known', ['Fuji/short/a.RAF', 'Fuji/long/a.RAF', 'x/y.png']);
    expect(await looksLikePairs([folder])).toBe(true);
    expect(await looksLikePairs([path.join(folder, 'Fuji')])).toBe(true);
    expect(await looksLikePairs([path.join(folder, 'Fuji/short')])).toBe(false);
    expect(await looksLikePairs([path.join(folder, 'x')])).toBe(false);
    expect(await looksLikePairs([path.join(folder, 'nowhere')])).toBe(false);
  });

  it('may be links, but are no two datasets for that, nor endless', async () => {
    const real = await folderOf('linked/disk', ['dark/a.dng', 'bright/a.png']);
    const camera = await folderOf('linked/archive/Sony', []);
    const archive = path.dirname(camera);
    await symlink(path.join(real, 'dark'), path.join(camera, 'short'));
    await symlink(path.join(real, 'bright'), path.join(camera, 'long'));
    await symlink(camera, path.join(archive, 'again'));
    await symlink(archive, path.join(archive, 'circle'));
    await symlink('itself', path.join(archive, 'itself'));
    await symlink(path.join(root, 'nowhere'), path.join(archive, 'dangling'));
    await symlink(path.join(root, 'nowhere.dng'), path.join(real, 'dark', 'gone.dng'));
    const inCamera = await findPairs([camera]);
    expect(inCamera.pairs.map(({ id }) => id)).toEqual(['short/a.dng']);
    expect(inCamera.unpaired.map(({ file }) => path.basename(file))).toEqual(['gone.dng']);
    const inArchive = await findPairs([archive]);
    expect(inArchive.pairs.map(({ id }) => id)).toEqual(['short/a.dng']);
  });

  it('name what is missing', async () => {
    const half = await folderOf('half', ['short/00001_00_0.1s.ARW']);
    expect((await refusalOf(() => findPairs([half]))).message).toMatch(/"long" is missing/);
    const empty = await folderOf('empty-long', ['short/00001_00_0.1s.ARW', 'long/notes.txt']);
    expect((await refusalOf(() => findPairs([empty]))).message).toMatch(/expected RAW files in/);
  });
});

describe('the paper’s lists', () => {
  const line = './Sony/short/00001_00_0.04s.ARW ./Sony/long/00001_00_10s.ARW ISO200 F8';

  it('give pairs, their splits, and the files that are not there', async () => {
    const folder = await folderOf(
      'lists',
      sidFiles.map((file) => `Sony/${file}`),
    );
    await writeFile(
      path.join(folder, 'Sony_train_list.txt'),
      `${line}\n${line}\n./Sony/short/00777_00_0.1s.ARW ./Sony/long/00001_00_10s.ARW ISO200 F8\n`,
    );
    await writeFile(
      path.join(folder, 'Sony_val_list.txt'),
      './Sony/short/20004_09_0.1s.ARW ./Sony/long/20004_00_30s.ARW ISO640 F9\r\n',
    );
    const found = await findPairs([folder]);
    expect(found.layout).toBe('lists');
    expect(found.pairs.map(({ scene, split, statedRatio }) => [scene, split, statedRatio])).toEqual(
      [
        ['00001', 'train', 250],
        ['20004', 'validation', 300],
      ],
    );
    expect(found.unpaired.map(({ file }) => file)).toEqual(['./Sony/short/00777_00_0.1s.ARW']);
    const single = await findPairs([path.join(folder, 'Sony_val_list.txt')]);
    expect(single.pairs).toHaveLength(1);
    // Names that are not the paper's say their times too.
    await folderOf('lists/mine', ['c_1-50s.nef', 'c_4s.tif']);
    await writeFile(path.join(folder, 'mine.txt'), 'mine/c_1-50s.nef mine/c_4s.tif\n');
    const mine = await findPairs([path.join(folder, 'mine.txt')]);
    expect(mine.pairs.map(({ statedRatio }) => statedRatio)).toEqual([200]);
  });

  it('name files wherever they are, with blanks in their names', async () => {
    const files = ['my shots/a 1.ARW', 'my shots/b.2 (long).png', 'plain.ARW', 'plain.tif'];
    const folder = await folderOf('blank lists', files);
    const [a, b, plain, tiff] = files.map((file) => path.join(folder, file));
    const list = path.join(await folderOf('lists-elsewhere', []), 'pairs.txt');
    const pairsOf = async (...lines: string[]): Promise<string[][]> => {
      await writeFile(list, `\ufeff${lines.join('\n')}\n`);
      const { pairs } = await findPairs([list]);
      return pairs.map(({ short, long }) => [short, long]);
    };
    expect(await pairsOf(`${plain} ${tiff} ISO200 F8`)).toEqual([[plain, tiff]]);
    expect(await pairsOf(`${a} ${b} ISO200 F8`)).toEqual([[a, b]]);
    expect(await pairsOf(`${a}\t${b}\tISO200 F8`)).toEqual([[a, b]]);
    expect(await pairsOf(`  "${a}"   "${b}" ISO200`)).toEqual([[a, b]]);
    expect(await pairsOf(`"${a}"\t${tiff}`, `${plain} "${b}"`)).toEqual([
      [a, tiff],
      [plain, b],
    ]);
    const from = (file: string): string => `../blank lists/${file}`;
    expect(await pairsOf(`${from(files[0] ?? '')} ${from(files[1] ?? '')}`)).toEqual([[a, b]]);
  });

  it('do no harm, whatever stands in them', async () => {
    const folder = await folderOf('hostile', ['a.ARW', 'b.ARW', 'machine/share/c.ARW']);
    const list = path.join(folder, 'pairs.txt');
    const blanks = ' "x" "y z'.repeat(300_000);
    await writeFile(list, `${blanks}.ARW b.ARW\na\0.ARW /dev/zero.ARW\na.ARW b.ARW\n`);
    const found = await findPairs([list]);
    expect(found.pairs.map(({ id }) => id)).toEqual(['a.ARW']);
    // No machine is asked for a file.
    await writeFile(list, 'a.ARW \\\\machine\\share\\c.ARW\n');
    const [pair] = (await findPairs([list])).pairs;
    expect(pair?.long).toBe(path.join(folder, 'machine/share/c.ARW'));
  });

  it('are refused by line where they are no lists, and as a whole where nothing is there', async () => {
    const folder = await folderOf('wrong-lists', []);
    const list = path.join(folder, 'My_train_list.txt');
    const answer = async (text: string): Promise<string> => {
      await writeFile(list, text);
      const refusal = await refusalOf(() => findPairs([list]));
      expect(refusal.code).toBe('dataset');
      return refusal.message;
    };
    expect(await answer(`${line}\nshort.ARW\n`)).toMatch(/in line 2 of My_train_list.txt/);
    expect(await answer('./my short.ARW ./long.jpg ISO200')).toMatch(
      /ISO200": after \.\/my short\.ARW no path ends like a RAW file, PNG or TIFF$/,
    );
    expect(await answer('scene one')).toMatch(/"scene one": no path in it ends like a RAW file/);
    expect(await answer(line)).toMatch(/found none of them, \.\/Sony\/short\/00001_00_0\.04s\.ARW/);
    expect(await answer('\n')).toMatch(/there is no line/);
  });
});

describe('two folders', () => {
  it('pair by name, whatever tells the exposures apart', async () => {
    const dark = await folderOf('dark', ['a.dng', 'b_short.dng', 'c_0.5s.nef', 'lonely.dng']);
    const bright = await folderOf('bright', ['a.png', 'b_long.dng', 'c_30s.tif', 'other.dng']);
    const found = await findPairs([dark, bright]);
    expect(found.pairs.map(({ id, scene, target }) => [id, scene, target])).toEqual([
      ['a.dng', 'a', 'picture'],
      ['b_short.dng', 'b', 'raw'],
      ['c_0.5s.nef', 'c', 'picture'],
    ]);
    expect(found.unpaired.map(({ file }) => path.basename(file)).sort()).toEqual([
      'lonely.dng',
      'other.dng',
    ]);
    const refusal = await refusalOf(() => findPairs([bright, dark, dark]));
    expect(refusal.code).toBe('bad-argument');
  });

  it('pair the very same names first, whatever numbers they end in', async () => {
    const stems = ['Roll 1-0001', 'Roll 1-0002', 'room 1-2', '2024-1-15', 'clip_1s', 'clip_2s'];
    const dark = await folderOf(
      'same-dark',
      stems.map((stem) => `${stem}.dng`),
    );
    const bright = await folderOf(
      'same-bright',
      stems.map((stem) => `${stem}.PNG`),
    );
    const found = await findPairs([dark, bright]);
    const names = found.pairs.map(({ short, long }) =>
      [short, long].map((f) => path.parse(f).name),
    );
    expect(names).toEqual(stems.toSorted().map((stem) => [stem, stem]));
    // What is no time tells no two files of one scene.
    const scenes = found.pairs.map(({ scene }) => scene);
    expect(scenes).toEqual(['2024-1-15', 'roll 1-0001', 'roll 1-0002', 'clip', 'clip', 'room 1-2']);
    expect(found.unpaired).toEqual([]);
  });

  it('say by their names how long both exposures are, and which is the longest', async () => {
    const dark = await folderOf('timed-dark', [
      'a_1-30s.dng',
      'c_0.5s.nef',
      'd 2s.dng',
      'e_0s.dng',
      'f.dng',
      'same_0.5s.dng',
    ]);
    const bright = await folderOf('timed-bright', [
      'a_10s.png',
      'a_4s.png',
      'c_30s.tif',
      'c_8s.tif',
      'd-300s.png',
      'e_10s.png',
      'f_10s.png',
      'same_0.5s.png',
    ]);
    const { pairs } = await findPairs([dark, bright]);
    const said = pairs.map(({ id, long, statedRatio }) => [id, path.basename(long), statedRatio]);
    expect(said).toEqual([
      ['a_1-30s.dng', 'a_10s.png', 300],
      ['c_0.5s.nef', 'c_30s.tif', 60],
      ['d 2s.dng', 'd-300s.png', 150],
      ['e_0s.dng', 'e_10s.png', undefined],
      ['f.dng', 'f_10s.png', undefined],
      // A finished picture that was named like what it was made for tells no time of its own.
      ['same_0.5s.dng', 'same_0.5s.png', undefined],
    ]);
  });

  it('do not pair frames of a film with each other', async () => {
    const dark = await folderOf('film-dark', ['Roll 1-0001.dng', 'Roll 1-0003.dng', 'a_1-30s.dng']);
    const bright = await folderOf('film-bright', [
      'Roll 1-0001.dng',
      'Roll 1-0002.dng',
      'a_4s.dng',
    ]);
    const found = await findPairs([dark, bright]);
    expect(found.pairs.map(({ id, long }) => [id, path.basename(long)])).toEqual([
      ['Roll 1-0001.dng', 'Roll 1-0001.dng'],
      ['a_1-30s.dng', 'a_4s.dng'],
    ]);
    expect(found.unpaired.map(({ file }) => path.basename(file))).toEqual([
      'Roll 1-0003.dng',
      'Roll 1-0002.dng',
    ]);
  });
});

describe('splits', () => {
  const scenes = Array.from({ length: 30 }, (_, index) => ({ scene: `s${index}` }));
  const pairs = scenes.flatMap((one) => [one, one, one]);

  it('go by scene, by seed, and by nothing else', () => {
    const { train, validation, test } = splitByScene(pairs, { seed: 7 });
    expect([train.length, validation.length, test.length]).toEqual([72, 9, 9]);
    const of = (list: readonly { scene: string }[]): Set<string> =>
      new Set(list.map(({ scene }) => scene));
    const trained = of(train);
    expect([...of(test), ...of(validation)].filter((scene) => trained.has(scene))).toEqual([]);
    expect(splitByScene(pairs.toReversed(), { seed: 7 }).test.map(({ scene }) => scene).sort())
      .toEqual(test.map(({ scene }) => scene).sort()); // prettier-ignore
    expect(of(splitByScene(pairs, { seed: 8 }).test)).not.toEqual(of(test));
  });

  it('keep what the dataset says, and give nothing away of two scenes', () => {
    const given = splitByScene([
      { scene: 'a', split: 'train' as const },
      { scene: 'a', split: 'test' as const },
      { scene: 'b', split: 'test' as const },
    ]);
    expect([given.train.length, given.validation.length, given.test.length]).toEqual([2, 0, 1]);
    const two = splitByScene(scenes.slice(0, 2));
    expect([two.train.length, two.validation.length, two.test.length]).toEqual([2, 0, 0]);
    const three = splitByScene(scenes.slice(0, 3));
    expect([three.train.length, three.validation.length, three.test.length]).toEqual([2, 1, 0]);
    const five = splitByScene(scenes.slice(0, 5));
    expect([five.train.length, five.validation.length, five.test.length]).toEqual([3, 1, 1]);
  });
});

describe('what is known of pairs', () => {
  it('goes through JSON unchanged', () => {
    const pair = {
      id: 'a.dng',
      scene: 'a',
      short: '/a.dng',
      long: '/b.dng',
      target: 'raw',
    } as const;
    const report: PairReport = {
      pair,
      fault: { code: 'misaligned', sentence: 'it moved' },
      notices: [],
      facts: {
        camera: 'Sony ILCE-7SM2',
        cfa: 'RGGB',
        width: 40,
        height: 40,
        ratio: 100,
        shift: { x: 3, y: -1, precision: 0.3 },
        saturated: 0,
      },
    };
    expect(pairReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    const usable: UsablePair = {
      ...pair,
      ratio: 100,
      camera: 'Sony ILCE-7SM2',
      width: 40,
      height: 40,
    };
    const splits: PairSplits = { train: [usable], validation: [], test: [] };
    expect(pairSplitsSchema.parse(JSON.parse(JSON.stringify(splits)))).toEqual(splits);
  });
});
