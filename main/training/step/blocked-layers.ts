/**
 * The network's layers and their gradients in ONNX Runtime's blocked operators
 * (`com.microsoft.nchwc`). The runtime's optimiser only chooses these for constant weights, which
 * training does not have, so they are named here explicitly. This makes a step on the processor
 * about twice as fast.
 *
 * These operators are internal to the runtime and may change. `openStep` uses them only after
 * checking them against `PlainLayers`, and a test compares the two.
 */

import type { Graph, Value } from '../../network/onnx.ts';
import { leakySlope, packingAttributes, type UnetOperations } from '../../network/unet.ts';
import type { Tape } from './autodiff.ts';
import { blockedDomain as domain, convolution, sizes, turned } from './blocked-operators.ts';
import { BlockedSums } from './blocked-sums.ts';
import { leakyReluSlope } from './plain-layers.ts';

/**
 * Layers on a tape. Internal tensors are [n, c, h, w] to the graph and [n, c / B, h, w, B] in
 * memory; the network's input and output are plain. Parameters have the layout of
 * `blockedParameters`.
 */
export class BlockedLayers implements UnetOperations<Value> {
  readonly #tape: Tape;
  readonly #graph: Graph;
  readonly #block: number;
  readonly #outputChannels: number;
  readonly #sums: BlockedSums;

  /**
   * @param outputChannels of the network; those of its last convolution are rounded up to a block,
   *   for each pixel that it gives
   */
  constructor(tape: Tape, block: number, outputChannels: number) {
    this.#tape = tape;
    this.#graph = tape.graph;
    this.#block = block;
    this.#outputChannels = outputChannels;
    this.#sums = new BlockedSums(tape, block);
  }

  /** Not differentiated: only the network's input, whose channels are not blocked, is packed. */
  pack(x: Value, side: 2): Value {
    const [n, channels, h, w] = sizes(x);
    const weight = this.#packingWeight(channels, side);
    return this.#graph.apply('Conv', [x, weight], [n, channels * 4, h / side, w / side], {
      domain,
      attributes: packingAttributes(side),
    });
  }

  convolve1(x: Value, weight: Value, bias: Value, side: 1 | 2): Value {
    const cells = this.#convolve(x, weight, { bias });
    const blocked = side === 1 ? cells : this.#unpacked(cells);
    const y = this.#toPlain(blocked, this.#outputChannels);
    return this.#tape.record(y, [x, weight, bias], (dy) => {
      // The operator itself fills the last block with zeros.
      const filled = this.#graph.apply('ReorderInput', [dy], blocked.shape, { domain });
      const gradient = side === 1 ? filled : this.#packed(filled);
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
      // 1 where x is the maximum of its 2×2 square. The differences to it are scaled so that others
      // fall below −1.
      const isMaximum = this.#graph.apply('HardSigmoid', [below], x.shape, {
        attributes: { alpha: { float: 1e30 }, beta: { float: 1 } },
      });
      return [this.#graph.apply('Mul', [this.#enlarge(dy, x), isMaximum], x.shape)];
    });
  }

  /** A 1×1 convolution whose output channels form four groups, one for each position in the 2×2. */
  upConvolve(x: Value, weight: Value): Value {
    const y = this.#unpacked(this.#convolve(x, weight, {}));
    return this.#tape.record(y, [x, weight], (dy) => {
      const gradient = this.#packed(dy);
      const dx = this.#convolve(gradient, turned(this.#tape, weight, this.#block), {});
      return [dx, this.#sums.weightGradient(x, gradient, weight)];
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
        ...convolution({ kernel: [kernel, kernel], margins: [pad, pad] }),
        ...(isLeaky
          ? { activation: 'LeakyRelu', activation_params: { floats: [leakySlope] } }
          : {}),
      },
    });
  }

  #convolutionGradients(x: Value, weight: Value, bias: Value, dy: Value) {
    const dx = this.#tape.isTracked(x)
      ? this.#convolve(dy, turned(this.#tape, weight, this.#block), {})
      : null;
    return [dx, this.#sums.weightGradient(x, dy, weight), this.#sums.ofChannels(dy, bias.shape)];
  }

  /** Four groups of channels become the four pixels of a 2×2. */
  #unpacked(cells: Value): Value {
    const [n, channels, h, w] = sizes(cells);
    const blocks = channels / 4 / this.#block;
    const moved = this.#pixelsMoved(cells, [n, 2, 2, blocks, h, w], [0, 3, 4, 1, 5, 2]);
    return this.#tape.reshape(moved, [n, channels / 4, h * 2, w * 2]);
  }

  /** The inverse of `#unpacked`. */
  #packed(x: Value): Value {
    const [n, channels, h, w] = sizes(x);
    const blocks = channels / this.#block;
    const moved = this.#pixelsMoved(x, [n, blocks, h / 2, 2, w / 2, 2], [0, 3, 5, 1, 2, 4]);
    return this.#tape.reshape(moved, [n, channels * 4, h / 2, w / 2]);
  }

  /** Ones and zeros that copy each site of side × side pixels to a channel of its own. */
  #packingWeight(channels: number, side: 2): Value {
    const outputs = channels * side ** 2;
    const shape = [outputs, channels, side, side];
    const copies = new Float32Array(outputs ** 2);
    for (let output = 0; output < outputs; output++) {
      const [place, channel] = [Math.floor(output / channels), output % channels];
      const [outputBlock, lane] = [Math.floor(output / this.#block), output % this.#block];
      // OIHWBo: the few inputs are not blocked.
      const at = (outputBlock * channels + channel) * side ** 2 + place;
      copies[at * this.#block + lane] = 1;
    }
    return this.#graph.table(`blocked pack:${shape.join(',')}`, shape, copies);
  }

  /**
   * Transposes whole pixels, [pixels, B]. The runtime's own Transpose runs in a single thread if
   * more than two axes move.
   * @param sides their product is the number of pixels
   */
  #pixelsMoved(x: Value, sides: readonly number[], axes: readonly number[]): Value {
    const order = transposed(sides, axes);
    const pixels = this.#tape.reshape(x, [order.length, this.#block]);
    return this.#graph.apply('Gather', [pixels, this.#graph.integers(order)], pixels.shape, {
      attributes: { axis: 0 },
    });
  }

  #toPlain(x: Value, channels: number): Value {
    const [n, , h, w] = sizes(x);
    return this.#graph.apply('ReorderOutput', [x], [n, channels, h, w], {
      domain,
      attributes: { channels },
    });
  }

  /** Repeats each pixel four times, to the size of another tensor. */
  #enlarge(x: Value, to: Value): Value {
    return this.#graph.apply('Upsample', [x], to.shape, {
      domain,
      attributes: { scales: [1, 1, 2, 2], mode: 'nearest' },
    });
  }
}

/** The index before transposition of each element, in the order after it. */
function transposed(sides: readonly number[], axes: readonly number[]): number[] {
  const strides = sides.map((_, axis) => sides.slice(axis + 1).reduce((a, b) => a * b, 1));
  return axes.reduce(
    (places, axis) =>
      places.flatMap((place) =>
        Array.from({ length: sides[axis] ?? 1 }, (_, at) => place + at * (strides[axis] ?? 1)),
      ),
    [0],
  );
}
