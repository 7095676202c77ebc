/**
 * Dark shading: a coarse map of the sensor's signal without light, interpolated between its cells.
 */

/** The frame is divided into columns × rows equal cells; each value belongs to a cell's centre. */
export interface ShadingMap {
  readonly columns: number;
  readonly rows: number;
  /** One map per site, row-major, in DN above that site's black level. */
  readonly sites: readonly (readonly number[])[];
}

/** Reads a map row by row over a frame of width × height samples. */
export class ShadingRows {
  readonly #map: ShadingMap;
  readonly #height: number;
  /** For each column of the frame: the cell to its left, and the weight of the one to its right. */
  readonly #left: Int16Array;
  readonly #share: Float32Array;
  readonly #between: Float64Array;

  constructor(map: ShadingMap, width: number, height: number) {
    this.#map = map;
    this.#height = height;
    this.#left = new Int16Array(width);
    this.#share = new Float32Array(width);
    this.#between = new Float64Array(map.columns + 1);
    for (let x = 0; x < width; x++) {
      const [left, share] = position(x, width, map.columns);
      this.#left[x] = left;
      this.#share[x] = share;
    }
  }

  /**
   * Fills every second entry of a row, from `x0` on, with one site's shading.
   * @param out as wide as the frame, DN
   */
  read(site: number, y: number, x0: 0 | 1, out: Float32Array): void {
    const { columns, rows, sites } = this.#map;
    const values = sites[site] ?? [];
    const [above, share] = position(y, this.#height, rows);
    const below = Math.min(above + 1, rows - 1);
    for (let column = 0; column < columns; column++) {
      const top = values[above * columns + column] ?? 0;
      const bottom = values[below * columns + column] ?? 0;
      this.#between[column] = top + (bottom - top) * share;
    }
    this.#between[columns] = this.#between[columns - 1] ?? 0;
    for (let x = x0; x < out.length; x += 2) {
      const left = this.#left[x]!;
      const value = this.#between[left]!;
      out[x] = value + (this.#between[left + 1]! - value) * this.#share[x]!;
    }
  }
}

/**
 * The cell whose centre lies before a sample, and the sample's fraction of the way to the next
 * centre.
 */
function position(at: number, size: number, cells: number): readonly [number, number] {
  const place = ((at + 0.5) / size) * cells - 0.5;
  const before = Math.max(0, Math.min(cells - 1, Math.floor(place)));
  return [before, Math.max(0, Math.min(1, place - before))];
}
