/** Finds the pairs in given paths: the paper's folders or lists, two folders, or one. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { describeError, Refusal, throwIfCancelled } from '../../../base/refusal.ts';
import type { FoundPairs, Pair, SplitName, Unpaired } from '../pairs.ts';
import { pairsOfExposures } from './exposures.ts';
import { layoutOf, listing } from './layout.ts';
import { pairsOfLists } from './lists.ts';
import {
  commonName,
  idBelow,
  isPairFile,
  isPictureName,
  isSameName,
  namedRatio,
  namedSeconds,
} from './names.ts';

export interface FindPairsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called while the EXIF of a single folder's photos is read. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Finds pairs without decoding anything; `checkPairs` decodes them.
 *
 * @param paths one of these:
 *   - list files of the paper (`Sony_train_list.txt` …), or one folder that holds such lists
 *   - one folder with the subfolders `short` and `long` (SID's layout), or an archive with such a folder
 *     for each camera
 *   - two folders whose names pair up, the short exposures first; finished pictures may be the second
 *   - one folder of RAW files, whose EXIF says which exposures belong together
 * @throws Refusal `dataset` if there is no pair, with what was expected and what was there;
 *   `bad-argument` for more than two folders, `cancelled`
 */
export async function findPairs(
  paths: readonly string[],
  options: FindPairsOptions = {},
): Promise<FoundPairs> {
  const found = await find(
    paths.map((given) => path.resolve(given)),
    options,
  );
  if (found.pairs.length > 0) return found;
  const [first] = found.unpaired;
  const why =
    first === undefined
      ? 'there is nothing in it to pair'
      : `none was found: ${path.basename(first.file)}, for one, was passed over because ${first.reason}`;
  throw new Refusal('dataset', `expected pairs of exposures in ${paths.join(', ')} but ${why}`);
}

async function find(paths: readonly string[], options: FindPairsOptions): Promise<FoundPairs> {
  const [first, second, ...more] = paths;
  if (first === undefined) {
    throw new Refusal('bad-argument', 'expected a folder or a list of pairs but received none');
  }
  const kinds = await Promise.all(paths.map(kindOf));
  if (kinds.every((kind) => kind === 'file')) {
    const other = paths.find((file) => !/\.txt$/i.test(file));
    if (other !== undefined) {
      throw new Refusal(
        'dataset',
        `expected a folder of pairs or a list of them (.txt) but received ${path.basename(other)}`,
      );
    }
    return pairsOfLists(paths, options);
  }
  if (kinds.includes('file') || more.length > 0) {
    throw new Refusal(
      'bad-argument',
      'expected one folder of pairs, two folders (short exposures first), or list files',
    );
  }
  if (second !== undefined) return pairsOfFolders(first, second, 'folders');
  return pairsInFolder(first, options);
}

/** Whether paths are clearly a dataset of pairs: lists, or the paper's folders. */
export async function looksLikePairs(paths: readonly string[]): Promise<boolean> {
  const [first, ...more] = paths;
  if (first === undefined) return false;
  if (/\.txt$/i.test(first)) return true;
  if (more.length > 0) return false;
  // Missing or unreadable paths are refused elsewhere.
  const layout = await layoutOf(first).catch(() => undefined);
  return ['lists', 'halves', 'cameras'].includes(layout?.kind ?? '');
}

