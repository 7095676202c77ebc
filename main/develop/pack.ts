/**
 * Packs a mosaic into the network's four half-size planes: R, G, G, B, whatever the sensor's colour
 * order.
 */

import { shiftToRggb } from '../raw/cfa.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import type { Normalisation } from './normalise.ts';
import type { Rectangle } from './tiles.ts';

/**
 * The grid of 2×2 cells over a mosaic in which every cell reads R, G / G, B. If the mosaic starts
 * with another colour, the grid starts one row or column before it, with mirrored samples. Nothing
 * is resampled and no row is lost.
 */
export interface PackedGrid {
  /** Width of the frame in packed pixels. */
  readonly width: number;
  readonly height: number;
  /** Rows and columns of the grid before the mosaic's first: 0 or 1. */
  readonly rowsBefore: 0 | 1;
  readonly columnsBefore: 0 | 1;
}

export function packedGrid(mosaic: Mosaic): PackedGrid {
  // The grid starts as many rows before the mosaic as the first R lies below its first row.
  const { row: rowsBefore, column: columnsBefore } = shiftToRggb(mosaic.cfa);
  return {
    width: Math.ceil((mosaic.width + columnsBefore) / 2),
    height: Math.ceil((mosaic.height + rowsBefore) / 2),
    rowsBefore,
    columnsBefore,
  };
}

/** Allocates a window's memory, which may hold old values. */
export type Allocate = (length: number) => Float32Array;

/**
 * Cuts one window out of the mosaic, normalised and packed.
 * @param window in packed pixels; what lies outside the mosaic is mirrored about its edge *sample*,
 *   which keeps the colours of the sites
 * @returns [4, window.height, window.width], order R, G (R's row), G (B's row), B; signed, 1 =
 *   saturation
 */
export function packWindow(
  mosaic: Mosaic,
  grid: PackedGrid,
  { black, scale }: Normalisation,
  window: Rectangle,
  allocate: Allocate = (length) => new Float32Array(length),
): Float32Array {
  const { samples, width } = mosaic;
  const area = window.width * window.height;
  const packed = allocate(4 * area);
  const rows = mirroredPositions(window.y * 2 - grid.rowsBefore, window.height * 2, mosaic.height);
  const columns = mirroredPositions(window.x * 2 - grid.columnsBefore, window.width * 2, width);
  for (let site = 0; site < 4; site++) {
    const [down, right] = [site >> 1, site & 1];
    // Black levels are listed for the mosaic's own 2×2 cell, and the grid may start one row or
    // column earlier.
    const own = ((down + grid.rowsBefore) % 2) * 2 + ((right + grid.columnsBefore) % 2);
    const siteBlack = black[own] ?? 0;
    const siteScale = scale[own] ?? 1;
    let out = site * area;
    for (let y = 0; y < window.height; y++) {
      const row = rows[2 * y + down]! * width;
      for (let x = 0, at = right; x < window.width; x++, at += 2, out++) {
        packed[out] = (samples[row + columns[at]!]! - siteBlack) * siteScale;
      }
    }
  }
  return packed;
}

/** Positions start … start + count − 1, mirrored into 0 … size − 1 about the edge samples. */
function mirroredPositions(start: number, count: number, size: number): Int32Array {
  const period = Math.max(1, 2 * (size - 1));
  return Int32Array.from({ length: count }, (_, index) => {
    const folded = (((start + index) % period) + period) % period;
    return folded < size ? folded : period - folded;
  });
}
