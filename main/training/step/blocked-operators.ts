/** What the blocked layers and their sums share: ONNX Runtime's blocked operators, and weights turned for them. */

import { fixed, type Attributes, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';

/** Where the operators' names are its own. */
export const blockedDomain = 'com.microsoft.nchwc';

/** [n, c, h, w]; 1 for axes that a value does not have. */
export function sizes(value: Value): readonly [number, number, number, number] {
  const [a = 1, b = 1, c = 1, d = 1] = fixed(value.shape);
  return [a, b, c, d];
}

export interface Convolution {
  readonly kernel: readonly [number, number];
  /** Rows above and below, columns at both sides. */
  readonly margins: readonly [number, number];
  /** Columns from one of the kernel to the next. */
  readonly columnStep?: number;
  readonly groups?: number;
}

/** Attributes of a convolution that makes no steps. */
export function convolution({
  kernel,
  margins: [rows, columns],
  columnStep = 1,
  groups = 1,
}: Convolution): Attributes {
  return {
    kernel_shape: kernel,
    pads: [rows, columns, rows, columns],
    strides: [1, 1],
    dilations: [1, columnStep],
    group: groups,
  };
}

/** Weights for the way back: inputs and outputs change places, and the kernel is turned around. Not differentiated. */
export function turned(tape: Tape, weight: Value, block: number): Value {
  const { graph } = tape;
  const [outputs, inputs, kernel] = sizes(weight);
  const taps = kernel * kernel;
  const [outer, inner] = [outputs / block, inputs / block];
  // The runtime's way into blocks, taken on each [B in, B out] by itself, is its transposition,
  // and a much faster one than Transpose.
  const cells = outer * inner * taps;
  const blocks = tape.reshape(weight, [cells, block, 1, block]);
  const swapped = graph.apply('ReorderInput', [blocks], blocks.shape, { domain: blockedDomain });
  const order = Array.from({ length: cells }, (_, at) => {
    const [i, rest] = [Math.floor(at / (outer * taps)), at % (outer * taps)];
    const [o, tap] = [Math.floor(rest / taps), rest % taps];
    return (o * inner + i) * taps + taps - 1 - tap;
  });
  const gathered = graph.apply('Gather', [swapped, graph.integers(order)], blocks.shape, {
    attributes: { axis: 0 },
  });
  return tape.reshape(gathered, [inputs, outputs, kernel, kernel]);
}
