/** Determines the colour layout of a DNG's samples from its own tags. */

import { Refusal } from '../base/refusal.ts';
import { cfaOf } from './cfa.ts';
import type { CfaPattern } from './mosaic.ts';
import type { TiffDirectory } from './tiff-tags.ts';

const samplesPerPixel = 277;
const photometric = 262;
const photometricLinearRaw = 34_892;
const cfaRepeat = 33_421;
const cfaPattern = 33_422;
const cfaLayout = 50_711;
const colourLetters = ['R', 'G', 'B'] as const;

export type SensorKind =
  | { readonly kind: 'linear' }
  | { readonly kind: 'monochrome' }
  /** Seen from the active area's corner. */
  | { readonly kind: 'bayer'; readonly cfa: CfaPattern }
  /**
   * Bayer in blocks of 2×2 samples of one colour. `cfa` is the layout of the blocks; the first
   * complete block begins this many rows and columns after the active area's corner.
   */
  | {
      readonly kind: 'quad';
      readonly cfa: CfaPattern;
      readonly rows: 0 | 1;
      readonly columns: 0 | 1;
    }
  /** Colours of 6 × 6 samples in reading order, seen from the active area's corner. */
  | { readonly kind: 'xtrans'; readonly pattern: string };

/**
 * @param name the file's own name, for messages
 * @returns undefined where the tags do not say
 * @throws Refusal `unsupported-file` for layouts that are not developed
 */
export function sensorKind(image: TiffDirectory, name: string): SensorKind | undefined {
  const channels = image.number(samplesPerPixel) ?? 1;
  if (image.number(photometric) === photometricLinearRaw)
    return channels === 1 ? { kind: 'monochrome' } : { kind: 'linear' };
  const [rows = 2, columns = 2] = image.numbers(cfaRepeat);
  const pattern = image.numbers(cfaPattern);
  if (pattern.length === 0) return undefined;
  if (pattern.length !== rows * columns)
    throw new Refusal(
      'damaged-file',
      `${name} is damaged: its colour layout is no ${rows}×${columns}`,
    );
  const layout = image.number(cfaLayout) ?? 1;
  if (layout !== 1) throw unsupported(name, 'a sensor whose rows or columns are staggered');
  if (pattern.some((code) => colourLetters[code] === undefined))
    throw unsupported(name, 'a sensor of other colours than red, green and blue');
  if (pattern.every((code) => code === pattern[0])) return { kind: 'monochrome' };
  const at = (row: number, column: number): string =>
    colourLetters[pattern[(row % rows) * columns + (column % columns)]!]!;
  const bayer = layoutOf(at, 1, 0, 0);
  if (bayer !== undefined) return { kind: 'bayer', cfa: bayer };
  for (const down of [0, 1] as const) {
    for (const along of [0, 1] as const) {
      const cfa = layoutOf(at, 2, down, along);
      if (cfa !== undefined) return { kind: 'quad', cfa, rows: down, columns: along };
    }
  }
  if (rows === 6 && columns === 6) {
    const letters = Array.from({ length: 36 }, (_, place) => at(Math.floor(place / 6), place % 6));
    if (isXTrans(letters)) return { kind: 'xtrans', pattern: letters.join('') };
  }
  throw unsupported(name, `a colour layout of ${rows}×${columns} samples other than Bayer`);
}

/** Every X-Trans pattern has 20 green samples and 8 of red and of blue, each of these in every row and column. */
export function isXTrans(letters: readonly string[]): boolean {
  const places = [0, 1, 2, 3, 4, 5];
  return (
    letters.length === 36 &&
    letters.filter((letter) => letter === 'G').length === 20 &&
    places.every((line) =>
      ['R', 'G', 'B'].every(
        (colour) =>
          places.some((other) => letters[line * 6 + other] === colour) &&
          places.some((other) => letters[other * 6 + line] === colour),
      ),
    )
  );
}

/** The Bayer layout of blocks of `side`² samples from a corner on; undefined where it is none. */
function layoutOf(
  at: (row: number, column: number) => string,
  side: number,
  down: number,
  along: number,
): CfaPattern | undefined {
  const block = (row: number, column: number): string =>
    at(down + row * side, along + column * side);
  const cfa = cfaOf(block(0, 0) + block(0, 1) + block(1, 0) + block(1, 1));
  if (cfa === undefined) return undefined;
  // Every possible layout repeats a whole number of times in twelve samples.
  for (let row = 0; row < 12; row++) {
    for (let column = 0; column < 12; column++) {
      const expected = block(Math.floor(row / side) % 2, Math.floor(column / side) % 2);
      if (at(down + row, along + column) !== expected) return undefined;
    }
  }
  return cfa;
}

function unsupported(name: string, what: string): Refusal {
  return new Refusal('unsupported-file', `${name} is from ${what}, which is not supported yet`);
}
