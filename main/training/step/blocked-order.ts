/**
 * The order in which ONNX Runtime's fast convolutions store a network's weights, and conversions to
 * and from it.
 *
 * The processor multiplies B numbers at once (16 with AVX-512, 8 with AVX2). Tensors are therefore
 * stored as [n, c / B, h, w, B], and weights as [out / B, in / B, k, k, B in, B out] (ONNX
 * Runtime's NCHWc and OIHWBiBo). Adam works in any order, so weights and moments stay blocked from
 * step to step and are only converted for checkpoints.
 */

import type { Stretch } from './adam.ts';
import {
  channelsOf,
  packedSide,
  unetParameters,
  type Parameter,
  type UnetShape,
} from '../../network/unet.ts';

/** A parameter of the blocked vector. */
export interface BlockedParameter extends Parameter {
  /** Index in the plain vector of each number here; −1 for channels that only fill up a block. */
  readonly sources: Int32Array;
}

/**
 * Shape of a gradient as `BlockedSums` produces it, so that it need not be moved: blocks of inputs
 * are images, and the lanes of a block are adjacent in a row.
 */
export function gradientShapeOf({ shape }: Parameter, block: number): readonly number[] {
  const [outputs = 1, inputs, height = 1, width = 1] = shape;
  if (inputs === undefined) return shape;
  const lanes = Math.min(inputs, block);
  return [inputs / lanes, outputs, height, width * lanes];
}

/**
 * Where the gradients of blocked parameters lie. Their order is [in / B, out / B, k, k, B in, B
 * out]: that of the weights, except that blocks, or the inputs if they are few, come in another
 * order. Reordering them would cost another pass over memory.
 */
export function gradientRuns(parameters: readonly BlockedParameter[], block: number): Stretch[] {
  return parameters.flatMap(({ shape, offset, size }) => {
    const [outputs = 1, inputs, height = 1, width = 1] = shape;
    if (inputs === undefined) return [{ start: offset, end: offset + size, gradientStart: offset }];
    const [outer, taps] = [outputs / block, height * width];
    return inputs < block
      ? runsOf(offset, block, [outer, inputs, taps], (o, i, tap) => (o * taps + tap) * inputs + i)
      : runsOf(offset, taps * block ** 2, [outer, inputs / block, 1], (o, i) => i * outer + o);
  });
}

/**
 * Runs of equal length, in the weights' order.
 * @param placeOf index of a run in the gradient's order
 */
function runsOf(
  offset: number,
  length: number,
  [first, second, third]: readonly [number, number, number],
  placeOf: (a: number, b: number, c: number) => number,
): Stretch[] {
  return Array.from({ length: first * second * third }, (_, at) => {
    const [a, rest] = [Math.floor(at / (second * third)), at % (second * third)];
    const start = offset + at * length;
    const place = placeOf(a, Math.floor(rest / third), rest % third);
    return { start, end: start + length, gradientStart: offset + place * length };
  });
}

/** A gradient rearranged to its weights' order. */
export function gathered(runs: readonly Stretch[], gradient: Float32Array): Float32Array {
  const ordered = new Float32Array(gradient.length);
  for (const { start, end, gradientStart } of runs) {
    ordered.set(gradient.subarray(gradientStart, gradientStart + end - start), start);
  }
  return ordered;
}

/** Whether a network's channels fill whole blocks. */
export function fillsBlocks(shape: UnetShape, block: number): boolean {
  const levels = Array.from({ length: shape.levels }, (_, level) => channelsOf(shape, level));
  const packedInputs = shape.inputChannels * packedSide(shape) ** 2;
  const isInputFitting = packedInputs < block || packedInputs % block === 0;
  return (
    shape.inputChannels < block &&
    isInputFitting &&
    levels.every((channels) => channels % block === 0)
  );
}

/**
 * Every parameter in blocked order: first weights, then biases. Each has the shape of the
 * convolution that uses it; an upward convolution is a 1×1 convolution to four times its channels
 * (`BlockedLayers.upConvolve`).
 */
