/**
 * Reverse-mode differentiation over ONNX graphs. Each operation adds its forward node at once and
 * records how to add its backward nodes. Loss, gradients and optimiser thus become one plain ONNX
 * graph that any ONNX Runtime back end can run.
 *
 * The network's own layers are differentiated in `plain-layers.ts` and `blocked-layers.ts`.
 */

import { fixed, sizeOf, type Graph, type Shape, type Value } from '../../network/onnx.ts';

/**
 * Adds nodes for the gradients of an operation's inputs, given its output's gradient; null for
 * inputs without one.
 */
type Backward = (gradient: Value) => readonly (Value | null)[];

interface Step {
  readonly output: Value;
  readonly inputs: readonly Value[];
  readonly backward: Backward;
}

/** Records operations on one graph, and traverses them backwards. */
export class Tape {
  readonly graph: Graph;
  readonly #steps: Step[] = [];
  /** Names of values that depend on a parameter; only these need a gradient. */
  readonly #tracked = new Set<string>();
  /** The originals of reshaped values, by name. */
  readonly #origins = new Map<string, Value>();

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** Marks a value whose gradient will be requested. */
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

  /** A range of the flat vector as a separate tensor. */
  view(flat: Value, offset: number, shape: readonly number[]): Value {
    const size = sizeOf(shape);
    if (size === sizeOf(flat.shape)) return this.reshape(flat, shape);
    const run = this.slice(flat, 0, offset, offset + size, [size]);
    return this.reshape(run, shape);
  }

  add(a: Value, b: Value): Value {
    const y = this.graph.apply('Add', [a, b], broadcast(a, b));
    return this.record(y, [a, b], (dy) => [dy, dy]);
  }

  /** a − b. No gradient flows to b, which is a target. */
  subtractTarget(a: Value, target: Value): Value {
    const y = this.graph.apply('Sub', [a, target], a.shape);
    return this.record(y, [a], (dy) => [dy]);
  }

  scale(x: Value, factor: number): Value {
    const y = this.graph.apply('Mul', [x, this.graph.scalar(factor)], x.shape);
    return this.record(y, [x], (dy) => [this.scale(dy, factor)]);
  }

  abs(x: Value): Value {
    const y = this.graph.apply('Abs', [x], x.shape);
    return this.record(y, [x], (dy) => [
      isScalar(dy) ? this.#sign(x, dy) : this.graph.apply('Mul', [dy, this.#sign(x)], x.shape),
    ]);
  }

  square(x: Value): Value {
    const y = this.graph.apply('Mul', [x, x], x.shape);
    return this.record(y, [x], (dy) => [this.graph.apply('Mul', [x, this.scale(dy, 2)], x.shape)]);
  }

  /**
   * Mean of all elements of [n, c, h, w], a scalar. Its gradient is a scalar too, equal for all
   * elements, so the operation recorded before must multiply it by a tensor of x's shape.
   */
  mean(x: Value): Value {
    const planes = this.#planeMeans(x);
    const axes = planes.shape.map((_, axis) => axis);
    const y = this.graph.apply('ReduceMean', [planes], [], { attributes: { axes, keepdims: 0 } });
    return this.record(y, [x], (dy) => [this.scale(dy, 1 / sizeOf(x.shape))]);
  }

  /**
   * Mean over each patch, [n, 1, 1, 1]. Its gradient has that shape too; as in `mean`, the operation
   * recorded before expands it.
   */
  patchMean(x: Value): Value {
    const [n = 1, ...rest] = fixed(x.shape);
    const axes = rest.map((_, at) => at + 1);
    const y = this.graph.apply('ReduceMean', [this.#planeMeans(x)], [n, ...rest.map(() => 1)], {
      attributes: { axes, keepdims: 1 },
    });
    return this.record(y, [x], (dy) => [this.scale(dy, n / sizeOf(x.shape))]);
  }

