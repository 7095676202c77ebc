/**
 * Reverses what writers do to samples before Deflate: differences along a row and, for floats, a
 * reordering of their bytes (TIFF 6.0, section 14; Adobe, "TIFF Technical Note 3"; DNG 1.4,
 * Predictor).
 */

/** One chunk's shape. */
export interface Rows {
  readonly rowSamples: number;
  readonly rows: number;
  /** Distance in samples to the one that each was subtracted from. */
  readonly stride: number;
}

interface Predictor {
  readonly kind: 'none' | 'difference' | 'float';
  /** The same in pixels: 1, or 2 or 4 in Adobe's variants for mosaics. */
  readonly pixels: 1 | 2 | 4;
}

const predictors: ReadonlyMap<number, Predictor> = new Map([
  [1, { kind: 'none', pixels: 1 }],
  [2, { kind: 'difference', pixels: 1 }],
  [3, { kind: 'float', pixels: 1 }],
  [34_892, { kind: 'difference', pixels: 2 }],
  [34_893, { kind: 'difference', pixels: 4 }],
  [34_894, { kind: 'float', pixels: 2 }],
  [34_895, { kind: 'float', pixels: 4 }],
]);

/** The predictor for a value of tag 317; undefined if unknown. */
export function predictorOf(number: number): Predictor | undefined {
  return predictors.get(number);
}

/** Sums up horizontal differences in place; sums wrap at the samples' own width. */
export function undoDifferences(
  samples: Uint8Array | Uint16Array | Uint32Array,
  { rowSamples, rows, stride }: Rows,
): void {
  for (let row = 0; row < rows; row++) {
    const first = row * rowSamples;
    for (let i = first + stride; i < first + rowSamples; i++) samples[i]! += samples[i - stride]!;
  }
}

/**
 * Sums up the byte differences and reassembles each float's bytes, in place.
 * @param width bytes of a sample
 * @returns big-endian floats, whatever the byte order of the file
 */
export function undoFloatPredictor(
  bytes: Uint8Array,
  { rowSamples, rows, stride }: Rows,
  width: number,
): void {
  const rowBytes = rowSamples * width;
  const sorted = new Uint8Array(rowBytes);
  for (let row = 0; row < rows; row++) {
    const one = bytes.subarray(row * rowBytes, (row + 1) * rowBytes);
    for (let i = stride; i < rowBytes; i++) one[i]! += one[i - stride]!;
    for (let i = 0, out = 0; i < rowSamples; i++) {
      for (let byte = 0; byte < width; byte++, out++) sorted[out] = one[byte * rowSamples + i]!;
    }
    one.set(sorted);
  }
}
