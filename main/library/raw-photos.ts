/** Finds the photos that a command line names. */

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRawName } from '../raw/endings.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { depthOf, isOurDng, photosIn } from './folder.ts';

/**
 * The photos of files and folders in the given order, each once; those of a folder are sorted by
 * name. A folder without photos stands for its subfolders, as on a camera's card. A file that is named
 * directly may have any ending.
 * @param onEmpty called with each folder that has no RAW photo, which is then skipped; if absent,
 *   such a folder is refused
 * @throws Refusal `bad-argument` if a path does not exist, or if there is no photo at all
 */
export async function findRawPhotos(
  paths: readonly string[],
  onEmpty?: (refusal: Refusal) => void,
): Promise<readonly string[]> {
  const empty: Refusal[] = [];
  const found = new Set<string>();
  for (const given of paths) {
    let isFolder: boolean;
    try {
      isFolder = (await stat(given)).isDirectory();
    } catch (error) {
      throw new Refusal(
        'bad-argument',
        `expected a photo or a folder at ${given} but ${reasonOf(error)}`,
      );
    }
    if (!isFolder) {
      found.add(path.resolve(given));
      continue;
    }
    const photos = await rawPhotosIn(given);
    if (photos.length === 0) {
      const refusal = new Refusal(
        'bad-argument',
        `expected RAW photos in the folder ${given} but found none`,
      );
      if (onEmpty === undefined) throw refusal;
      empty.push(refusal);
    }
    for (const photo of photos) found.add(photo);
  }
  const [first] = empty;
  if (found.size === 0 && first !== undefined) throw first;
  for (const refusal of empty) onEmpty?.(refusal);
  return [...found];
}

async function rawPhotosIn(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new Refusal(
      'bad-argument',
      `expected to read the folder ${folder} but ${reasonOf(error)}`,
    );
  }
  // What only looks like a photo is listed too: whoever decodes it says what is wrong with it.
  const photos = names
    .filter(isRawName)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => path.resolve(folder, name));
  const ours = await Promise.all(photos.map((file) => isOurDng(file)));
  const found = photos.filter((_, index) => ours[index] !== true);
  if (photos.length > 0) return found;
  const depth = await depthOf(folder, false);
  for await (const batch of photosIn(folder, { depth })) {
    found.push(...batch.map(({ path: file }) => path.resolve(file)));
  }
  return found;
}

function reasonOf(error: unknown): string {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing ? 'there is nothing of that name' : describeError(error);
}
