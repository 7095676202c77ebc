/** What file names say about pairs: the paper's names, and names that only differ by the exposure. */

import path from 'node:path';
import { isRawName } from '../../library/folder.ts';

/** Finished pictures that can be a target. */
export function isPictureName(name: string): boolean {
  return !name.startsWith('.') && /\.(png|tiff?)$/i.test(name);
}

/** Whatever can be one half of a pair. */
export function isPairFile(name: string): boolean {
  return isRawName(name) || isPictureName(name);
}

export interface SidName {
  /** The first digits. */
  readonly scene: string;
  readonly exposureSeconds: number;
}

/** Reads `00001_00_0.04s.ARW`: scene, number of the shot, exposure ("Learning to See in the Dark"). */
export function sidName(file: string): SidName | undefined {
  const match = /^(\d+)_\d+_(\d+(?:\.\d+)?)s\.\w+$/.exec(path.basename(file));
  const exposureSeconds = Number(match?.[2]);
  return match?.[1] !== undefined && exposureSeconds > 0
    ? { scene: match[1], exposureSeconds }
    : undefined;
}

/** A name without its ending; capitals do not count. */
export function stemOf(file: string): string {
  return path.basename(file, path.extname(file)).toLowerCase();
}

/**
 * What is left of a name without its ending and all that tells exposures apart: two files of one
 * scene give the same. `night_short.dng`, `night-long.png` and `night_0.1s.dng` are all `night`;
 * `roll 1-0001.dng` is itself, because only an `s` makes a number a time.
 */
export function commonName(file: string): string {
  const sid = sidName(file);
  if (sid !== undefined) return sid.scene;
  const stem = stemOf(file);
  const shortened = stem
    .replace(/[-_ ](\d+(\.\d+)?|1-\d+)s$/, '')
    .replace(/[-_ ](short|long|dark|bright|clean|noisy|gt|target|truth)$/, '');
  return shortened === '' ? stem : shortened;
}

/** A file's path below a folder, with `/` whatever the system. */
export function idBelow(folder: string, file: string): string {
  return path.relative(folder, file).split(path.sep).join('/');
}
