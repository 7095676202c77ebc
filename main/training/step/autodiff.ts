/**
 * Reverse-mode differentiation over ONNX graphs: each operation adds its forward node at once and
 * remembers how to add its backward nodes, so that loss, gradients and optimiser become one plain
 * ONNX graph which any ONNX Runtime back end can run.
 *
 * The network's own layers differentiate themselves in `plain-layers.ts` and `blocked-layers.ts`.
 */

import { fixed, sizeOf, type Graph, type Shape, type Value } from '../../network/onnx.ts';

/** Adds nodes for the gradients of an operation's inputs, given its output's; null where none. */
type Backward = (gradient: Value) => readonly (Value | null)[];

interface Step {
  readonly output: Value;
  readonly inputs: readonly Value[];
  readonly backward: Backward;
}

/** Records operations on one graph, and walks them backwards. */
export class Tape {
  readonly graph: Graph;
  readonly #steps: Step[] = [];
  /** Names of values that depend on a parameter; nothing else needs a gradient. */
  readonly #tracked = new Set<string>();
  /** What reshaped values were before, by name. */
  readonly #origins = new Map<string, Value>();

  constructor(graph: Graph) {
    this.graph = graph;
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

  /** A run of the flat vector as a tensor of its own. */
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

  /** a − b; no gradient for b, which is a target. */
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
   * Mean of all elements of [n, c, h, w], a scalar. Its gradient is a scalar too, the same for each
   * element: what is recorded before it multiplies it by something of x's shape.
   */
  mean(x: Value): Value {
    const planes = this.#planeMeans(x);
    const axes = planes.shape.map((_, axis) => axis);
    const y = this.graph.apply('ReduceMean', [planes], [], { attributes: { axes, keepdims: 0 } });
    return this.record(y, [x], (dy) => [this.scale(dy, 1 / sizeOf(x.shape))]);
  }

  /** Mean over each patch alone, [n, 1, 1, 1]; its gradient is of that shape too, as `mean`'s is a scalar. */
  patchMean(x: Value): Value {
    const [n = 1, ...rest] = fixed(x.shape);
    const axes = rest.map((_, at) => at + 1);
    const y = this.graph.apply('ReduceMean', [this.#planeMeans(x)], [n, ...rest.map(() => 1)], {
      attributes: { axes, keepdims: 1 },
    });
    return this.record(y, [x], (dy) => [this.scale(dy, n / sizeOf(x.shape))]);
  }

  /** Mean of each plane, [n, c, 1, 1]: the first half of a mean over more, which threads can share. */
  #planeMeans(x: Value): Value {
    const [n = 1, c = 1] = fixed(x.shape);
    return this.graph.apply('ReduceMean', [x], [n, c, 1, 1], {
      attributes: { axes: [2, 3], keepdims: 1 },
    });
  }

  /** ln(x + bias), for x that are not negative. */
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
    // The slope is the same on both sides of zero.
    return this.record(y, [x], (dy) => [graph.apply('Mul', [dy, slope()], x.shape)]);
  }

  /** `toneCurve` of light, which is not negative and needs no sign. Not differentiated: a target's. */
  lightToneCurve(x: Value, exponent: number, bias: number): Value {
    const { raised } = this.#raise(x, exponent, bias);
    return this.graph.apply('Sub', [raised, this.graph.scalar(bias ** exponent)], x.shape);
  }

  /** (x + bias)^exponent, for x that are not negative. */
  power(x: Value, exponent: number, bias: number): Value {
    const { raised, slope } = this.#raise(x, exponent, bias);
    return this.record(raised, [x], (dy) => [this.graph.apply('Mul', [dy, slope()], x.shape)]);
  }

  /** Cut off below and above; what was cut off has no gradient. */
  clip(x: Value, low: number, high: number): Value {
    const { graph } = this;
    const y = graph.apply('Clip', [x, graph.scalar(low), graph.scalar(high)], x.shape);
    return this.record(y, [x], (dy) => {
      const kept = graph.apply('Equal', [x, y], x.shape, { type: 'bool' });
      return [graph.apply('Where', [kept, dy, graph.scalar(0)], x.shape)];
    });
  }

  /**
   * Every pixel's channels times a fixed matrix.
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
   * Means of side × side blocks; both sides of the plane divide by it. First over rows, then over
   * columns: the runtime's AveragePool does both at once and takes twice as long.
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

  /** The same numbers in another shape; of what was reshaped before, what it was made of is. */
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

  /** Remembers how to go back through an operation, if anything it was given is tracked. */
  record(output: Value, inputs: readonly Value[], backward: Backward): Value {
    if (inputs.some((input) => this.#tracked.has(input.name))) {
      this.#tracked.add(output.name);
      this.#steps.push({ output, inputs, backward });
    }
    return output;
  }

  /** Not differentiated, as `transpose`. */
  slice(x: Value, axis: number, start: number, end: number, shape: Shape): Value {
    const bounds = [[start], [end], [axis]].map((list) => this.graph.integers(list));
    const y = this.graph.apply('Slice', [x, ...bounds], shape);
    return y;
  }

  /**
   * (x + bias)^exponent for x ≥ 0, bias > 0, and how to write its derivative down. As e^(exponent · ln): the
   * runtime's Pow works number by number and takes nearly twice as long.
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
