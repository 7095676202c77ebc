/**
 * The U-Net of "Learning to See in the Dark" (Chen et al., CVPR 2018): packed Bayer in, twelve
 * channels for depth-to-space out. It is defined once, in terms of abstract operations. The
 * inference graph, the training graph and the float64 reference in the tests all use this
 * definition.
 */

import type { Dimension, Graph, Value } from './onnx.ts';

export interface UnetShape {
  /** Channels of the input: 4 for a packed Bayer mosaic. */
  readonly inputChannels: number;
  /** Channels of the output: 12 = 3 colours × 4 places of the 2×2 cell. */
  readonly outputChannels: number;
  /** Channels of the first level; each lower level has twice as many. The paper has 32. */
  readonly baseChannels: number;
  /**
   * Number of resolution levels; the paper has 5. The input's sides must be divisible by 2^(levels
   * − 1).
   */
  readonly levels: number;
}

/** The operations that the U-Net is built from; T is their tensor type. */
export interface UnetOperations<T> {
  /** Convolution 1×1; weight [out, in, 1, 1], bias [out]. */
  convolve1(x: T, weight: T, bias: T): T;
  /** Convolution 3×3, padded to keep the size, then max(y, 0.2 y); weight [out, in, 3, 3], bias [out]. */
  convolve3(x: T, weight: T, bias: T): T;
  /** Maximum of each 2×2. */
  maxPool(x: T): T;
  /** Transposed convolution 2×2, stride 2, no bias; weight [in, out, 2, 2]. */
  upConvolve(x: T, weight: T): T;
  /** Concatenates along the channels. */
  concat(a: T, b: T): T;
}

/** A weight tensor and its place in the flat vector of all parameters. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

export const leakySlope = 0.2;

/** Every parameter of the network, in the order of the flat vector. */
export function unetParameters(shape: UnetShape): readonly Parameter[] {
  const parameters: Parameter[] = [];
  let offset = 0;
  const add = (name: string, dimensions: readonly number[]): void => {
    const size = dimensions.reduce((product, n) => product * n, 1);
    parameters.push({ name, shape: dimensions, offset, size });
    offset += size;
  };
  const convolution = (name: string, output: number, input: number, kernel: number): void => {
    add(`${name}.weight`, [output, input, kernel, kernel]);
    add(`${name}.bias`, [output]);
  };
  const channels = (level: number): number => shape.baseChannels * 2 ** level;

  for (let level = 0; level < shape.levels; level++) {
    const above = level === 0 ? shape.inputChannels : channels(level - 1);
    convolution(`down${String(level)}a`, channels(level), above, 3);
    convolution(`down${String(level)}b`, channels(level), channels(level), 3);
  }
  for (let level = shape.levels - 2; level >= 0; level--) {
    add(`rise${String(level)}.weight`, [channels(level + 1), channels(level), 2, 2]);
    convolution(`up${String(level)}a`, channels(level), 2 * channels(level), 3);
    convolution(`up${String(level)}b`, channels(level), channels(level), 3);
  }
  convolution('out', shape.outputChannels, channels(0), 1);
  return parameters;
}

/** Length of the flat parameter vector. */
export function parameterCount(shape: UnetShape): number {
  return unetParameters(shape).reduce((total, parameter) => total + parameter.size, 0);
}

/** Multiply-adds per packed pixel: 184,832 at the paper's size. */
export function macsPerPackedPixel(shape: UnetShape): number {
  let macs = 0;
  for (const { name, size } of unetParameters(shape)) {
    if (!name.endsWith('.weight')) continue;
    const level = name.startsWith('out') ? 0 : Number(/\d/.exec(name)?.[0] ?? 0);
    // An upward convolution's weights are used once for each pixel of the level *below*.
    macs += size / 4 ** (name.startsWith('rise') ? level + 1 : level);
  }
  return macs;
}

/**
 * Applies the network.
 * @param x [n, inputChannels, h, w], h and w divisible by 2^(levels − 1)
 * @returns [n, outputChannels, h, w]
 */
export function unet<T>(
  operations: UnetOperations<T>,
  parameter: (name: string) => T,
  shape: UnetShape,
  x: T,
): T {
  const convolution = (input: T, name: string): T =>
    operations.convolve3(input, parameter(`${name}.weight`), parameter(`${name}.bias`));
  const skips: T[] = [];
  let y = x;
  for (let level = 0; level < shape.levels; level++) {
    if (level > 0) {
      skips.push(y);
      y = operations.maxPool(y);
    }
    y = convolution(y, `down${String(level)}a`);
    y = convolution(y, `down${String(level)}b`);
  }
  for (let level = shape.levels - 2; level >= 0; level--) {
    y = operations.upConvolve(y, parameter(`rise${String(level)}.weight`));
    const skip = skips.pop();
    if (skip === undefined) throw new Error('expected a skip connection for each level');
    y = operations.concat(y, skip);
    y = convolution(y, `up${String(level)}a`);
    y = convolution(y, `up${String(level)}b`);
  }
  return operations.convolve1(y, parameter('out.weight'), parameter('out.bias'));
}

/** The U-Net's operations as ONNX nodes. */
export function graphOperations(graph: Graph): UnetOperations<Value> {
  const convolve = (x: Value, weight: Value, bias: Value, kernel: 1 | 3): Value =>
    graph.apply('Conv', [x, weight, bias], withChannels(x, weight.shape[0]), {
      attributes: convolutionAttributes(kernel),
    });
  return {
    convolve1: (x, weight, bias) => convolve(x, weight, bias, 1),
    convolve3: (x, weight, bias) => leakyRelu(graph, convolve(x, weight, bias, 3)),
    maxPool: (x) => graph.apply('MaxPool', [x], rescaled(x, 0.5), { attributes: twoByTwo }),
    upConvolve: (x, weight) =>
      graph.apply(
        'ConvTranspose',
        [x, weight],
        withChannels({ shape: rescaled(x, 2) }, weight.shape[1]),
        {
          attributes: twoByTwo,
        },
      ),
    concat: (a, b) =>
      graph.apply('Concat', [a, b], withChannels(a, Number(a.shape[1]) + Number(b.shape[1])), {
        attributes: { axis: 1 },
      }),
  };
}

export function leakyRelu(graph: Graph, x: Value): Value {
  return graph.apply('LeakyRelu', [x], x.shape, { attributes: { alpha: { float: leakySlope } } });
}

export const twoByTwo = { kernel_shape: [2, 2], strides: [2, 2] } as const;

export function convolutionAttributes(kernel: 1 | 3) {
  const pad = kernel === 3 ? 1 : 0;
  return { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [1, 1] };
}

/** A tensor's shape with another number of channels. */
export function withChannels(
  x: { readonly shape: readonly Dimension[] },
  channels: Dimension | undefined,
) {
  const [batch, , height, width] = x.shape;
  if (
    channels === undefined ||
    batch === undefined ||
    height === undefined ||
    width === undefined
  ) {
    throw new Error('expected a tensor of four dimensions');
  }
  return [batch, channels, height, width];
}

function rescaled(x: Value, factor: number): Dimension[] {
  return x.shape.map((size, axis) => {
    if (axis < 2) return size;
    // A free dimension stays free; its name must only differ from those of other levels.
    return typeof size === 'number' ? size * factor : `${size}${factor === 2 ? '_up' : '_down'}`;
  });
}
