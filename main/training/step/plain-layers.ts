/**
 * The network's layers with their gradients, in ONNX's own operators: what every back end can run.
 *
 * The forms of the backward nodes were chosen by measurement: every one of them has a kernel on CPU
 * and WebGPU (SpaceToDepth, for one, has not), and convolutions stay convolutions.
 */

import { fixed, type Graph, type Value } from '../../network/onnx.ts';
import { graphOperations, leakySlope, twoByTwo, type UnetOperations } from '../../network/unet.ts';
import type { Tape } from './autodiff.ts';

/** Planes lower than this gather the input's taps instead of moving both sides (measured). */
const movedSideMin = 16;

/** Layers on a tape; tensors are [n, c, h, w]. */
export class PlainLayers implements UnetOperations<Value> {
  readonly #tape: Tape;
  readonly #graph: Graph;
  readonly #forward: UnetOperations<Value>;

  constructor(tape: Tape) {
    this.#tape = tape;
    this.#graph = tape.graph;
    this.#forward = graphOperations(tape.graph);
  }

  convolve1(x: Value, weight: Value, bias: Value): Value {
    const y = this.#forward.convolve1(x, weight, bias);
    return this.#tape.record(y, [x, weight, bias], (dy) =>
      this.#convolutionGradients(x, weight, bias, dy, 1),
    );
  }

  convolve3(x: Value, weight: Value, bias: Value): Value {
    const y = this.#forward.convolve3(x, weight, bias);
    return this.#tape.record(y, [x, weight, bias], (dy) => {
      const bent = this.#graph.apply('Mul', [dy, leakyReluSlope(this.#tape, y)], y.shape);
      return this.#convolutionGradients(x, weight, bias, bent, 3);
    });
  }

  maxPool(x: Value): Value {
    const y = this.#forward.maxPool(x);
    return this.#tape.record(y, [x], (dy) => {
      const [n = 1, c = 1, h = 1, w = 1] = fixed(y.shape);
      // Rows in pairs, columns in pairs: the maximum is compared with each of the four by broadcast.
      const wide = [n * c * h, 2, w, 2];
      const narrow = [n * c * h, 1, w, 1];
      const isMaximum = this.#graph.apply(
        'Equal',
        [this.#tape.reshape(x, wide), this.#tape.reshape(y, narrow)],
        wide,
        { type: 'bool' },
      );
      const routed = this.#graph.apply(
        'Where',
        [isMaximum, this.#tape.reshape(dy, narrow), this.#graph.scalar(0)],
        wide,
      );
      return [this.#tape.reshape(routed, x.shape)];
    });
  }

  upConvolve(x: Value, weight: Value): Value {
    const y = this.#forward.upConvolve(x, weight);
    return this.#tape.record(y, [x, weight], (dy) => {
      const [n = 1, c = 1, height = 1, width = 1] = fixed(y.shape);
      const dx = this.#graph.apply('Conv', [dy, weight], x.shape, {
        attributes: { ...twoByTwo, pads: [0, 0, 0, 0] },
      });
      // Each output pixel's place in its 2×2 becomes a channel, as in the weight [in, out, 2, 2].
      const [h, w] = [height / 2, width / 2];
      const places = this.#tape.reshape(
        this.#tape.transpose(this.#tape.reshape(dy, [n * c, h, 2, w, 2]), [0, 2, 4, 1, 3]),
        [n, c * 4, h, w],
      );
      const dWeight = this.#outerProduct(this.#channelRows(x), this.#channelRows(places));
      return [dx, this.#tape.reshape(dWeight, weight.shape)];
    });
  }

  concat(a: Value, b: Value): Value {
    const y = this.#forward.concat(a, b);
    return this.#tape.record(y, [a, b], (dy) => {
      const [, split = 0] = fixed(a.shape);
      const [, end = 0] = fixed(y.shape);
      return [
        this.#tape.slice(dy, 1, 0, split, a.shape),
        this.#tape.slice(dy, 1, split, end, b.shape),
      ];
    });
  }

  #convolutionGradients(x: Value, weight: Value, bias: Value, dy: Value, kernel: 1 | 3) {
    return [
      this.#tape.isTracked(x) ? this.#convolveInputGradient(x, weight, dy, kernel) : null,
      this.#convolveWeightGradient(x, weight, dy, kernel),
      this.#graph.apply('ReduceSum', [dy, this.#graph.integers([0, 2, 3])], bias.shape, {
        attributes: { keepdims: 0 },
      }),
    ];
  }

  /** The gradient of a convolution's input is a convolution with the weights turned around. */
  #convolveInputGradient(x: Value, weight: Value, dy: Value, kernel: 1 | 3): Value {
    const [output = 1, input = 1] = fixed(weight.shape);
    const taps = kernel * kernel;
    let turned = weight;
    if (kernel === 3) {
      const reversal = Float32Array.from({ length: taps * taps }, (_, i) =>
        Math.floor(i / taps) + (i % taps) === taps - 1 ? 1 : 0,
      );
      turned = this.#graph.apply(
        'MatMul',
        [
          this.#tape.reshape(weight, [output * input, taps]),
          this.#graph.table('reversal', [taps, taps], reversal),
        ],
        [output * input, taps],
      );
    }
    const swapped = this.#tape.transpose(
      this.#tape.reshape(turned, [output, input, kernel, kernel]),
      [1, 0, 2, 3],
    );
    const pad = kernel === 3 ? 1 : 0;
    return this.#graph.apply('Conv', [dy, swapped], x.shape, {
      attributes: { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [1, 1] },
    });
  }

  /** The gradient of a weight: output gradients times the input as each tap of the kernel saw it. */
  #convolveWeightGradient(x: Value, weight: Value, dy: Value, kernel: 1 | 3): Value {
    const [output = 1, input = 1] = fixed(weight.shape);
    if (kernel === 1) {
      const product = this.#outerProduct(this.#channelRows(dy), this.#channelRows(x));
      return this.#tape.reshape(product, weight.shape);
    }
    const [n = 1, , h = 1, w = 1] = fixed(x.shape);
    // A tap (top, left) pairs dy with the input moved by it. Rows are moved on dy's side and columns
    // on x's, so three copies of each make all nine pairs, where gathering the input would take
    // nine; the zero rows this needs are multiplied for nothing, which shrinking planes make dear.
    return h >= movedSideMin
      ? this.#weightGradientMoved(x, dy, output, input, [n, h, w])
      : this.#weightGradientGathered(x, dy, output, input, [n, h, w]);
  }

  #weightGradientMoved(
    x: Value,
    dy: Value,
    output: number,
    input: number,
    [n, h, w]: readonly [number, number, number],
  ): Value {
    const columns = n * (h + 2) * w;
    const moved = (value: Value, channels: number, pads: (move: number) => readonly number[]) => {
      const plane = this.#tape.transpose(value, [1, 0, 2, 3]);
      return [0, 1, 2].map((move) =>
        this.#graph.apply(
          'Pad',
          [plane, this.#graph.integers(pads(move))],
          [channels, n, h + 2, w],
        ),
      );
    };
    // Pads are [0, 0, top, left, 0, 0, bottom, right]; a negative one crops.
    const rows = moved(dy, output, (top) => [0, 0, top, 0, 0, 0, 2 - top, 0]);
    const cols = moved(x, input, (left) => [0, 0, 1, 1 - left, 0, 0, 1, left - 1]);
    const stacked = this.#stack(rows, [3 * output, columns]);
    const products = cols.map((col) =>
      this.#tape.reshape(this.#outerProduct(stacked, this.#tape.reshape(col, [input, columns])), [
        3,
        output,
        input,
        1,
      ]),
    );
    // [top, output, input, left] → [output, input, top, left]
    const joined = this.#graph.apply('Concat', products, [3, output, input, 3], {
      attributes: { axis: 3 },
    });
    return this.#tape.transpose(joined, [1, 2, 0, 3]);
  }

  #weightGradientGathered(
    x: Value,
    dy: Value,
    output: number,
    input: number,
    [n, h, w]: readonly [number, number, number],
  ): Value {
    const padded = this.#graph.apply(
      'Pad',
      [this.#tape.transpose(x, [1, 0, 2, 3]), this.#graph.integers([0, 0, 1, 1, 0, 0, 1, 1])],
      [input, n, h + 2, w + 2],
    );
    const taps = Array.from({ length: 9 }, (_, tap) => {
      const [top, left] = [Math.floor(tap / 3), tap % 3];
      return this.#graph.apply(
        'Slice',
        [
          padded,
          this.#graph.integers([top, left]),
          this.#graph.integers([top + h, left + w]),
          this.#graph.integers([2, 3]),
        ],
        [input, n, h, w],
      );
    });
    const pixels = n * h * w;
    const gathered = this.#stack(taps, [9 * input, pixels]);
    const product = this.#outerProduct(this.#channelRows(dy), gathered);
    const ordered = this.#tape.transpose(
      this.#tape.reshape(product, [output, 9, input]),
      [0, 2, 1],
    );
    return this.#tape.reshape(ordered, [output, input, 3, 3]);
  }

  /** Joins planes along their first axis and flattens the rest. */
  #stack(planes: readonly Value[], shape: readonly [number, number]): Value {
    const [first] = planes;
    const [, ...rest] = first?.shape ?? [];
    const channels = planes.reduce((total, plane) => total + Number(plane.shape[0]), 0);
    const joined = this.#graph.apply('Concat', planes, [channels, ...rest], {
      attributes: { axis: 0 },
    });
    return this.#tape.reshape(joined, shape);
  }

  /** [n, c, h, w] → [c, n·h·w]: one row for each channel. */
  #channelRows(x: Value): Value {
    const [n = 1, c = 1, h = 1, w = 1] = fixed(x.shape);
    if (n === 1) return this.#tape.reshape(x, [c, h * w]);
    return this.#tape.reshape(
      this.#tape.transpose(this.#tape.reshape(x, [n, c, h * w]), [1, 0, 2]),
      [c, n * h * w],
    );
  }

  /** a [m, k] · b [n, k]ᵀ → [m, n] */
  #outerProduct(a: Value, b: Value): Value {
    return this.#graph.apply('Gemm', [a, b], [a.shape[0] ?? 1, b.shape[0] ?? 1], {
      attributes: { transB: 1 },
    });
  }
}

/** Slope of LeakyReLU by its output: 1 above zero, 0.2 below. y's sign is its input's. */
export function leakyReluSlope(tape: Tape, y: Value): Value {
  const { graph } = tape;
  // Scaled up and clipped, y is the slope itself.
  return graph.apply(
    'Clip',
    [tape.scale(y, 1e9), graph.scalar(leakySlope), graph.scalar(1)],
    y.shape,
  );
}
