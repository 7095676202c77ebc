/** `PixelSums` for graphics cards, divided into parts for their many cores. */

import { fixed, type Graph, type Shape, type Value } from '../../network/onnx.ts';
import { PixelSums } from './pixel-sums.ts';

/**
 * Side of the tile of a matrix product that one group of a card's threads computes in ONNX Runtime.
 */
const tileSide = 32;
/** Minimum number of thread groups for a product: a large card runs some hundreds at a time. */
const groupsMin = 256;
/**
 * Sums of at least this many numbers take two stages, because a single group of threads computes
 * each sum.
 */
const longSum = 4096;

/**
 * The products of a gradient are small matrices, and each of their elements sums tens of thousands
 * of pixels. A card assigns each tile of the matrix to one group of threads and leaves the others
 * idle. So the pixels are divided into parts, whose products are computed separately and then
 * added.
 */
export class CardSums extends PixelSums {
  override ofChannels(dy: Value, shape: Shape): Value {
    const [n = 1, c = 1, h = 1, w = 1] = fixed(dy.shape);
    if (n * h * w < longSum) return super.ofChannels(dy, shape);
    return this.#sum(this.#sum(dy, [3], [n, c, h]), [0, 2], shape);
  }

  override products(a: Value, b: Value): Value {
    const [n = 1, rows = 1, h = 1, w = 1] = fixed(a.shape);
    const [, columns = 1] = fixed(b.shape);
    const parts = partsOf(h, n * Math.ceil(rows / tileSide) * Math.ceil(columns / tileSide));
    if (n * parts === 1) return super.products(a, b);
    const pixels = (h / parts) * w;
    const left = this.tape.transpose(this.tape.reshape(a, [n, rows, parts, pixels]), [0, 2, 1, 3]);
    const right = this.tape.transpose(b, [0, 2, 3, 1]);
    const products = this.graph.apply(
      'MatMul',
      [
        this.tape.reshape(left, [n * parts, rows, pixels]),
        this.tape.reshape(right, [n * parts, pixels, columns]),
      ],
      [n * parts, rows, columns],
    );
    return this.#sum(products, [0], [rows, columns]);
  }

  protected override moved(x: Value, dy: Value): Value {
    const [n = 1, input = 1, h = 1, w = 1] = fixed(x.shape);
    const [, output = 1] = fixed(dy.shape);
    const moves = (value: Value, channels: number, pads: (move: number) => readonly number[]) => {
      const all = [0, 1, 2].map((move) =>
        this.graph.apply('Pad', [value, this.graph.integers(pads(move))], [n, channels, h + 2, w]),
      );
      return this.graph.apply('Concat', all, [n, 3 * channels, h + 2, w], {
        attributes: { axis: 1 },
      });
    };
    // As in PixelSums, but with all nine taps in one product.
    const rows = moves(dy, output, (top) => [0, 0, top, 0, 0, 0, 2 - top, 0]);
    const columns = moves(x, input, (left) => [0, 0, 1, 1 - left, 0, 0, 1, left - 1]);
    const taps = this.tape.reshape(this.products(rows, columns), [3, output, 3, input]);
    return this.tape.transpose(taps, [1, 3, 0, 2]);
  }

  #sum(x: Value, axes: readonly number[], shape: Shape): Value {
    return this.graph.apply('ReduceSum', [x, this.graph.integers(axes)], shape, {
      attributes: { keepdims: 0 },
    });
  }
}

/** The number of parts that rows are divided into to get enough groups: a divisor of `rows`. */
function partsOf(rows: number, groups: number): number {
  let parts = 1;
  while (parts < rows && (rows % parts !== 0 || groups * parts < groupsMin)) parts += 1;
  return parts;
}

/** Sum of the squares of a long vector, arranged in rows that groups of threads can share. */
export function sumOfSquares(graph: Graph, vector: Value): Value {
  const squares = (x: Value, axes: readonly number[], shape: Shape): Value =>
    graph.apply('ReduceSumSquare', [x], shape, { attributes: { axes, keepdims: 0 } });
  const [size = 0] = fixed(vector.shape);
  const rows = Math.floor(size / longSum);
  if (rows < 2) return squares(vector, [0], []);
  const run = (start: number, end: number): Value =>
    graph.apply(
      'Slice',
      [vector, ...[start, end, 0].map((bound) => graph.integers([bound]))],
      [end - start],
    );
  const whole = rows * longSum;
  const matrix = graph.apply(
    'Reshape',
    [run(0, whole), graph.integers([rows, longSum])],
    [rows, longSum],
  );
  const sum = graph.apply('ReduceSum', [squares(matrix, [1], [rows]), graph.integers([0])], [], {
    attributes: { keepdims: 0 },
  });
  return whole === size ? sum : graph.apply('Add', [sum, squares(run(whole, size), [0], [])], []);
}
