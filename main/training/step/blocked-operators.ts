/**
 * Shared by the blocked layers and their sums: ONNX Runtime's blocked operators, and weights for
 * the backward pass.
 */

import { fixed, type Attributes, type Value } from '../../network/onnx.ts';
import type { Tape } from './autodiff.ts';

/** The operator domain of ONNX Runtime's blocked operators. */
export const blockedDomain = 'com.microsoft.nchwc';

/** [n, c, h, w]; missing axes count as 1. */
export function sizes(value: Value): readonly [number, number, number, number] {
  const [a = 1, b = 1, c = 1, d = 1] = fixed(value.shape);
  return [a, b, c, d];
}

export interface Convolution {
  readonly kernel: readonly [number, number];
  /** Padding: rows above and below, columns on both sides. */
  readonly margins: readonly [number, number];
  /** Distance between adjacent columns of the kernel. */
  readonly columnStep?: number;
  readonly groups?: number;
}

/** Attributes of a convolution of stride 1. */
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

/**
 * Weights for the backward pass: inputs and outputs swapped, and the kernel rotated by 180°. Not
 * differentiated.
 */
export function turned(tape: Tape, weight: Value, block: number): Value {
  const { graph } = tape;
  const [outputs, inputs, kernel] = sizes(weight);
  const taps = kernel * kernel;
  const [outer, inner] = [outputs / block, inputs / block];
  // Applied to each [B in, B out] separately, the runtime's conversion to blocks is a
  // transposition, and much faster than Transpose.
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
