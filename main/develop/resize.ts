/** Shrinks a finished picture in linear light, so that fine bright detail keeps its brightness. */

import type { FinishedImage, OutputSpace } from '../raw/image.ts';
import { encode } from './tone.ts';

/** Shrinks a picture so that its longer side has at most this many pixels; never enlarges it. */
export function limitLongSide(image: FinishedImage, longSide: number): FinishedImage {
  const factor = longSide / Math.max(image.width, image.height);
  if (factor >= 1) return image;
  const width = Math.max(1, Math.round(image.width * factor));
  const height = Math.max(1, Math.round(image.height * factor));
  const { space, samples } = image;
  const toLinear = linearTable(space);
  const columns = spans(image.width, width);
  const rows = spans(image.height, height);
  const result = new Uint16Array(width * height * 3);
  const line = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    line.fill(0);
    const row = rows[y]!;
    row.weights.forEach((rowWeight, down) => {
      const start = (row.first + down) * image.width * 3;
      for (let x = 0; x < width; x++) {
        const { first, weights } = columns[x]!;
        for (let i = 0, at = start + first * 3; i < weights.length; i++, at += 3) {
          const weight = rowWeight * weights[i]!;
          line[x * 3]! += weight * toLinear[samples[at]!]!;
          line[x * 3 + 1]! += weight * toLinear[samples[at + 1]!]!;
          line[x * 3 + 2]! += weight * toLinear[samples[at + 2]!]!;
        }
      }
    });
    for (let i = 0, to = y * width * 3; i < line.length; i++, to++) {
      result[to] = 65_535 * encode(Math.min(1, line[i]!), space) + 0.5;
    }
  }
  return { width, height, samples: result, space };
}

interface Span {
  readonly first: number;
  /** Share of the new pixel that each old one covers; their sum is 1. */
  readonly weights: readonly number[];
}

function spans(from: number, to: number): readonly Span[] {
  const size = from / to;
  return Array.from({ length: to }, (_, index) => {
    const [begin, end] = [index * size, Math.min(from, (index + 1) * size)];
    const first = Math.floor(begin);
    const count = Math.max(1, Math.ceil(end - 1e-9) - first);
    const covered = Array.from({ length: count }, (_unused, i) =>
      Math.max(0, Math.min(end, first + i + 1) - Math.max(begin, first + i)),
    );
    const sum = covered.reduce((total, part) => total + part, 0);
    return { first, weights: covered.map((part) => part / sum) };
  });
}

/** The inverse of `encode` for every 16-bit value, found by bisection. */
function linearTable(space: OutputSpace): Float32Array {
  const table = new Float32Array(65_536);
  let low = 0;
  for (let value = 0; value < 65_536; value++) {
    let high = 1;
    for (let round = 0; round < 30; round++) {
      const middle = (low + high) / 2;
      if (encode(middle, space) * 65_535 < value) low = middle;
      else high = middle;
    }
    table[value] = high;
  }
  return table;
}
