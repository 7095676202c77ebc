/**
 * Names the photos that training leaves out, so that `evaluate` can use pictures that are new to a
 * model.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { modelsFolder } from '../../network/manifest.ts';

/** The names in a list, one per line. Lines that begin with `#` are comments. */
function namesIn(list: string): ReadonlySet<string> {
  const lines = list.split(/\r?\n/).map((line) => line.trim());
  return new Set(lines.filter((line) => line !== '' && !line.startsWith('#')));
}

let names: ReadonlySet<string> | undefined;

/**
 * Whether a photo is on the list of the shipped models, `models/held-out.txt`. Other runs on the
 * same photos leave them out too, so that scores can be compared with the published ones.
 */
export function isHeldOut(file: string): boolean {
  names ??= namesIn(readFileSync(path.join(modelsFolder, 'held-out.txt'), 'utf8'));
  return names.has(path.basename(file));
}
