/** Maps a frame's stored pixels to their places in the upright picture. */

import type { Orientation } from '../raw/mosaic.ts';

/** Index of a stored pixel in the upright picture: origin + row · perRow + column · perColumn. */
export interface Placement {
  readonly origin: number;
  readonly perRow: number;
  readonly perColumn: number;
}

/**
 * Placement for an EXIF 2.32 orientation (tag 274).
 * @param upright size of the turned picture, of three interleaved channels
 */
export function placementOf(
  orientation: Orientation,
  { width, height }: { readonly width: number; readonly height: number },
): Placement {
  const row = width * 3;
  const lastColumn = (width - 1) * 3;
  const lastRow = (height - 1) * row;
  switch (orientation) {
    case 1:
      return { origin: 0, perRow: row, perColumn: 3 };
    case 2:
      return { origin: lastColumn, perRow: row, perColumn: -3 };
    case 3:
      return { origin: lastRow + lastColumn, perRow: -row, perColumn: -3 };
    case 4:
      return { origin: lastRow, perRow: -row, perColumn: 3 };
    case 5:
      return { origin: 0, perRow: 3, perColumn: row };
    case 6:
      return { origin: lastColumn, perRow: -3, perColumn: row };
    case 7:
      return { origin: lastRow + lastColumn, perRow: -3, perColumn: -row };
    case 8:
      return { origin: lastRow, perRow: 3, perColumn: -row };
  }
}

/** Orientations that follow each other by quarter-turns clockwise. */
const turns: readonly (readonly Orientation[])[] = [
  [1, 6, 3, 8],
  [2, 7, 4, 5],
];

/** The orientation that also turns the upright picture clockwise. */
export function turnedOrientation(orientation: Orientation, quarters: 0 | 1 | 2 | 3): Orientation {
  const cycle = turns.find((one) => one.includes(orientation)) ?? [];
  return cycle[(cycle.indexOf(orientation) + quarters) % 4] ?? orientation;
}

/** A rectangle in shares of a picture's sides. */
export interface Shares {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** A rectangle of the upright picture, in the frame as it is stored. */
export function storedShares(
  orientation: Orientation,
  { top, left, bottom, right }: Shares,
): Shares {
  switch (orientation) {
    case 1:
      return { top, left, bottom, right };
    case 2:
      return { top, left: 1 - right, bottom, right: 1 - left };
    case 3:
      return { top: 1 - bottom, left: 1 - right, bottom: 1 - top, right: 1 - left };
    case 4:
      return { top: 1 - bottom, left, bottom: 1 - top, right };
    case 5:
      return { top: left, left: top, bottom: right, right: bottom };
    case 6:
      return { top: 1 - right, left: top, bottom: 1 - left, right: bottom };
    case 7:
      return { top: 1 - right, left: 1 - bottom, bottom: 1 - left, right: 1 - top };
    case 8:
      return { top: left, left: 1 - bottom, bottom: right, right: 1 - top };
  }
}
