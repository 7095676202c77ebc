/**
 * The network's layers with their gradients in ONNX Runtime's blocked operators (`com.microsoft.nchwc`),
 * which its optimiser chooses only where weights are constants. In training they are not, so they are
 * named here; that makes a step on the processor about twice as fast.
 *
 * These operators are the runtime's own and may change with it: `openStep` uses them only after
 * they agreed with `PlainLayers`, and a test holds the two together.
 */

import { fixed, type Attributes, type Graph, type Value } from '../../network/onnx.ts';
import { leakySlope, type UnetOperations } from '../../network/unet.ts';
import type { Tape } from './autodiff.ts';
import { wholeBlocks } from './blocked-order.ts';
import { leakyReluSlope } from './plain-layers.ts';

const domain = 'com.microsoft.nchwc';

type Size = readonly [number, number, number, number];

/**
 * Layers on a tape. Tensors inside are [n, c, h, w] to the graph and [n, c / B, h, w, B] in memory; the
 * network's input and output are plain. Parameters come as `blockedParameters` lays them out.
 */
export class BlockedLayers implements UnetOperations<Value> {
  readonly #tape: Tape;
  readonly #graph: Graph;
  readonly #block: number;
  readonly #outputChannels: number;

  /** @param outputChannels of the network: its last convolution's are rounded up to a block */
  constructor(tape: Tape, block: number, outputChannels: number) {
    this.#tape = tape;
    this.#graph = tape.graph;
    this.#block = block;
    this.#outputChannels = outputChannels;
  }

