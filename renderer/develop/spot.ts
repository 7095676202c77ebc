/** The colour of a spot that the user points at. */

import { halfToNumber } from './gl/half.ts';

/** A pixel among those of its tile: RGBA as half-precision floats, row-major. */
interface Spot {
  readonly halves: Uint16Array;
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

/** Half the side of the square, in pixels of the coarse level: one alone would be mostly noise. */
const reach = 2;

/** Mean linear colour of the pixels around a spot, as far as they are in its tile. */
export function meanAround({ halves, width, height, x, y }: Spot): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  let pixels = 0;
  for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
    for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
      const at = (row * width + column) * 4;
      sums[0] += halfToNumber(halves[at]!);
      sums[1] += halfToNumber(halves[at + 1]!);
      sums[2] += halfToNumber(halves[at + 2]!);
      pixels++;
    }
  }
  return [sums[0] / pixels, sums[1] / pixels, sums[2] / pixels];
}
