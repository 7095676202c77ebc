/** Reads file names of pairs: the paper's names, and names that differ only by the exposure. */

import path from 'node:path';
import { isRawName } from '../../../raw/endings.ts';

/** Endings of finished pictures that can be a target. */
export function isPictureName(name: string): boolean {
  return !name.startsWith('.') && /\.(png|tiff?)$/i.test(name);
}

/** Whether a file can be one half of a pair. */
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

/** A name without its ending, in lower case. */
function stemOf(file: string): string {
  return path.basename(file, path.extname(file)).toLowerCase();
}

/** Whether two names are equal except for the ending. */
export function isSameName(a: string, b: string): boolean {
  return stemOf(a) === stemOf(b);
}

/** An exposure time at the end of a name: seconds, or `1-30s` for 1/30 s. */
const time = /[-_ ](?:1-(\d+)|(\d+(?:\.\d+)?))s$/;
/** No shutter is faster or slower than these. */
const secondsMin = 1e-6;
const secondsMax = 1e6;

/** The exposure time at the end of a name, seconds: 0.5 for `c_0.5s.nef`, 1/30 for `c_1-30s.nef`. */
export function namedSeconds(file: string): number | undefined {
  const [, fraction, whole] = time.exec(stemOf(file)) ?? [];
  const seconds = fraction === undefined ? Number(whole) : 1 / Number(fraction);
  return seconds >= secondsMin && seconds <= secondsMax ? seconds : undefined;
}

/** Long ÷ short exposure by two names. Two equal names say nothing: one was copied from the other. */
export function namedRatio(short: string, long: string): number | undefined {
  const [inShort, inLong] = [namedSeconds(short), namedSeconds(long)];
  if (inShort === undefined || inLong === undefined || isSameName(short, long)) return undefined;
  return inLong / inShort;
}

/**
 * A name without its ending and everything that distinguishes exposures, so that files of one scene
 * give the same. `night_short.dng`, `night-long.png` and `night_0.1s.dng` all give `night`.
 * `roll 1-0001.dng` stays as it is, because only an `s` makes a number a time.
 */
export function commonName(file: string): string {
  const scene = sidScene(file);
  if (scene !== undefined) return scene;
  const stem = stemOf(file);
  const shortened = stem
    .replace(time, '')
    .replace(/[-_ ](short|long|dark|bright|clean|noisy|gt|target|truth)$/, '');
  return shortened === '' ? stem : shortened;
}

/** A file's path relative to a folder, with `/` on every system. */
export function idBelow(folder: string, file: string): string {
  return path.relative(folder, file).split(path.sep).join('/');
}
