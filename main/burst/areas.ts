/** Grows and shrinks areas of blocks. */

import { blurred } from './planes.ts';

/** Blocks around a moving block that are assumed to have moved too. */
const growBlocks = 2;

/** Moving blocks with their surroundings, which fade out. */
export function areaOf(moving: Uint8Array, width: number, height: number): Float32Array {
  const grown = new Float32Array(moving.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (moving[y * width + x] === 0) continue;
      const [top, bottom] = [Math.max(0, y - growBlocks), Math.min(height - 1, y + growBlocks)];
      const [left, right] = [Math.max(0, x - growBlocks), Math.min(width - 1, x + growBlocks)];
      for (let row = top; row <= bottom; row++)
        grown.fill(1, row * width + left, row * width + right + 1);
    }
  }
  const area = blurred({ width, height, values: grown }, 0.75).values;
  // The blur leaves tiny values far away. Without this, every block would have to be examined.
  return area.map((share) => (share < 0.02 ? 0 : Math.min(1, share)));
}

/** The minimum of each value and its eight neighbours. */
export function least(values: Float32Array, width: number, height: number): Float32Array {
  const across = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const left = x > 0 ? values[at - 1]! : 1;
      const right = x < width - 1 ? values[at + 1]! : 1;
      across[at] = Math.min(values[at]!, left, right);
    }
  }
  return across.map((value, at) =>
    Math.min(value, across[at - width] ?? 1, across[at + width] ?? 1),
  );
}
