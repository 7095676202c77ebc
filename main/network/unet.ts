/**
 * The U-Net of "Learning to See in the Dark" (Chen et al., CVPR 2018): packed Bayer in, twelve
 * channels for depth-to-space out. It is defined once, in terms of abstract operations. The
 * inference graph, the training graph and the float64 reference in the tests all use this
 * definition.
 */

import type { FirstLevel } from '../../preload/contract/choices.ts';
import type { Dimension, Graph, Value } from './onnx.ts';

export interface UnetShape {
  /** Channels of the input: 4 for a packed Bayer mosaic. */
  readonly inputChannels: number;
  /** Channels of the output: 12 = 3 colours × 4 places of the 2×2 cell. */
  readonly outputChannels: number;
  /**
   * The network's size. With a first level of full size, its number of channels there; each lower
   * level has twice as many. The paper has 32. With a first level at half size, `halfWidths` times
   * as many channels, which is as much work for a photo (within 5 %).
   */
  readonly baseChannels: number;
  /** Number of resolution levels; the paper has 5. See `sideMultiple` for the input's sides. */
  readonly levels: number;
  /**
   * `full`: the first level has the mosaic's packed size, as in the paper; the default. `half`: its
   * input is packed once more, 2×2 packed pixels to one with four times the channels, and its output
   * unpacked.
   */
  readonly firstLevel?: FirstLevel | undefined;
}

/**
 * Channels of each level of a network whose first level is at half size, in base channels. With
 * multiples of 16 for base 16, the processor's blocks are full.
 */
const halfWidths: readonly number[] = [2, 5, 10, 16];

/** The operations that the U-Net is built from; T is their tensor type. */
export interface UnetOperations<T> {
  /**
   * Packs side × side pixels into one: channel (dy · side + dx) · channels + channel. Only the
   * network's input is packed.
   */
  pack(x: T, side: 2): T;
  /**
   * Convolution 1×1, which gives the network's output; weight [out, in, 1, 1], bias [out]. With side
   * 2, the output is unpacked: channel (dy · 2 + dx) · (out / 4) + channel becomes a pixel of 2×2.
   */
  convolve1(x: T, weight: T, bias: T, side: 1 | 2): T;
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
  const channels = (level: number): number => channelsOf(shape, level);
  const places = packedSide(shape) ** 2;

  for (let level = 0; level < shape.levels; level++) {
    const above = level === 0 ? shape.inputChannels * places : channels(level - 1);
    convolution(`down${String(level)}a`, channels(level), above, 3);
    convolution(`down${String(level)}b`, channels(level), channels(level), 3);
  }
  for (let level = shape.levels - 2; level >= 0; level--) {
    add(`rise${String(level)}.weight`, [channels(level + 1), channels(level), 2, 2]);
    convolution(`up${String(level)}a`, channels(level), 2 * channels(level), 3);
    convolution(`up${String(level)}b`, channels(level), channels(level), 3);
  }
  convolution('out', shape.outputChannels * places, channels(0), 1);
  return parameters;
}

/**
 * Channels of a level, counted from 0.
 * @throws Error for a level that a network with half a first level does not have
 */
export function channelsOf({ baseChannels, firstLevel }: UnetShape, level: number): number {
  if (firstLevel !== 'half') return baseChannels * 2 ** level;
  const width = halfWidths[level];
  if (width === undefined) throw new Error(`expected at most ${String(halfWidths.length)} levels`);
  return baseChannels * width;
}

/** Side of the square of packed pixels that is one pixel of the first level. */
export function packedSide({ firstLevel }: UnetShape): 1 | 2 {
  return firstLevel === 'half' ? 2 : 1;
}

/** The input's sides must be multiples of this, in packed pixels. */
export function sideMultiple(shape: UnetShape): number {
  return packedSide(shape) * 2 ** (shape.levels - 1);
}

/** The network in words, such as "U-Net, base 16, 5 levels". */
export function unetWords({ baseChannels, levels, firstLevel }: UnetShape): string {
  const half = firstLevel === 'half' ? ', first level at half size' : '';
  return `U-Net, base ${String(baseChannels)}, ${String(levels)} levels${half}`;
}

/** Length of the flat parameter vector. */
export function parameterCount(shape: UnetShape): number {
  return unetParameters(shape).reduce((total, parameter) => total + parameter.size, 0);
}

/** Multiply-adds per packed pixel: 184,832 at the paper's size, 48,616 for half and base 16. */
export function macsPerPackedPixel(shape: UnetShape): number {
  let macs = 0;
  for (const { name, size } of unetParameters(shape)) {
    if (!name.endsWith('.weight')) continue;
    const level = name.startsWith('out') ? 0 : Number(/\d/.exec(name)?.[0] ?? 0);
    // An upward convolution's weights are used once for each pixel of the level *below*.
    macs += size / 4 ** (name.startsWith('rise') ? level + 1 : level);
  }
  return macs / packedSide(shape) ** 2;
}

/**
 * Applies the network.
 * @param x [n, inputChannels, h, w], h and w multiples of `sideMultiple`
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
  const side = packedSide(shape);
  let y = side === 1 ? x : operations.pack(x, side);
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
  return operations.convolve1(y, parameter('out.weight'), parameter('out.bias'), side);
}

/** The U-Net's operations as ONNX nodes. */
export function graphOperations(graph: Graph): UnetOperations<Value> {
  const convolve = (x: Value, weight: Value, bias: Value, kernel: 1 | 3): Value =>
    graph.apply('Conv', [x, weight, bias], withChannels(x, weight.shape[0]), {
      attributes: convolutionAttributes(kernel),
    });
  return {
    pack: (x, side) => packed(graph, x, side),
    convolve1: (x, weight, bias, side) => {
      const y = convolve(x, weight, bias, 1);
      return side === 1 ? y : unpacked(graph, y, side);
    },
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

/**
 * `UnetOperations.pack` as a convolution that copies. Unlike SpaceToDepth, every back end has it, and
 * the processor's leaves the channels in blocks, as the next one wants them.
 */
export function packed(graph: Graph, x: Value, side: 2): Value {
  const weight = packingWeight(graph, Number(x.shape[1]), side);
  const shape = withChannels({ shape: rescaled(x, 1 / side) }, weight.shape[0]);
  return graph.apply('Conv', [x, weight], shape, { attributes: packingAttributes(side) });
}

export function packingAttributes(side: 2) {
  return { kernel_shape: [side, side], strides: [side, side], pads: [0, 0, 0, 0] };
}

function packingWeight(graph: Graph, channels: number, side: 2): Value {
  const places = side ** 2;
  const shape = [channels * places, channels, side, side];
  const copies = new Float32Array((channels * places) ** 2);
  for (let place = 0; place < places; place++) {
    for (let channel = 0; channel < channels; channel++) {
      copies[((place * channels + channel) * channels + channel) * places + place] = 1;
    }
  }
  return graph.table(`pack:${shape.join(',')}`, shape, copies);
}

function unpacked(graph: Graph, y: Value, side: 2): Value {
  const channels = Number(y.shape[1]) / side ** 2;
  return graph.apply('DepthToSpace', [y], withChannels({ shape: rescaled(y, side) }, channels), {
    attributes: { blocksize: side, mode: 'DCR' },
  });
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
