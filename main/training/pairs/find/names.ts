/** What file names say about pairs: the paper's names, and names that only differ by the exposure. */

import path from 'node:path';
import { isRawName } from '../../../library/folder.ts';

/** Finished pictures that can be a target. */
export function isPictureName(name: string): boolean {
  return !name.startsWith('.') && /\.(png|tiff?)$/i.test(name);
}

/** Whatever can be one half of a pair. */
export function isPairFile(name: string): boolean {
  return isRawName(name) || isPictureName(name);
}

/**
 * The scene of `00001_00_0.04s.ARW`: its first digits, which the shot's number and exposure follow
 * ("Learning to See in the Dark").
 */
export function sidScene(file: string): string | undefined {
  return /^(\d+)_\d+_\d+(?:\.\d+)?s\.\w+$/.exec(path.basename(file))?.[1];
}

/** A name without its ending; capitals do not count. */
function stemOf(file: string): string {
  return path.basename(file, path.extname(file)).toLowerCase();
}

/** Whether two files have the very same name but for its ending. */
export function isSameName(a: string, b: string): boolean {
  return stemOf(a) === stemOf(b);
}

/** An exposure time that ends a name: seconds, or `1-30s` for 1/30 s. */
const TIME = /[-_ ](?:1-(\d+)|(\d+(?:\.\d+)?))s$/;
/** No shutter is faster or slower than these. */
const SECONDS_MIN = 1e-6;
const SECONDS_MAX = 1e6;

/** The exposure time that a name ends in, seconds: 0.5 of `c_0.5s.nef`, 1/30 of `c_1-30s.nef`. */
export function namedSeconds(file: string): number | undefined {
  const [, fraction, whole] = TIME.exec(stemOf(file)) ?? [];
  const seconds = fraction === undefined ? Number(whole) : 1 / Number(fraction);
  return seconds >= SECONDS_MIN && seconds <= SECONDS_MAX ? seconds : undefined;
}

/** Long ÷ short exposure as two names say. The very same name was only taken over: it says nothing. */
export function namedRatio(short: string, long: string): number | undefined {
  const [inShort, inLong] = [namedSeconds(short), namedSeconds(long)];
  if (inShort === undefined || inLong === undefined || isSameName(short, long)) return undefined;
  return inLong / inShort;
}

/**
 * What is left of a name without its ending and all that tells exposures apart: two files of one
 * scene give the same. `night_short.dng`, `night-long.png` and `night_0.1s.dng` are all `night`;
 * `roll 1-0001.dng` is itself, because only an `s` makes a number a time.
 */
export function commonName(file: string): string {
  const scene = sidScene(file);
  if (scene !== undefined) return scene;
  const stem = stemOf(file);
  const shortened = stem
    .replace(TIME, '')
    .replace(/[-_ ](short|long|dark|bright|clean|noisy|gt|target|truth)$/, '');
  return shortened === '' ? stem : shortened;
}

/** A file's path below a folder, with `/` whatever the system. */
export function idBelow(folder: string, file: string): string {
  return path.relative(folder, file).split(path.sep).join('/');
}