  convolve1(x: Value, weight: Value, bias: Value): Value {
    const channels = this.#outputChannels;
    const blocked = this.#convolve(x, weight, { bias });
    const y = this.#toPlain(blocked, channels);
    return this.#tape.record(y, [x, weight, bias], (dy) => {
      const missing = wholeBlocks(channels, this.#block) - channels;
      const padded =
        missing === 0
          ? dy
          : this.#graph.apply(
              'Pad',
              [dy, this.#graph.integers([0, 0, 0, 0, 0, missing, 0, 0])],
              blocked.shape,
            );
      const gradient = this.#graph.apply('ReorderInput', [padded], blocked.shape, { domain });
      return this.#convolutionGradients(x, weight, bias, gradient);
    });
  }

  convolve3(x: Value, weight: Value, bias: Value): Value {
    const y = this.#convolve(x, weight, { bias, isLeaky: true });
    return this.#tape.record(y, [x, weight, bias], (dy) => {
      const bent = this.#graph.apply('Mul', [dy, leakyReluSlope(this.#tape, y)], y.shape);
      return this.#convolutionGradients(x, weight, bias, bent);
    });
  }

  maxPool(x: Value): Value {
    const [n, c, h, w] = sizes(x);
    const y = this.#graph.apply('MaxPool', [x], [n, c, h / 2, w / 2], {
      domain,
      attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    });
    return this.#tape.record(y, [x], (dy) => {
      const below = this.#graph.apply('Sub', [x, this.#enlarge(y, x)], x.shape);
      // 1 where x is its square's maximum; anything below it is scaled to less than −1.
      const isMaximum = this.#graph.apply('HardSigmoid', [below], x.shape, {
        attributes: { alpha: { float: 1e30 }, beta: { float: 1 } },
      });
      return [this.#graph.apply('Mul', [this.#enlarge(dy, x), isMaximum], x.shape)];
    });
  }

  /** A 1×1 convolution whose groups of output channels are the four places of each 2×2. */
  upConvolve(x: Value, weight: Value): Value {
    const [n, , h, w] = sizes(x);
    const block = this.#block;
    const blocks = Number(weight.shape[0]) / 4 / block;
    const places = this.#convolve(x, weight, {});
    const apart = this.#reshape(places, [n, 2, 2, blocks, h, w, block]);
    const woven = this.#tape.transpose(apart, [0, 3, 4, 1, 5, 2, 6]);
    const y = this.#reshape(woven, [n, blocks * block, h * 2, w * 2]);
    return this.#tape.record(y, [x, weight], (dy) => {
      const cells = this.#reshape(dy, [n, blocks, h, 2, w, 2, block]);
      const gathered = this.#tape.transpose(cells, [0, 3, 5, 1, 2, 4, 6]);
      const gradient = this.#reshape(gathered, places.shape);
      const turned = this.#turned(weight);
      return [this.#convolve(gradient, turned, {}), this.#weightGradient(x, gradient, weight)];
    });
  }

  concat(a: Value, b: Value): Value {
    const [n, first, h, w] = sizes(a);
    const end = first + Number(b.shape[1]);
    const y = this.#graph.apply('Concat', [a, b], [n, end, h, w], { attributes: { axis: 1 } });
    return this.#tape.record(y, [a, b], (dy) => [
      this.#tape.slice(dy, 1, 0, first, a.shape),
      this.#tape.slice(dy, 1, first, end, b.shape),
    ]);
  }

  #convolve(
    x: Value,
    weight: Value,
    { bias, isLeaky = false }: { readonly bias?: Value; readonly isLeaky?: boolean },
  ): Value {
    const [n, , h, w] = sizes(x);
    const [outputs, , kernel] = sizes(weight);
    const pad = (kernel - 1) / 2;
    const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
    return this.#graph.apply('Conv', inputs, [n, outputs, h, w], {
      domain,
      attributes: {
        ...convolution([kernel, kernel], pad),
        ...(isLeaky
          ? { activation: 'LeakyRelu', activation_params: { floats: [leakySlope] } }
          : {}),
      },
    });
  }

  #convolutionGradients(x: Value, weight: Value, bias: Value, dy: Value) {
    const [n, outputs, h, w] = sizes(dy);
    const means = this.#graph.apply('GlobalAveragePool', [dy], [n, outputs, 1, 1], { domain });
    const sums = this.#graph.apply(
      'ReduceSum',
      [this.#reshape(means, [n, outputs]), this.#graph.integers([0])],
      bias.shape,
      { attributes: { keepdims: 0 } },
    );
    const dBias = this.#tape.scale(sums, h * w);
    const dx = this.#tape.isTracked(x) ? this.#convolve(dy, this.#turned(weight), {}) : null;
    return [dx, this.#weightGradient(x, dy, weight), dBias];
  }

  /** Weights for the way back: inputs and outputs change places, and the kernel is turned around. */
  #turned(weight: Value): Value {
    const [outputs, inputs, kernel] = sizes(weight);
    const block = this.#block;
    const taps = kernel * kernel;
    const [outer, inner] = [outputs / block, inputs / block];
    // The runtime's way into blocks, taken on each [B in, B out] by itself, is its transposition,
    // and a much faster one than Transpose.
    const cells = outer * inner * taps;
    const swapped = this.#graph.apply(
      'ReorderInput',
      [this.#reshape(weight, [cells, block, 1, block])],
      [cells, block, 1, block],
      { domain },
    );
    const order = Array.from({ length: cells }, (_, at) => {
      const [i, rest] = [Math.floor(at / (outer * taps)), at % (outer * taps)];
      const [o, tap] = [Math.floor(rest / taps), rest % taps];
      return (o * inner + i) * taps + taps - 1 - tap;
    });
    const rows = this.#reshape(swapped, [cells, block * block]);
    const turned = this.#graph.apply('Gather', [rows, this.#graph.integers(order)], rows.shape, {
      attributes: { axis: 0 },
    });
    return this.#reshape(turned, [inputs, outputs, kernel, kernel]);
  }

  /**
   * A weight's gradient is itself a convolution: of the input, its blocks of channels taken for images and
   * its images for channels, with the output's gradient for a kernel as large as the picture; what
   * comes out is as large as the weight's kernel.
   */
  #weightGradient(x: Value, dy: Value, weight: Value): Value {
    const [outputs, inputs, kernel] = sizes(weight);
    const block = this.#block;
    const taps = kernel * kernel;
    if (inputs < block) {
      const sum = this.#correlate(x, 1, dy, kernel);
      const apart = this.#reshape(sum, [inputs, outputs / block, taps, block]);
      return this.#reshape(this.#tape.transpose(apart, [1, 0, 2, 3]), weight.shape);
    }
    const sum = this.#correlate(x, block, dy, kernel);
    const apart = this.#reshape(sum, [inputs / block, outputs / block, taps * block * block]);
    return this.#reshape(this.#swapped(apart), weight.shape);
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
    const block = this.#block;
    const images = channels / lanes;
    const margin = (kernel - 1) / 2;
    const strips = stripsOf(b, block);
    const [height, rows] = [h / strips, h / strips + 2 * margin];
    const columns = (w + 2 * margin) * lanes;
    let planes = this.#swapped(this.#reshape(a, [n, images, h, w * lanes]));
    if (margin > 0) {
      const aside = margin * lanes;
      const pads = this.#graph.integers([0, 0, margin, aside, 0, 0, margin, aside]);
      planes = this.#graph.apply('Pad', [planes, pads], [images, n, h + 2 * margin, columns]);
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
    const count = n * strips;
    planes = this.#reshape(planes, [images, count, rows, columns]);
    const apart = this.#swapped(this.#reshape(b, [n, others / block, h, w, block]));
    const kernels = this.#reshape(apart, [others / block, count, height, w, block]);
    // The operator takes images that are fewer than a block as they are, and only those.
    const group = Math.min(count, block - 1);
    const sums: Value[] = [];
    for (let first = 0; first < count; first += group) {
      const some = Math.min(group, count - first);
      const part = (value: Value, shape: readonly number[]): Value =>
        some === count ? value : this.#tape.slice(value, 1, first, first + some, shape);
      const someKernels = part(kernels, [others / block, some, height, w, block]);
      const inputs = [
        part(planes, [images, some, rows, columns]),
        this.#reshape(someKernels, [others, some, height, w]),
      ];
      sums.push(
        this.#graph.apply('Conv', inputs, [images, others, kernel, kernel * lanes], {
          domain,
          attributes: convolution([height, w], 0, lanes),
        }),
      );
    }
    return sums.reduce((sum, next) => this.#graph.apply('Add', [sum, next], sum.shape));
  }

  #toPlain(x: Value, channels: number): Value {
    const [n, , h, w] = sizes(x);
    return this.#graph.apply('ReorderOutput', [x], [n, channels, h, w], {
      domain,
      attributes: { channels },
    });
  }

  /** Each pixel four times, to the size of another tensor. */
  #enlarge(x: Value, to: Value): Value {
    return this.#graph.apply('Upsample', [x], to.shape, {
      domain,
      attributes: { scales: [1, 1, 2, 2], mode: 'nearest' },
    });
  }

  /** The first two axes changed for each other; where one of them is 1 nothing moves. */
  #swapped(x: Value): Value {
    const [first = 1, second = 1, ...rest] = fixed(x.shape);
    if (first === 1 || second === 1) return this.#reshape(x, [second, first, ...rest]);
    return this.#tape.transpose(x, [1, 0, ...rest.map((_, index) => index + 2)]);
  }

  /** Not recorded: inside a layer. */
  #reshape(x: Value, shape: readonly (number | string)[]): Value {
    return this.#graph.apply('Reshape', [x, this.#graph.integers(fixed(shape))], shape);
  }
}

/** Bytes of a kernel that the processor keeps at hand while it goes over it, once for each place of the result. */
const nearBytes = 2 ** 18;
/** Blocks of outputs that it makes at a time. */
const blocksAtATime = 4;

/** Strips that a picture is cut into when it is the kernel, each then an image of its own, so that one stays at hand. */
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

function sizes(value: Value): Size {
  const [a = 1, b = 1, c = 1, d = 1] = fixed(value.shape);
  return [a, b, c, d];
}

function convolution(kernel: readonly [number, number], pad: number, columnStep = 1): Attributes {
  return {
    kernel_shape: kernel,
    pads: [pad, pad, pad, pad],
    strides: [1, 1],
    dilations: [1, columnStep],
    group: 1,
  };
}
