/** The night shot to play with before one has a folder of one's own: a copy, because a photo has edits beside it. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { holds, openOutputFolder, writeAtomically } from '../base/atomic.ts';
import { appRoot } from '../base/root.ts';

/** Packed with the app by electron-builder.yml. */
const original = path.join(appRoot, 'test/fixtures/night.dng');

/**
 * Puts the sample where it is missing or damaged; edits made beside it stay.
 * @param dataFolder the app's own
 * @returns the folder it lies in
 * @throws Refusal `disk` if it cannot be written there
 */
export async function sampleFolder(dataFolder: string): Promise<string> {
  const folder = path.join(dataFolder, 'Sample night');
  const copy = path.join(folder, 'night.dng');
  const bytes = await readFile(original);
  if (!(await holds(copy, [bytes]))) {
    await openOutputFolder(folder);
    await writeAtomically(copy, [bytes], { overwrite: true });
  }
  return folder;
}
