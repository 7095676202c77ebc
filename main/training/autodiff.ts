/**
 * Reverse-mode differentiation over ONNX graphs: each operation adds its forward node at once and
 * remembers how to add its backward nodes, so that loss, gradients and optimiser become one plain
 * ONNX graph which any ONNX Runtime back end can run.
 *
 * The forms of the backward nodes were chosen by measurement: every one of them has a kernel on CPU
 * and WebGPU (SpaceToDepth, for one, has not), and convolutions stay convolutions.
 */

import { fixed, sizeOf, type Graph, type Shape, type Value } from '../network/onnx.ts';
import { graphOperations, leakySlope, twoByTwo, type UnetOperations } from '../network/unet.ts';

/** Adds nodes for the gradients of an operation's inputs, given its output's; null where none. */
type Backward = (gradient: Value) => readonly (Value | null)[];

interface Step {
  readonly output: Value;
  readonly inputs: readonly Value[];
  readonly backward: Backward;
}

/** Planes lower than this gather the input's taps instead of moving both sides (measured). */
const movedSideMin = 16;

/** Records operations on one graph, and walks them backwards. */
export class Tape implements UnetOperations<Value> {
  readonly graph: Graph;
  readonly #forward: UnetOperations<Value>;
  readonly #steps: Step[] = [];
  /** Names of values that depend on a parameter; nothing else needs a gradient. */
  readonly #tracked = new Set<string>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.#forward = graphOperations(graph);
  }

  /** Marks a value as one whose gradient will be asked for. */
  track(value: Value): Value {
    this.#tracked.add(value.name);
    return value;
  }

  /**
   * Gradients of a scalar.
   * @returns the gradient of each tracked value that the scalar depends on, by name
   */
  gradients(scalar: Value): ReadonlyMap<string, Value> {
    const gradients = new Map<string, Value>([[scalar.name, this.graph.scalar(1)]]);
    for (const { output, inputs, backward } of this.#steps.toReversed()) {
      const gradient = gradients.get(output.name);
      if (gradient === undefined) continue;
      backward(gradient).forEach((part, index) => {
        const input = inputs[index];
        if (part === null || input === undefined || !this.#tracked.has(input.name)) return;
        const known = gradients.get(input.name);
        gradients.set(
          input.name,
          known === undefined ? part : this.graph.apply('Add', [known, part], input.shape),
        );
      });
    }
    return gradients;
  }

  convolve(x: Value, weight: Value, bias: Value, kernel: 1 | 3): Value {
    const y = this.#forward.convolve(x, weight, bias, kernel);
    return this.#record(y, [x, weight, bias], (dy) => [
      this.#tracked.has(x.name) ? this.#convolveInputGradient(x, weight, dy, kernel) : null,
      this.#convolveWeightGradient(x, weight, dy, kernel),
      this.graph.apply('ReduceSum', [dy, this.graph.integers([0, 2, 3])], bias.shape, {
        attributes: { keepdims: 0 },
      }),
    ]);
  }

  leakyRelu(x: Value): Value {
    const y = this.#forward.leakyRelu(x);
    return this.#record(y, [x], (dy) => {
      // y's sign is x's; scaled up and clipped it is the slope itself: 1 above zero, 0.2 below.
      const steep = this.scale(y, 1e9);
      const slope = this.graph.apply(
        'Clip',
        [steep, this.graph.scalar(leakySlope), this.graph.scalar(1)],
        y.shape,
      );
      return [this.graph.apply('Mul', [dy, slope], y.shape)];
    });
  }

  maxPool(x: Value): Value {
    const y = this.#forward.maxPool(x);
    return this.#record(y, [x], (dy) => {
      const [n = 1, c = 1, h = 1, w = 1] = fixed(y.shape);
      // Rows in pairs, columns in pairs: the maximum is compared with each of the four by broadcast.
      const wide = [n * c * h, 2, w, 2];
      const narrow = [n * c * h, 1, w, 1];
      const isMaximum = this.graph.apply(
        'Equal',
        [this.reshape(x, wide), this.reshape(y, narrow)],
        wide,
        { type: 'bool' },
      );
      const routed = this.graph.apply(
        'Where',
        [isMaximum, this.reshape(dy, narrow), this.graph.scalar(0)],
        wide,
      );
      return [this.reshape(routed, x.shape)];
    });
  }

  upConvolve(x: Value, weight: Value): Value {
    const y = this.#forward.upConvolve(x, weight);
    return this.#record(y, [x, weight], (dy) => {
      const [n = 1, c = 1, height = 1, width = 1] = fixed(y.shape);
      const dx = this.graph.apply('Conv', [dy, weight], x.shape, {
        attributes: { ...twoByTwo, pads: [0, 0, 0, 0] },
      });
      // Each output pixel's place in its 2×2 becomes a channel, as in the weight [in, out, 2, 2].
      const [h, w] = [height / 2, width / 2];
      const places = this.reshape(
        this.transpose(this.reshape(dy, [n * c, h, 2, w, 2]), [0, 2, 4, 1, 3]),
        [n, c * 4, h, w],
      );
      const dWeight = this.#outerProduct(this.#channelRows(x), this.#channelRows(places));
      return [dx, this.reshape(dWeight, weight.shape)];
    });
  }

  concat(a: Value, b: Value): Value {
    const y = this.#forward.concat(a, b);
    return this.#record(y, [a, b], (dy) => {
      const [, split = 0] = fixed(a.shape);
      const [, end = 0] = fixed(y.shape);
      return [this.#slice(dy, 1, 0, split, a.shape), this.#slice(dy, 1, split, end, b.shape)];
    });
  }

  /** A run of the flat vector as a tensor of its own. */
  view(flat: Value, offset: number, shape: readonly number[]): Value {
    const size = sizeOf(shape);
    const run = this.#slice(flat, 0, offset, offset + size, [size]);
    return this.reshape(run, shape);
  }

  add(a: Value, b: Value): Value {
    const y = this.graph.apply('Add', [a, b], broadcast(a, b));
    return this.#record(y, [a, b], (dy) => [dy, dy]);
  }

  /** a − b; no gradient for b, which is a target. */
  subtractTarget(a: Value, target: Value): Value {
    const y = this.graph.apply('Sub', [a, target], a.shape);
    return this.#record(y, [a], (dy) => [dy]);
  }

  scale(x: Value, factor: number): Value {
    const y = this.graph.apply('Mul', [x, this.graph.scalar(factor)], x.shape);
    return this.#record(y, [x], (dy) => [this.scale(dy, factor)]);
  }

  abs(x: Value): Value {
    const y = this.graph.apply('Abs', [x], x.shape);
    return this.#record(y, [x], (dy) => [
      this.graph.apply('Mul', [dy, this.graph.apply('Sign', [x], x.shape)], x.shape),
    ]);
  }

  square(x: Value): Value {
    const y = this.graph.apply('Mul', [x, x], x.shape);
    return this.#record(y, [x], (dy) => [this.graph.apply('Mul', [dy, this.scale(x, 2)], x.shape)]);
  }

  /** Mean of all elements, a scalar. */
  mean(x: Value): Value {
    const axes = x.shape.map((_, axis) => axis);
    const y = this.graph.apply('ReduceMean', [x], [], { attributes: { axes, keepdims: 0 } });
    return this.#record(y, [x], (dy) => [
      this.graph.apply('Expand', [this.scale(dy, 1 / sizeOf(x.shape)), this.#shapeOf(x)], x.shape),
    ]);
  }

  /**
   * g(x) = sign(x)·((|x| + bias)^exponent − bias^exponent): a tone curve that is defined for
   * negative numbers and has a finite slope at zero.
   */
  toneCurve(x: Value, exponent: number, bias: number): Value {
    const shape = x.shape;
    const offset = this.graph.apply(
      'Add',
      [this.graph.apply('Abs', [x], shape), this.graph.scalar(bias)],
      shape,
    );
    const power = this.graph.apply('Pow', [offset, this.graph.scalar(exponent)], shape);
    const height = this.graph.apply('Sub', [power, this.graph.scalar(bias ** exponent)], shape);
    const sign = this.graph.apply('Sign', [x], shape);
    const y = this.graph.apply('Mul', [sign, height], shape);
    return this.#record(y, [x], (dy) => {
      // g′ = exponent · (|x| + bias)^(exponent − 1), the same on both sides of zero.
      const slope = this.scale(this.graph.apply('Div', [power, offset], shape), exponent);
      return [this.graph.apply('Mul', [dy, slope], shape)];
    });
  }

  /** Means of side × side blocks; both sides of the plane divide by it. */
  blockMean(x: Value, side: number): Value {
    const [n = 1, c = 1, height = 1, width = 1] = fixed(x.shape);
    const [h, w] = [height / side, width / side];
    const y = this.graph.apply('AveragePool', [x], [n, c, h, w], {
      attributes: { kernel_shape: [side, side], strides: [side, side] },
    });
    return this.#record(y, [x], (dy) => {
      const spread = [n * c, h, side, w, side];
      const cells = this.reshape(this.scale(dy, 1 / side ** 2), [n * c, h, 1, w, 1]);
      const blocks = this.graph.apply('Expand', [cells, this.graph.integers(spread)], spread);
      return [this.reshape(blocks, x.shape)];
    });
  }

  reshape(x: Value, shape: Shape): Value {
    const y = this.graph.apply('Reshape', [x, this.graph.integers(fixed(shape))], shape);
    return this.#record(y, [x], (dy) => [this.reshape(dy, x.shape)]);
  }

  /** Not differentiated: used on gradients only. */
  transpose(x: Value, order: readonly number[]): Value {
    const shape = order.map((axis) => x.shape[axis] ?? 1);
    return this.graph.apply('Transpose', [x], shape, { attributes: { perm: order } });
  }

  #record(output: Value, inputs: readonly Value[], backward: Backward): Value {
    if (inputs.some((input) => this.#tracked.has(input.name))) {
      this.#tracked.add(output.name);
      this.#steps.push({ output, inputs, backward });
    }
    return output;
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
      turned = this.graph.apply(
        'MatMul',
        [
          this.reshape(weight, [output * input, taps]),
          this.graph.table('reversal', [taps, taps], reversal),
        ],
        [output * input, taps],
      );
    }
    const swapped = this.transpose(
      this.reshape(turned, [output, input, kernel, kernel]),
      [1, 0, 2, 3],
    );
    const pad = kernel === 3 ? 1 : 0;
    return this.graph.apply('Conv', [dy, swapped], x.shape, {
      attributes: { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [1, 1] },
    });
  }

  /** The gradient of a weight: output gradients times the input as each tap of the kernel saw it. */
  #convolveWeightGradient(x: Value, weight: Value, dy: Value, kernel: 1 | 3): Value {
    const [output = 1, input = 1] = fixed(weight.shape);
    if (kernel === 1) {
      const product = this.#outerProduct(this.#channelRows(dy), this.#channelRows(x));
      return this.reshape(product, weight.shape);
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
      const plane = this.transpose(value, [1, 0, 2, 3]);
      return [0, 1, 2].map((move) =>
        this.graph.apply('Pad', [plane, this.graph.integers(pads(move))], [channels, n, h + 2, w]),
      );
    };
    // Pads are [0, 0, top, left, 0, 0, bottom, right]; a negative one crops.
    const rows = moved(dy, output, (top) => [0, 0, top, 0, 0, 0, 2 - top, 0]);
    const cols = moved(x, input, (left) => [0, 0, 1, 1 - left, 0, 0, 1, left - 1]);
    const stacked = this.#stack(rows, [3 * output, columns]);
    const products = cols.map((col) =>
      this.reshape(this.#outerProduct(stacked, this.reshape(col, [input, columns])), [
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
    return this.transpose(joined, [1, 2, 0, 3]);
  }

  #weightGradientGathered(
    x: Value,
    dy: Value,
    output: number,
    input: number,
    [n, h, w]: readonly [number, number, number],
  ): Value {
    const padded = this.graph.apply(
      'Pad',
      [this.transpose(x, [1, 0, 2, 3]), this.graph.integers([0, 0, 1, 1, 0, 0, 1, 1])],
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
    const ordered = this.transpose(this.reshape(product, [output, 9, input]), [0, 2, 1]);
    return this.reshape(ordered, [output, input, 3, 3]);
  }

  /** Joins planes along their first axis and flattens the rest. */
  #stack(planes: readonly Value[], shape: readonly [number, number]): Value {
    const [first] = planes;
    const [, ...rest] = first?.shape ?? [];
    const channels = planes.reduce((total, plane) => total + Number(plane.shape[0]), 0);
    const joined = this.graph.apply('Concat', planes, [channels, ...rest], {
      attributes: { axis: 0 },
    });
    return this.reshape(joined, shape);
  }

  /** [n, c, h, w] → [c, n·h·w]: one row for each channel. */
  #channelRows(x: Value): Value {
    const [n = 1, c = 1, h = 1, w = 1] = fixed(x.shape);
    if (n === 1) return this.reshape(x, [c, h * w]);
    return this.reshape(this.transpose(this.reshape(x, [n, c, h * w]), [1, 0, 2]), [c, n * h * w]);
  }

  /** a [m, k] · b [n, k]ᵀ → [m, n] */
  #outerProduct(a: Value, b: Value): Value {
    return this.graph.apply('Gemm', [a, b], [a.shape[0] ?? 1, b.shape[0] ?? 1], {
      attributes: { transB: 1 },
    });
  }

  #slice(x: Value, axis: number, start: number, end: number, shape: Shape): Value {
    const bounds = [[start], [end], [axis]].map((list) => this.graph.integers(list));
    const y = this.graph.apply('Slice', [x, ...bounds], shape);
    return y;
  }

  #shapeOf(x: Value): Value {
    return this.graph.integers(fixed(x.shape));
  }
}

function broadcast(a: Value, b: Value): Shape {
  return a.shape.length >= b.shape.length ? a.shape : b.shape;
}
