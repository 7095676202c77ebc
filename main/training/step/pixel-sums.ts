/** Sums over all pixels of all patches: the gradients of weights and biases. */

import { fixed, type Graph, type Shape, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';

/**
 * On planes lower than this, gathering the input's taps is faster than shifting both sides
 * (measured).
 */
const movedSideMin = 16;

/** Sums arranged for a processor, as few large matrix products. Tensors are [n, c, h, w]. */
export class PixelSums {
  protected readonly tape: Tape;
  protected readonly graph: Graph;

  constructor(tape: Tape) {
    this.tape = tape;
    this.graph = tape.graph;
  }

  /** Each channel's sum, which is the gradient of a bias. */
  ofChannels(dy: Value, shape: Shape): Value {
    return this.graph.apply('ReduceSum', [dy, this.graph.integers([0, 2, 3])], shape, {
      attributes: { keepdims: 0 },
    });
  }

  /** Products of each channel of `a` [n, m, h, w] with each of `b` [n, k, h, w], summed: [m, k]. */
  products(a: Value, b: Value): Value {
    return this.#outerProduct(this.#channelRows(a), this.#channelRows(b));
  }

  /**
   * The gradient of a weight [output, input, k, k]: output gradients times the input as each tap of
   * the kernel sees it.
   */
  weightGradient(x: Value, weight: Value, dy: Value, kernel: 1 | 3): Value {
    if (kernel === 1) return this.tape.reshape(this.products(dy, x), weight.shape);
    const [, , h = 1] = fixed(x.shape);
    // A tap (top, left) pairs dy with the input shifted by it. Shifting rows of dy and columns of x
    // makes all nine pairs from three copies of each, where gathering the input would take nine
    // copies. The padding rows this needs are multiplied in vain, which costs more the smaller the
    // planes.
    return h >= movedSideMin ? this.moved(x, dy) : this.#gathered(x, dy);
  }

  protected moved(x: Value, dy: Value): Value {
    const [n = 1, input = 1, h = 1, w = 1] = fixed(x.shape);
    const [, output = 1] = fixed(dy.shape);
    const columns = n * (h + 2) * w;
    const moved = (value: Value, channels: number, pads: (move: number) => readonly number[]) => {
      const plane = this.tape.transpose(value, [1, 0, 2, 3]);
      return [0, 1, 2].map((move) =>
        this.graph.apply('Pad', [plane, this.graph.integers(pads(move))], [channels, n, h + 2, w]),
      );
    };
    // Pads are [0, 0, top, left, 0, 0, bottom, right]; a negative pad crops.
    const rows = moved(dy, output, (top) => [0, 0, top, 0, 0, 0, 2 - top, 0]);
    const cols = moved(x, input, (left) => [0, 0, 1, 1 - left, 0, 0, 1, left - 1]);
    const stacked = this.#stack(rows, [3 * output, columns]);
    const products = cols.map((col) =>
      this.tape.reshape(this.#outerProduct(stacked, this.tape.reshape(col, [input, columns])), [
        3,
        output,
        input,
        1,
      ]),
    );
    // [top, output, input, left] → [output, input, top, left]
    const joined = this.graph.apply('Concat', products, [3, output, input, 3], {
      attributes: { axis: 3 },
    });
    return this.tape.transpose(joined, [1, 2, 0, 3]);
  }

  #gathered(x: Value, dy: Value): Value {
    const [n = 1, input = 1, h = 1, w = 1] = fixed(x.shape);
    const [, output = 1] = fixed(dy.shape);
    const padded = this.graph.apply(
      'Pad',
      [this.tape.transpose(x, [1, 0, 2, 3]), this.graph.integers([0, 0, 1, 1, 0, 0, 1, 1])],
      [input, n, h + 2, w + 2],
    );
    const taps = Array.from({ length: 9 }, (_, tap) => {
      const [top, left] = [Math.floor(tap / 3), tap % 3];
      return this.graph.apply(
        'Slice',
        [
          padded,
          this.graph.integers([top, left]),
          this.graph.integers([top + h, left + w]),
          this.graph.integers([2, 3]),
        ],
        [input, n, h, w],
      );
    });
    const pixels = n * h * w;
    const gathered = this.#stack(taps, [9 * input, pixels]);
    const product = this.#outerProduct(this.#channelRows(dy), gathered);
    const ordered = this.tape.transpose(this.tape.reshape(product, [output, 9, input]), [0, 2, 1]);
    return this.tape.reshape(ordered, [output, input, 3, 3]);
  }

  /** Joins planes along their first axis and flattens the rest. */
  #stack(planes: readonly Value[], shape: readonly [number, number]): Value {
    const [first] = planes;
    const [, ...rest] = first?.shape ?? [];
    const channels = planes.reduce((total, plane) => total + Number(plane.shape[0]), 0);
    const joined = this.graph.apply('Concat', planes, [channels, ...rest], {
      attributes: { axis: 0 },
    });
    return this.tape.reshape(joined, shape);
  }

  /** [n, c, h, w] → [c, n·h·w]: one row for each channel. */
  #channelRows(x: Value): Value {
    const [n = 1, c = 1, h = 1, w = 1] = fixed(x.shape);
    if (n === 1) return this.tape.reshape(x, [c, h * w]);
    return this.tape.reshape(this.tape.transpose(this.tape.reshape(x, [n, c, h * w]), [1, 0, 2]), [
      c,
      n * h * w,
    ]);
  }

  /** a [m, k] · b [n, k]ᵀ → [m, n] */
  #outerProduct(a: Value, b: Value): Value {
    return this.graph.apply('Gemm', [a, b], [a.shape[0] ?? 1, b.shape[0] ?? 1], {
      attributes: { transB: 1 },
    });
  }
}
