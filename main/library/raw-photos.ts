/** Finds the photos that a command line names. */

import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRawName } from '../raw/endings.ts';
import { describeError, Refusal } from '../base/refusal.ts';

/**
 * The photos of files and folders, in the order given, a folder's own sorted by name; each once. A
 * file that is named itself may have any ending.
 * @throws Refusal `bad-argument` if a path does not exist or a folder holds no RAW photo
 */
export async function findRawPhotos(paths: readonly string[]): Promise<readonly string[]> {
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
      throw new Refusal(
        'bad-argument',
        `expected RAW photos in the folder ${given} but found none`,
      );
    }
    for (const photo of photos) found.add(photo);
  }
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
  return names
    .filter(isRawName)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => path.resolve(folder, name));
}

function reasonOf(error: unknown): string {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing ? 'there is nothing of that name' : describeError(error);
}
