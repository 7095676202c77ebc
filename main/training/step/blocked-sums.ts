/**
 * The gradients of weights in blocked layers. These are sums over all pixels of all patches,
 * computed as convolutions.
 */

import { fixed, sizeOf, type Graph, type Shape, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';
import { blockedDomain as domain, convolution, sizes, turned } from './blocked-operators.ts';

/**
 * Largest kernel, in bytes, that stays in the processor's cache. It is read once for each position
 * of the result.
 */
const nearBytes = 2 ** 18;
/** Number of output blocks that the processor computes at a time. */
const blocksAtATime = 4;
/**
 * Minimum number of rows in a result. Each row is computed by a single thread, so with fewer,
 * threads are idle.
 */
const fewRows = 16;

/** The operands of one sum: pictures in strips, and kernels as large as the strips. */
interface Correlation {
  /**
   * [images, count, rows, columns], plain, padded to both sides; also above and below if
   * `rowMargin` is 0
   */
  readonly planes: Value;
  /** [n, others, h, w], blocked; divided into as many strips as make `count` pictures */
  readonly b: Value;
  readonly strips: number;
  readonly rowMargin: number;
  /** Side of the weight's kernel. */
  readonly kernel: number;
  /** Number of adjacent channels in a row: those of a block, or all if they are fewer. */
  readonly lanes: number;
}

export class BlockedSums {
  readonly #tape: Tape;
  readonly #graph: Graph;
  readonly #block: number;

  constructor(tape: Tape, block: number) {
    this.#tape = tape;
    this.#graph = tape.graph;
    this.#block = block;
  }

  /**
   * Each channel's sum, which is the gradient of a bias. Computed from means, because that operator
   * uses several threads.
   */
  ofChannels(dy: Value, shape: Shape): Value {
    const [n, channels, h, w] = sizes(dy);
    const means = this.#graph.apply('GlobalAveragePool', [dy], [n, channels, 1, 1], { domain });
    const ones = this.#graph.table(`ones:${String(n)}`, [1, n], new Float32Array(n).fill(1));
    const images = this.#tape.reshape(means, [n, channels]);
    const sums = this.#graph.apply('Gemm', [ones, images], [1, channels], {
      attributes: { alpha: { float: h * w } },
    });
    return this.#tape.reshape(sums, shape);
  }

  /**
   * A weight's gradient is itself a convolution of the input with the output's gradient as a kernel
   * of the size of a picture. The input's blocks of channels take the role of images, and its
   * images that of channels. The result has the size of the weight's kernel.
   * @returns the weight's numbers in the order of `gradientRuns`
   */
  weightGradient(x: Value, dy: Value, weight: Value): Value {
    const [outputs, inputs, kernel] = sizes(weight);
    const block = this.#block;
    if (inputs < block) {
      const [n, , h, w] = sizes(x);
      const woven = this.#tape.transpose(x, [0, 2, 3, 1]);
      return this.#correlate(this.#tape.reshape(woven, [n, inputs, h, w]), inputs, dy, kernel);
    }
    if (outputs === block && inputs > block) {
      // With a kernel of one block the processor is less busy than with one of two. So the operands
      // are swapped, which also reverses the direction in which the taps shift them.
      const sum = this.#correlate(dy, block, x, kernel);
      return turned(this.#tape, this.#tape.reshape(sum, [inputs, outputs, kernel, kernel]), block);
    }
    return this.#correlate(x, block, dy, kernel);
  }

  /**
   * For each tap, the sum over images and pixels of b times a shifted by that tap.
   *
   * The lanes of a block are adjacent in a row, as if each pixel were that many pixels. A kernel
   * whose columns are as far apart meets one lane at each position. The result's rows are wider by
   * the same factor, which keeps the processor busy.
   *
   * @param a [n, images · lanes, h, w], in memory [n, images, h, w, lanes]
   * @param b blocked, [n, others, h, w]
   * @returns [images, others, kernel, kernel · lanes], blocked
   */
  #correlate(a: Value, lanes: number, b: Value, kernel: number): Value {
    const [n, channels, h, w] = sizes(a);
    const [, others] = sizes(b);
    const images = channels / lanes;
    const margin = (kernel - 1) / 2;
    const strips = stripsOf(b, this.#block);
    // The operator skips its own padding rows, but would multiply explicit rows of zeros. (Its own
    // padding of columns is slow.) Strips have their neighbours' rows instead.
    const above = strips > 1 ? margin : 0;
    const [height, rows] = [h / strips, h / strips + 2 * above];
    const columns = (w + 2 * margin) * lanes;
    let planes = this.#swapped(this.#tape.reshape(a, [n, images, h, w * lanes]));
    if (margin > 0) {
      const aside = margin * lanes;
      planes = withZeros(this.#graph, planes, 3, aside, aside);
      if (above > 0) planes = withZeros(this.#graph, planes, 2, above, above);
    }
    if (strips > 1) {
      const order = Array.from({ length: strips * rows }, (_, at) => {
        const [strip, row] = [Math.floor(at / rows), at % rows];
        return strip * height + row;
      });
      planes = this.#graph.apply(
        'Gather',
        [planes, this.#graph.integers(order)],
        [images, n, strips * rows, columns],
        { attributes: { axis: 2 } },
      );
    }
    planes = this.#tape.reshape(planes, [images, n * strips, rows, columns]);
    const sides = { planes, b, strips, rowMargin: margin - above, kernel, lanes };
    const resultRows = images * (others / this.#block) * kernel;
    return resultRows < fewRows && n * strips < this.#block
      ? this.#apart(sides)
      : this.#together(sides);
  }

  /**
   * Convolves each picture with its own part of b, in groups. This gives as many results as
   * pictures, which are then added.
   */
  #apart(sides: Correlation): Value {
    const { planes, b, strips, kernel, lanes } = sides;
    const [images, count] = sizes(planes);
    const [n, others, h, w] = sizes(b);
    const outer = others / this.#block;
    const height = h / strips;
    const cut = this.#tape.reshape(b, [n, outer, strips, height * w * this.#block]);
    const kernels = outer > 1 && strips > 1 ? this.#tape.transpose(cut, [0, 2, 1, 3]) : cut;
    const each = this.#convolve(
      sides,
      planes,
      this.#tape.reshape(kernels, [count * others, 1, height, w]),
      count,
    );
    const numbers = others * kernel * kernel * lanes;
    const sum = this.#graph.apply(
      'ReduceSum',
      [this.#tape.reshape(each, [images, count, numbers]), this.#graph.integers([1])],
      [images, numbers],
      { attributes: { keepdims: 0 } },
    );
    return this.#tape.reshape(sum, [images, others, kernel, kernel * lanes]);
  }

  /**
   * Treats the pictures as channels of one picture, whose products the operator adds itself. It
   * only accepts plain channels if they are fewer than a block.
   */
  #together(sides: Correlation): Value {
    const { planes, b, strips } = sides;
    const [images, count, rows, columns] = sizes(planes);
    const [n, others, h, w] = sizes(b);
    const block = this.#block;
    const outer = others / block;
    const height = h / strips;
    const swapped = this.#swapped(this.#tape.reshape(b, [n, outer, h, w, block]));
    const kernels = this.#tape.reshape(swapped, [outer, count, height, w, block]);
    const most = Math.ceil(count / Math.ceil(count / (block - 1)));
    const sums: Value[] = [];
    for (let first = 0; first < count; first += most) {
      const some = Math.min(most, count - first);
      const part = (value: Value, shape: readonly number[]): Value =>
        some === count ? value : this.#tape.slice(value, 1, first, first + some, shape);
      const somePlanes = part(planes, [images, some, rows, columns]);
      const someKernels = part(kernels, [outer, some, height, w, block]);
      const kernel = this.#tape.reshape(someKernels, [others, some, height, w]);
      sums.push(this.#convolve(sides, somePlanes, kernel, 1));
    }
    return sums.reduce((sum, next) => this.#graph.apply('Add', [sum, next], sum.shape));
  }

  #convolve(
    { rowMargin, kernel, lanes }: Correlation,
    planes: Value,
    kernels: Value,
    groups: number,
  ): Value {
    const [images] = sizes(planes);
    const [outputs, , height, w] = sizes(kernels);
    return this.#graph.apply('Conv', [planes, kernels], [images, outputs, kernel, kernel * lanes], {
      domain,
      attributes: convolution({
        kernel: [height, w],
        margins: [rowMargin, 0],
        columnStep: lanes,
        groups,
      }),
    });
  }

  /** Swaps the first two axes; if one of them is 1, no data moves. */
  #swapped(x: Value): Value {
    const [first = 1, second = 1, ...rest] = x.shape;
    if (first === 1 || second === 1) return this.#tape.reshape(x, [second, first, ...rest]);
    return this.#tape.transpose(x, [1, 0, ...rest.map((_, index) => index + 2)]);
  }
}

/**
 * Number of strips that a picture is cut into to serve as a kernel, each as a separate image, so
 * that a strip stays in the cache.
 */
function stripsOf(picture: Value, block: number): number {
  const [n, channels, h, w] = sizes(picture);
  const pixelBytes = 4 * block * Math.min(blocksAtATime, channels / block);
  let strips = 1;
  while (
    (h / strips) * w * pixelBytes > nearBytes &&
    h % (2 * strips) === 0 &&
    2 * strips * n < block
  ) {
    strips *= 2;
  }
  return strips;
}

/**
 * Adds zeros before and after along an axis. The runtime's Pad uses a single thread. Not
 * differentiated.
 */
function withZeros(graph: Graph, x: Value, axis: number, before: number, after: number): Value {
  const of = (count: number): Value[] => {
    const shape = fixed(x.shape).with(axis, count);
    const zeros = () => graph.table(`0:${shape.join(',')}`, shape, new Float32Array(sizeOf(shape)));
    return count === 0 ? [] : [zeros()];
  };
  const size = before + Number(x.shape[axis]) + after;
  const inputs = [...of(before), x, ...of(after)];
  return graph.apply('Concat', inputs, x.shape.with(axis, size), { attributes: { axis } });
}