export function blockedParameters(shape: UnetShape, block: number): readonly BlockedParameter[] {
  let offset = 0;
  const isBias = ({ name }: Parameter): boolean => name.endsWith('.bias');
  const parameters = unetParameters(shape);
  const ordered = [...parameters.filter((one) => !isBias(one)), ...parameters.filter(isBias)];
  return ordered.map((plain) => {
    const { dimensions, sources } = blockedForm(plain, block, packedSide(shape) ** 2);
    const parameter = {
      name: plain.name,
      shape: dimensions,
      offset,
      size: sources.length,
      sources,
    };
    offset += sources.length;
    return parameter;
  });
}

/** @returns [blocked parameters], with zeros for channels that only fill up a block */
export function toBlocked(
  parameters: readonly BlockedParameter[],
  plain: Float32Array,
): Float32Array {
  const last = parameters.at(-1);
  const blocked = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for (const { offset, sources } of parameters) {
    sources.forEach((source, at) => {
      if (source >= 0) blocked[offset + at] = plain[source]!;
    });
  }
  return blocked;
}

/**
 * The inverse of `toBlocked`.
 * @param size numbers in the plain vector
 */
export function toPlain(
  parameters: readonly BlockedParameter[],
  blocked: Float32Array,
  size: number,
): Float32Array {
  const plain = new Float32Array(size);
  for (const { offset, sources } of parameters) {
    sources.forEach((source, at) => {
      if (source >= 0) plain[source] = blocked[offset + at]!;
    });
  }
  return plain;
}

/** @param places pixels that each pixel of the last convolution gives */
function blockedForm(
  { name, shape, offset }: Parameter,
  block: number,
  places: number,
): { readonly dimensions: readonly number[]; readonly sources: Int32Array } {
  const [first = 1, second = 1, kernel = 1] = shape;
  // The last convolution's channels fill blocks for each place.
  const groups = name.startsWith('out.') ? places : 1;
  const [own, filled] = [first / groups, wholeBlocks(first / groups, block)];
  const plainOutput = (output: number): number | undefined => {
    const [place, channel] = [Math.floor(output / filled), output % filled];
    return channel < own ? place * own + channel : undefined;
  };
  if (name.endsWith('.bias')) {
    const sources = Int32Array.from({ length: groups * filled }, (_, o) => {
      const output = plainOutput(o);
      return output === undefined ? -1 : offset + output;
    });
    return { dimensions: [sources.length], sources };
  }
  const taps = kernel * kernel;
  if (name.startsWith('rise')) {
    // [in, out, 2, 2]: each position of the 2×2 becomes a group of output channels.
    return convolutionForm([4 * second, first, 1], block, (o, i) => {
      const [place, output] = [Math.floor(o / second), o % second];
      return offset + (i * second + output) * 4 + place;
    });
  }
  return convolutionForm([groups * filled, second, kernel], block, (o, i, tap) => {
    const output = plainOutput(o);
    return output === undefined ? -1 : offset + (output * second + i) * taps + tap;
  });
}

function convolutionForm(
  [outputs, inputs, kernel]: readonly [number, number, number],
  block: number,
  sourceOf: (output: number, input: number, tap: number) => number,
): { readonly dimensions: readonly number[]; readonly sources: Int32Array } {
  const taps = kernel * kernel;
  // The mosaic's few channels are not blocked; their convolution takes weights in OIHWBo order.
  const inputBlock = inputs < block ? 1 : block;
  const sources = new Int32Array(outputs * inputs * taps);
  let at = 0;
  for (let outputBlock = 0; outputBlock < outputs; outputBlock += block) {
    for (let input = 0; input < inputs; input += inputBlock) {
      for (let tap = 0; tap < taps; tap++) {
        for (let i = input; i < input + inputBlock; i++) {
          for (let o = outputBlock; o < outputBlock + block; o++, at++) {
            sources[at] = sourceOf(o, i, tap);
          }
        }
      }
    }
  }
  return { dimensions: [outputs, inputs, kernel, kernel], sources };
}

function wholeBlocks(channels: number, block: number): number {
  return Math.ceil(channels / block) * block;
}
