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
