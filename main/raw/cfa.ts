/** Bayer colour layouts: the four phases, and how shifting alone turns each into RGGB. */

import type { CfaPattern, PerSite } from './mosaic.ts';

export type SiteColour = 'R' | 'G' | 'B';

/** A position in the pattern's cell; both numbers are 0 or 1. */
export interface Shift {
  readonly row: 0 | 1;
  readonly column: 0 | 1;
}

const layoutColours = {
  RGGB: ['R', 'G', 'G', 'B'],
  BGGR: ['B', 'G', 'G', 'R'],
  GRBG: ['G', 'R', 'B', 'G'],
  GBRG: ['G', 'B', 'R', 'G'],
} as const;

const shifts = {
  RGGB: { row: 0, column: 0 },
  GRBG: { row: 0, column: 1 },
  GBRG: { row: 1, column: 0 },
  BGGR: { row: 1, column: 1 },
} as const;

/** Colours of the four sites, in reading order. */
export function siteColours(
  cfa: CfaPattern,
): readonly [SiteColour, SiteColour, SiteColour, SiteColour] {
  return layoutColours[cfa];
}

/**
 * Position of the first R of the mosaic. Without that many rows at the top and columns at the left,
 * the rest begins with RGGB. No sample is moved or resampled.
 */
export function shiftToRggb(cfa: CfaPattern): Shift {
  return shifts[cfa];
}

/** Position within the cell after so many more rows and columns. */
export function shiftOf(rows: number, columns: number): Shift {
  return { row: rows % 2 === 0 ? 0 : 1, column: columns % 2 === 0 ? 0 : 1 };
}

/** The four values of a mosaic's sites, seen from a corner shifted by `shift`. */
export function shiftSites(sites: PerSite, { row, column }: Shift): PerSite {
  const at = (r: number, c: number): number => sites[((r + row) % 2) * 2 + ((c + column) % 2)]!;
  return [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
}

/**
 * The layout seen from a corner shifted by any number of rows and columns, including negative ones.
 */
export function shiftCfa(cfa: CfaPattern, rows: number, columns: number): CfaPattern {
  const colours = layoutColours[cfa];
  const row = Math.abs(rows) % 2;
  const column = Math.abs(columns) % 2;
  const at = (r: number, c: number): string => colours[((r + row) % 2) * 2 + ((c + column) % 2)]!;
  const name = at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1);
  const found = cfaOf(name);
  if (found === undefined) throw new Error(`${cfa} shifted by ${rows}, ${columns} gave ${name}`);
  return found;
}

/** The layout of this name; undefined if the four letters are not a Bayer layout. */
export function cfaOf(name: string): CfaPattern | undefined {
  return name === 'RGGB' || name === 'BGGR' || name === 'GRBG' || name === 'GBRG'
    ? name
    : undefined;
}
