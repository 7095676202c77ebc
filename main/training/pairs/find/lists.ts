/** Reads the list files of "Learning to See in the Dark": the pairs and their splits. */

import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describeError, Refusal, throwIfCancelled } from '../../../base/refusal.ts';
import type { FoundPairs, Pair, SplitName, Unpaired } from '../pairs.ts';
import { idBelow, isPairFile, isPictureName, namedRatio, sidScene } from './names.ts';

/** Names such as `Sony_train_list.txt`. */
export function isListName(name: string): boolean {
  return /_list\.txt$/i.test(name);
}

/** The split that a list's name states. */
function splitOfList(file: string): SplitName | undefined {
  const word = /(?:^|[_-])(train|val|valid|validation|test)(?:[_-]|\.)/i.exec(path.basename(file));
  const name = word?.[1]?.toLowerCase();
  if (name === 'train' || name === 'test') return name;
  return name === undefined ? undefined : 'validation';
}

/** A larger file is no list of photographs. */
const listBytesMax = 16 * 2 ** 20;

/**
 * Reads pairs out of list files. A line is `./Sony/short/00001_00_0.04s.ARW
 * ./Sony/long/00001_00_10s.ARW ISO200 F8`; the part after the two paths is optional. A path may contain
 * blanks and be quoted. Relative paths start at the list's folder or the one above it.
 * @throws Refusal `dataset` if a list cannot be read or a line of it names no pair, or if none of the
 *   files is there; single missing files come back as unpaired
 */
export async function pairsOfLists(
  lists: readonly string[],
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<FoundPairs> {
  const pairs = new Map<string, Pair>();
  const unpaired: Unpaired[] = [];
  let lines = 0;
  let firstMissing: string | undefined;
  for (const list of lists) {
    const split = splitOfList(list);
    for (const { short, long } of await linesOf(list)) {
      throwIfCancelled(signal);
      lines += 1;
      const [shortFile, longFile] = [await locate(list, short), await locate(list, long)];
      for (const [name, file] of [
        [short, shortFile],
        [long, longFile],
      ] as const) {
        if (file !== undefined) continue;
        firstMissing ??= name;
        unpaired.push({
          file: name,
          reason: `${path.basename(list)} names it, but there is no such file`,
        });
      }
      if (shortFile === undefined || longFile === undefined) continue;
      const id = idBelow(path.dirname(path.resolve(list)), shortFile);
      const statedRatio = namedRatio(shortFile, longFile);
      const key = `${shortFile}\0${longFile}`;
      if (pairs.has(key)) continue;
      pairs.set(key, {
        id,
        scene: sidScene(shortFile) ?? path.basename(longFile, path.extname(longFile)),
        short: shortFile,
        long: longFile,
        target: isPictureName(longFile) ? 'picture' : 'raw',
        ...(statedRatio === undefined ? {} : { statedRatio }),
        ...(split === undefined ? {} : { split }),
      });
    }
  }
  if (lines === 0) {
    throw new Refusal(
      'dataset',
      `expected pairs in ${lists.map((list) => path.basename(list)).join(', ')} but there is no line`,
    );
  }
  if (pairs.size === 0) {
    throw new Refusal(
      'dataset',
      `expected the files that ${path.basename(lists[0] ?? '')} names but found none of them, ` +
        `${firstMissing ?? ''} for one: a list's paths start at its own folder`,
    );
  }
  return {
    layout: 'lists',
    pairs: [...pairs.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    unpaired,
  };
}

async function linesOf(list: string): Promise<{ short: string; long: string }[]> {
  const name = path.basename(list);
  let text: string;
  try {
    const { size } = await stat(list);
    if (size > listBytesMax) throw new Error(`it has ${size} bytes`);
    text = await readFile(list, 'utf8');
  } catch (error) {
    throw new Refusal('dataset', `expected a list of pairs in ${name}: ${describeError(error)}`, {
      cause: error,
    });
  }
  const found: { short: string; long: string }[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [short, long] = pathsOf(line);
    if (short === undefined || long === undefined) {
      const cause =
        short === undefined
          ? 'no path in it ends like a RAW file, PNG or TIFF'
          : `after ${short.slice(0, 80)} no path ends like a RAW file, PNG or TIFF`;
      throw new Refusal(
        'dataset',
        `expected "short.ARW long.ARW ISO200 F8" in line ${index + 1} of ${name} but received ` +
          `"${line.trim().slice(0, 80)}": ${cause}`,
      );
    }
    found.push({ short, long });
  }
  return found;
}

/**
 * The paths in a line, at most two. Tabs delimit them if there are any. Otherwise each ends at its
 * closing quote or at the first word with the ending of a RAW file or picture.
 */
function pathsOf(line: string): string[] {
  const fields = line.split('\t', 2).map((field) => field.trim());
  if (fields.length === 2 && fields.every(isPairPath)) return fields;
  const paths: string[] = [];
  let start: number | undefined;
  for (const { 0: word, 1: quoted, index } of line.matchAll(/"([^"]*)"(?!\S)|\S+/g)) {
    start ??= index;
    if (!isPairPath(quoted ?? word)) continue;
    paths.push(quoted ?? line.slice(start, index + word.length));
    if (paths.length === 2) break;
    start = undefined;
  }
  return paths;
}

function isPairPath(named: string): boolean {
  return isPairFile(path.basename(named));
}

/** Resolves a path of a list, wherever the list itself is. */
async function locate(list: string, named: string): Promise<string | undefined> {
  const folder = path.dirname(path.resolve(list));
  // Windows would log in to any machine that a list names, so paths like \\machine\share must stay
  // below these folders.
  const isOfMachine = /^[/\\]{2}/.test(named);
  const files =
    path.isAbsolute(named) && !isOfMachine
      ? [named]
      : [folder, path.dirname(folder)].map((from) => path.resolve(from, ...named.split(/[/\\]/)));
  for (const file of files) {
    const isFile = await stat(file).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) return file;
  }
  return undefined;
}