async function kindOf(given: string): Promise<'file' | 'folder'> {
  try {
    return (await stat(given)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    throw new Refusal(
      'dataset',
      `expected a folder or a list of pairs at ${given}: ${describeError(error)}`,
      { cause: error },
    );
  }
}

async function pairsInFolder(folder: string, options: FindPairsOptions): Promise<FoundPairs> {
  throwIfCancelled(options.signal);
  const layout = await layoutOf(folder);
  switch (layout.kind) {
    case 'lists':
      return pairsOfLists(layout.lists, options);
    case 'halves':
      return pairsOfFolders(layout.short, layout.long, 'sid');
    case 'half':
      throw new Refusal(
        'dataset',
        `expected the folders "short" and "long" in ${folder} but "${layout.missing}" is missing`,
      );
    case 'cameras':
      return pairsOfCameras(folder, layout.folders, options);
    case 'photos':
      if (layout.files.length > 0) return pairsOfExposures(folder, layout.files, options);
      throw new Refusal(
        'dataset',
        `expected pairs in ${folder} but it holds neither RAW files, nor the folders "short" and "long", nor a list of pairs`,
      );
  }
}

/** The pairs of each camera. Cameras number their scenes alike, so the folder keeps scenes apart. */
async function pairsOfCameras(
  root: string,
  folders: readonly string[],
  options: FindPairsOptions,
): Promise<FoundPairs> {
  const found: FoundPairs[] = [];
  for (const folder of folders) {
    const one = await pairsInFolder(folder, options);
    if (folders.length === 1) return one;
    const below = (name: string): string => `${idBelow(root, folder)}/${name}`;
    const pairs = one.pairs.map((pair) => ({
      ...pair,
      id: below(pair.id),
      scene: below(pair.scene),
    }));
    found.push({ ...one, pairs });
  }
  return {
    layout: 'sid',
    pairs: found.flatMap(({ pairs }) => pairs).sort((a, b) => (a.id < b.id ? -1 : 1)),
    unpaired: found.flatMap(({ unpaired }) => unpaired),
  };
}

/** One half of a dataset: its files by the name they share with their partners. */
async function filesByName(folder: string): Promise<Map<string, string[]>> {
  const { names } = await listing(folder);
  const files = new Map<string, string[]>();
  for (const name of names.filter(isPairFile)) {
    const key = commonName(name);
    files.set(key, [...(files.get(key) ?? []), path.join(folder, name)]);
  }
  return files;
}

/** Pairs each short exposure with the long file of the same name, else with the longest of its scene. */
async function pairsOfFolders(
  shortFolder: string,
  longFolder: string,
  layout: 'sid' | 'folders',
): Promise<FoundPairs> {
  const [shorts, longs] = [await filesByName(shortFolder), await filesByName(longFolder)];
  for (const [folder, files] of [
    [shortFolder, shorts],
    [longFolder, longs],
  ] as const) {
    if (files.size === 0) {
      throw new Refusal(
        'dataset',
        `expected RAW files in ${folder} but there is none${folder === longFolder ? ', nor a PNG or TIFF' : ''}`,
      );
    }
  }
  const root = layout === 'sid' ? path.dirname(shortFolder) : shortFolder;
  const unpaired: Unpaired[] = [];
  const pairs: Pair[] = [];
  for (const [name, files] of shorts) {
    const candidates = longs.get(name) ?? [];
    for (const short of files) {
      const twin = candidates.find((long) => isSameName(short, long));
      const long = twin ?? longestOf(candidates);
      if (isPictureName(short)) {
        const reason = 'a short exposure has to be a RAW file';
        unpaired.push({ file: short, reason });
      } else if (long === undefined) {
        const reason = `no file in ${path.basename(longFolder)} is named like it`;
        unpaired.push({ file: short, reason });
      } else {
        pairs.push(pairOf({ root, scene: name, short, long }));
      }
    }
  }
  for (const [name, files] of longs) {
    if (shorts.has(name)) continue;
    const reason = `no file in ${path.basename(shortFolder)} is named like it`;
    unpaired.push(...files.map((file) => ({ file, reason })));
  }
  pairs.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { layout, pairs: layout === 'sid' ? withPaperSplit(pairs) : pairs, unpaired };
}

function longestOf(files: readonly string[]): string | undefined {
  const seconds = (file: string): number => namedSeconds(file) ?? 0;
  return files.toSorted((a, b) => seconds(b) - seconds(a))[0];
}

function pairOf(given: { root: string; scene: string; short: string; long: string }): Pair {
  const { root, scene, short, long } = given;
  const statedRatio = namedRatio(short, long);
  return {
    id: idBelow(root, short),
    scene,
    short,
    long,
    target: isPictureName(long) ? 'picture' : 'raw',
    ...(statedRatio === undefined ? {} : { statedRatio }),
  };
}

const paperSplits: readonly SplitName[] = ['train', 'test', 'validation'];

/**
 * The paper's numbering: scenes 0… are for training, 1… for testing, 2… for validation. It applies only
 * if every scene has five digits and both of the first two kinds occur.
 */
function withPaperSplit(pairs: readonly Pair[]): Pair[] {
  const first = new Set(
    pairs.map(({ scene }) => (/^[012]\d{4}$/.test(scene) ? Number(scene[0]) : -1)),
  );
  if (first.has(-1) || !first.has(0) || !first.has(1)) return [...pairs];
  return pairs.map((pair) => {
    const split = paperSplits[Number(pair.scene[0])];
    return split === undefined ? pair : { ...pair, split };
  });
}
