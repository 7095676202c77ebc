/** Solves small systems of linear equations. */

/**
 * Gaussian elimination of a symmetric system.
 * @param upper size × size, of which only the upper half is read
 * @param sides the right-hand side
 * @returns undefined if the system is singular
 */
export function solved(
  upper: Float64Array,
  sides: Float64Array,
  size: number,
): Float64Array | undefined {
  const m = Float64Array.from(upper, (_, index) => {
    const [row, column] = [Math.floor(index / size), index % size];
    return upper[Math.min(row, column) * size + Math.max(row, column)]!;
  });
  const x = sides.slice();
  for (let pivot = 0; pivot < size; pivot++) {
    const own = m[pivot * size + pivot]!;
    if (!(own > 1e-12)) return undefined;
    for (let row = pivot + 1; row < size; row++) {
      const factor = m[row * size + pivot]! / own;
      for (let column = pivot; column < size; column++) {
        m[row * size + column]! -= factor * m[pivot * size + column]!;
      }
      x[row]! -= factor * x[pivot]!;
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let column = row + 1; column < size; column++) {
      x[row]! -= m[row * size + column]! * x[column]!;
    }
    x[row]! /= m[row * size + row]!;
  }
  return x;
}