  /**
   * Mean of each plane, [n, c, 1, 1]: the first stage of a larger mean, which threads can share.
   */
  #planeMeans(x: Value): Value {
    const [n = 1, c = 1] = fixed(x.shape);
    return this.graph.apply('ReduceMean', [x], [n, c, 1, 1], {
      attributes: { axes: [2, 3], keepdims: 1 },
    });
  }

  /** ln(x + bias), for x ≥ 0. */
  logarithm(x: Value, bias: number): Value {
    const { graph } = this;
    const moved = graph.apply('Add', [x, graph.scalar(bias)], x.shape);
    const y = graph.apply('Log', [moved], x.shape);
    return this.record(y, [x], (dy) => [graph.apply('Div', [dy, moved], x.shape)]);
  }

  /**
   * g(x) = sign(x)·((|x| + bias)^exponent − bias^exponent): a tone curve that is defined for
   * negative numbers and has a finite slope at zero.
   */
  toneCurve(x: Value, exponent: number, bias: number): Value {
    const { graph } = this;
    const { raised, slope } = this.#raise(graph.apply('Abs', [x], x.shape), exponent, bias);
    const height = graph.apply('Sub', [raised, graph.scalar(bias ** exponent)], x.shape);
    const y = graph.apply('Mul', [this.#sign(x), height], x.shape);
    // The slope is symmetric about zero.
    return this.record(y, [x], (dy) => [graph.apply('Mul', [dy, slope()], x.shape)]);
  }

  /**
   * `toneCurve` for light, which is not negative and needs no sign. Not differentiated, because it
   * is used on targets.
   */
  lightToneCurve(x: Value, exponent: number, bias: number): Value {
    const { raised } = this.#raise(x, exponent, bias);
    return this.graph.apply('Sub', [raised, this.graph.scalar(bias ** exponent)], x.shape);
  }

  /** (x + bias)^exponent, for x ≥ 0. */
  power(x: Value, exponent: number, bias: number): Value {
    const { raised, slope } = this.#raise(x, exponent, bias);
    return this.record(raised, [x], (dy) => [this.graph.apply('Mul', [dy, slope()], x.shape)]);
  }

  /** Clips at both ends; clipped elements have no gradient. */
  clip(x: Value, low: number, high: number): Value {
    const { graph } = this;
    const y = graph.apply('Clip', [x, graph.scalar(low), graph.scalar(high)], x.shape);
    return this.record(y, [x], (dy) => {
      const kept = graph.apply('Equal', [x, y], x.shape, { type: 'bool' });
      return [graph.apply('Where', [kept, dy, graph.scalar(0)], x.shape)];
    });
  }

  /**
   * Multiplies the channels of every pixel by a fixed matrix.
   * @param matrix rows × channels, row by row
   */
  mixChannels(x: Value, matrix: Float32Array): Value {
    const [n = 1, channels = 1, ...sides] = fixed(x.shape);
    const rows = matrix.length / channels;
    const mix = (value: Value, weights: Float32Array, to: number, from: number): Value => {
      const key = `${String(to)}:${weights.join(' ')}`;
      const weight = this.graph.table(key, [to, from, 1, 1], weights);
      return this.graph.apply('Conv', [value, weight], [n, to, ...sides]);
    };
    const y = mix(x, matrix, rows, channels);
    return this.record(y, [x], (dy) => {
      const transposed = matrix.map(
        (_, at) => matrix[(at % rows) * channels + Math.floor(at / rows)] ?? 0,
      );
      return [mix(dy, transposed, channels, rows)];
    });
  }

  /**
   * Means of side × side blocks; `side` must divide height and width. Averages rows, then columns,
   * because the runtime's AveragePool takes twice as long for both at once.
   */
  blockMean(x: Value, side: number): Value {
    const [n = 1, c = 1, height = 1, width = 1] = fixed(x.shape);
    const [h, w] = [height / side, width / side];
    const mean = (value: Value, shape: Shape, sides: Shape): Value =>
      this.graph.apply('ReduceMean', [this.reshape(value, sides)], shape, {
        attributes: { axes: [1], keepdims: 0 },
      });
    const rows = mean(x, [n * c * h, width], [n * c * h, side, width]);
    const y = this.reshape(mean(rows, [n * c * h * w], [n * c * h * w, side]), [n, c, h, w]);
    return this.record(y, [x], (dy) => {
      const spread = [n * c, h, side, w, side];
      const cells = this.reshape(this.scale(dy, 1 / side ** 2), [n * c, h, 1, w, 1]);
      const blocks = this.graph.apply('Expand', [cells, this.graph.integers(spread)], spread);
      return [this.reshape(blocks, x.shape)];
    });
  }

  /**
   * The same numbers in another shape. A value that was already reshaped is reshaped from its
   * original.
   */
  reshape(value: Value, shape: Shape): Value {
    const origin = this.#origins.get(value.name);
    const isOfOrigin = origin !== undefined && this.isTracked(origin) === this.isTracked(value);
    const x = isOfOrigin ? origin : value;
    if (isSame(x.shape, shape)) return x;
    const y = this.graph.apply('Reshape', [x, this.graph.integers(fixed(shape))], shape);
    this.#origins.set(y.name, x);
    return this.record(y, [x], (dy) => [this.reshape(dy, x.shape)]);
  }

  isTracked(value: Value): boolean {
    return this.#tracked.has(value.name);
  }

  /** Not differentiated: used on gradients only. */
  transpose(x: Value, order: readonly number[]): Value {
    const shape = order.map((axis) => x.shape[axis] ?? 1);
    return this.graph.apply('Transpose', [x], shape, { attributes: { perm: order } });
  }

  /** Records how to differentiate an operation, if any of its inputs is tracked. */
  record(output: Value, inputs: readonly Value[], backward: Backward): Value {
    if (inputs.some((input) => this.#tracked.has(input.name))) {
      this.#tracked.add(output.name);
      this.#steps.push({ output, inputs, backward });
    }
    return output;
  }

  /** Not differentiated, like `transpose`. */
  slice(x: Value, axis: number, start: number, end: number, shape: Shape): Value {
    const bounds = [[start], [end], [axis]].map((list) => this.graph.integers(list));
    const y = this.graph.apply('Slice', [x, ...bounds], shape);
    return y;
  }

  /**
   * (x + bias)^exponent for x ≥ 0, bias > 0, with its slope. Computed as e^(exponent · ln), because
   * the runtime's Pow is not vectorised and takes nearly twice as long.
   */
  #raise(x: Value, exponent: number, bias: number): { raised: Value; slope: () => Value } {
    const { graph } = this;
    const moved = graph.apply('Add', [x, graph.scalar(bias)], x.shape);
    const logarithm = this.scale(graph.apply('Log', [moved], x.shape), exponent);
    const raised = graph.apply('Exp', [logarithm], x.shape);
    const slope = () => this.scale(graph.apply('Div', [raised, moved], x.shape), exponent);
    return { raised, slope };
  }

  /** −height, 0 or height. The runtime's own Sign takes three times as long. */
  #sign(x: Value, height: Value = this.graph.scalar(1)): Value {
    const steep = this.graph.apply('Mul', [x, this.graph.scalar(1e30)], x.shape);
    return this.graph.apply('Clip', [steep, this.scale(height, -1), height], x.shape);
  }
}

function isSame(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

function isScalar({ shape }: Value): boolean {
  return shape.length === 0;
}

function broadcast(a: Value, b: Value): Shape {
  return a.shape.length >= b.shape.length ? a.shape : b.shape;
}
