/** The gradients of weights in blocked layers: sums over all pixels of all patches, made by convolutions. */

import { fixed, sizeOf, type Graph, type Shape, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';
import { blockedDomain as domain, convolution, sizes, turned } from './blocked-operators.ts';

/** Bytes of a kernel that the processor keeps at hand while it goes over it, once for each place of the result. */
const nearBytes = 2 ** 18;
/** Blocks of outputs that it makes at a time. */
const blocksAtATime = 4;
/** Rows of a result, of which each goes to one thread as a whole: fewer leave threads with nothing to do. */
const fewRows = 16;

/** One sum's sides: pictures in strips, and kernels as large as these. */
interface Correlation {
  /** [images, count, rows, columns], plain; with columns of margin, and rows where `rowMargin` is 0 */
  readonly planes: Value;
  /** [n, others, h, w], blocked; in as many strips as make `count` pictures */
  readonly b: Value;
  readonly strips: number;
  readonly rowMargin: number;
  /** Side of the weight's kernel. */
  readonly kernel: number;
  /** Channels that lie side by side in a row: a block's, or all where they are fewer. */
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

  /** Each channel's sum: the gradient of a bias. The operator that shares its work among threads makes means. */
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
   * A weight's gradient is itself a convolution: of the input, its blocks of channels taken for images and
   * its images for channels, with the output's gradient for a kernel as large as the picture; what
   * comes out is as large as the weight's kernel.
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
      // A kernel of one block keeps the processor less busy than one of two: the sides change places, and with them
      // the directions in which the taps move them.
      const sum = this.#correlate(dy, block, x, kernel);
      return turned(this.#tape, this.#tape.reshape(sum, [inputs, outputs, kernel, kernel]), block);
    }
    return this.#correlate(x, block, dy, kernel);
  }

  /**
   * Sums over images and pixels of b times a moved by each tap.
   *
   * The lanes of a block lie side by side in a row, as if each pixel were that many: a kernel whose
   * columns are as far apart meets one lane at each place, and a row of the result is as many times wider,
   * which the processor needs to stay busy.
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
    // The operator leaves its own rows of margin out, where written ones are multiplied. (Its own columns are
    // slow.) Strips have their neighbours' rows instead.
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

  /** Each picture with its own part of b, in groups: as many results as pictures, which are added then. */
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
   * The pictures as channels of one, whose products the operator adds as it goes. It takes channels that are fewer than
   * a block as they are, and only those.
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

  /** The first two axes changed for each other; where one of them is 1 nothing moves. */
  #swapped(x: Value): Value {
    const [first = 1, second = 1, ...rest] = x.shape;
    if (first === 1 || second === 1) return this.#tape.reshape(x, [second, first, ...rest]);
    return this.#tape.transpose(x, [1, 0, ...rest.map((_, index) => index + 2)]);
  }
}

/**
 * Strips that a picture is cut into when it is the kernel, each then an image of its own, so that one
 * stays at hand.
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

/** Zeros before and after along an axis: the runtime's Pad leaves all to one thread. Not differentiated. */
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
