/**
 * The network's layers and their gradients in standard ONNX operators, which every back end can
 * run.
 *
 * The backward nodes were chosen by measurement. Each has a kernel on CPU and WebGPU (SpaceToDepth,
 * for example, has not), and convolutions remain convolutions.
 */

import { fixed, type Graph, type Value } from '../../network/onnx.ts';
import {
  graphOperations,
  leakySlope,
  packed,
  twoByTwo,
  type UnetOperations,
} from '../../network/unet.ts';
import type { Tape } from './autodiff.ts';
import type { PixelSums } from './pixel-sums.ts';

/** Layers on a tape; tensors are [n, c, h, w]. */
export class PlainLayers implements UnetOperations<Value> {
  readonly #tape: Tape;
  readonly #graph: Graph;
  readonly #forward: UnetOperations<Value>;
  readonly #sums: PixelSums;

  constructor(tape: Tape, sums: PixelSums) {
    this.#tape = tape;
    this.#graph = tape.graph;
    this.#forward = graphOperations(tape.graph);
    this.#sums = sums;
  }

  /** Not differentiated: only the network's input is packed. */
  pack(x: Value, side: 2): Value {
    return this.#forward.pack(x, side);
  }

  convolve1(x: Value, weight: Value, bias: Value, side: 1 | 2): Value {
    const y = this.#forward.convolve1(x, weight, bias, side);
    return this.#tape.record(y, [x, weight, bias], (dy) => {
      const gradient = side === 1 ? dy : packed(this.#graph, dy, side);
      return this.#convolutionGradients(x, weight, bias, gradient, 1);
    });
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
      // Rows and columns in pairs, so that broadcasting compares the maximum with each of the four.
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
      // Each output pixel's position in its 2×2 becomes a channel, as in the weight
      // [in, out, 2, 2].
      const [h, w] = [height / 2, width / 2];
      const places = this.#tape.reshape(
        this.#tape.transpose(this.#tape.reshape(dy, [n * c, h, 2, w, 2]), [0, 2, 4, 1, 3]),
        [n, c * 4, h, w],
      );
      const dWeight = this.#sums.products(x, places);
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
      this.#sums.weightGradient(x, weight, dy, kernel),
      this.#sums.ofChannels(dy, bias.shape),
    ];
  }

  /** The gradient of a convolution's input is a convolution with rotated weights. */
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
}

/**
 * Slope of LeakyReLU, computed from its output: 1 above zero, 0.2 below. y has the sign of the
 * input.
 */
export function leakyReluSlope(tape: Tape, y: Value): Value {
  const { graph } = tape;
  // Scaling y up and clipping it gives the slope.
  return graph.apply(
    'Clip',
    [tape.scale(y, 1e9), graph.scalar(leakySlope), graph.scalar(1)],
    y.shape,
  );
}
