/** Recognises the layout of a folder of pairs: the paper's halves, an archive of them, or photos. */

import { readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRawName } from '../../../raw/endings.ts';
import { describeError, Refusal } from '../../../base/refusal.ts';
import { isListName } from './lists.ts';

/** The layout of a single folder. */
type FolderLayout =
  | { readonly kind: 'lists'; readonly lists: readonly string[] }
  | { readonly kind: 'halves'; readonly short: string; readonly long: string }
  | { readonly kind: 'half'; readonly missing: 'short' | 'long' }
  /** The paper's archive: for each camera a folder with both halves. */
  | { readonly kind: 'cameras'; readonly folders: readonly string[] }
  | { readonly kind: 'photos'; readonly files: readonly string[] };

/** @throws Refusal `dataset` if the folder cannot be read */
export async function layoutOf(folder: string): Promise<FolderLayout> {
  const { names, folders } = await listing(folder);
  const lists = names.filter(isListName).map((name) => path.join(folder, name));
  if (lists.length > 0) return { kind: 'lists', lists };
  const [short, long] = [halfOf(folders, 'short'), halfOf(folders, 'long')];
  if (short !== undefined && long !== undefined) {
    return { kind: 'halves', short: path.join(folder, short), long: path.join(folder, long) };
  }
  if (short !== undefined || long !== undefined) {
    return { kind: 'half', missing: short === undefined ? 'short' : 'long' };
  }
  const files = names.filter(isRawName).map((name) => path.join(folder, name));
  const cameras = files.length > 0 ? [] : await withBothHalves(folder, folders);
  return cameras.length > 0 ? { kind: 'cameras', folders: cameras } : { kind: 'photos', files };
}

function halfOf(folders: readonly string[], half: 'short' | 'long'): string | undefined {
  return folders.find((name) => name.toLowerCase() === half);
}

/** The folders with both halves. A folder reached by two links counts once. */
async function withBothHalves(folder: string, names: readonly string[]): Promise<string[]> {
  const found = new Map<string, string>();
  for (const name of names) {
    const inner = path.join(folder, name);
    // An unreadable folder, such as a disk's lost+found, is no camera.
    const { folders } = await listing(inner).catch(() => ({ folders: [] }));
    if (halfOf(folders, 'short') === undefined || halfOf(folders, 'long') === undefined) continue;
    const place = await realpath(inner);
    if (!found.has(place)) found.set(place, inner);
  }
  return [...found.values()];
}

interface Listing {
  readonly names: readonly string[];
  readonly folders: readonly string[];
}

/**
 * The contents of a folder, sorted. Links are followed; a broken or circular link is an unreadable
 * name.
 * @throws Refusal `dataset` if the folder cannot be read
 */
export async function listing(folder: string): Promise<Listing> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const visible = entries.filter(({ name }) => !name.startsWith('.'));
    const isFolder = await Promise.all(
      visible.map(async (entry) =>
        entry.isSymbolicLink()
          ? await stat(path.join(folder, entry.name)).then(
              (found) => found.isDirectory(),
              () => false,
            )
          : entry.isDirectory(),
      ),
    );
    const namesOf = (wanted: boolean): string[] =>
      visible.flatMap(({ name }, at) => (isFolder[at] === wanted ? [name] : [])).sort();
    return { names: namesOf(false), folders: namesOf(true) };
  } catch (error) {
    throw new Refusal(
      'dataset',
      `expected a readable folder at ${folder}: ${describeError(error)}`,
      { cause: error },
    );
  }
}
