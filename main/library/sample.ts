/**
 * The sample night shot for users without photos of their own. It is copied, because edits are
 * stored beside a photo.
 */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { holds, openOutputFolder, writeAtomically } from '../base/atomic.ts';
import { appRoot } from '../base/root.ts';

/** Packaged with the app by electron-builder.yml. */
const original = path.join(appRoot, 'test/fixtures/night.dng');

/**
 * Copies the sample if it is missing or damaged; edits beside it stay.
 * @param dataFolder of the app
 * @returns the sample's folder
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
