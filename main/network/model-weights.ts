/** Extracts the weights in a model's ONNX file as the flat vector that training continues from. */

import { contents, fields, varint } from './protobuf-reader.ts';
import type { Model } from './manifest.ts';
import { unetParameters, type Parameter } from './unet.ts';
import { Refusal } from '../base/refusal.ts';

/** Field numbers of onnx.proto3 (github.com/onnx/onnx). */
const graphField = 7;
const initializerField = 5;
const dimensionsField = 1;
const nameField = 8;
const rawDataField = 9;

interface Tensor {
  readonly dimensions: readonly number[];
  readonly numbers: Float32Array;
}

/**
 * Reads the weights of a model that `inferenceModel` wrote.
 * @returns [parameters], in the order of `unetParameters`
 * @throws Refusal `model` if a weight is missing or has another shape
 */
export function modelWeights({ manifest, onnx }: Model): Float32Array {
  const tensors = new Map(namedTensors(onnx));
  const parameters = unetParameters(manifest.unet);
  const last = parameters.at(-1);
  const weights = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for (const parameter of parameters) {
    const parts = partsOf(parameter, tensors);
    if (parts === undefined) {
      throw new Refusal(
        'model',
        `expected the weights ${parameter.name} [${parameter.shape.join(', ')}] in ${manifest.file} ` +
          'but they are not there: training goes on only from models that nightglass wrote',
      );
    }
    joinInputs(parts, parameter, weights);
  }
  return weights;
}

/** The tensor of a parameter, or two tensors if its input is a concatenation of two. */
function partsOf(
  { name, shape, size }: Parameter,
  tensors: ReadonlyMap<string, Tensor>,
): readonly Tensor[] | undefined {
  const whole = tensors.get(name);
  const halves = [tensors.get(`${name}.0`), tensors.get(`${name}.1`)];
  const parts = (whole === undefined ? halves : [whole]).filter((part) => part !== undefined);
  const isOutputsOwn = parts.every(({ dimensions }) => dimensions[0] === shape[0]);
  const total = parts.reduce((sum, { numbers }) => sum + numbers.length, 0);
  return isOutputsOwn && total === size ? parts : undefined;
}

/** Joins parts of [output, some of the inputs, …] into [output, input, …]. */
function joinInputs(
  parts: readonly Tensor[],
  { offset, shape, size }: Parameter,
  weights: Float32Array,
): void {
  const outputs = shape[0] ?? 1;
  const row = size / outputs;
  let before = 0;
  for (const { numbers } of parts) {
    const own = numbers.length / outputs;
    for (let output = 0; output < outputs; output++) {
      const part = numbers.subarray(output * own, (output + 1) * own);
      weights.set(part, offset + output * row + before);
    }
    before += own;
  }
}

function* namedTensors(onnx: Uint8Array): Generator<readonly [string, Tensor]> {
  for (const graph of contents(onnx, graphField)) {
    for (const tensor of contents(graph, initializerField)) {
      let name = '';
      let raw: Uint8Array | undefined;
      const dimensions: number[] = [];
      for (const { number, value, content } of fields(tensor)) {
        if (number === dimensionsField && value !== undefined) dimensions.push(value);
        if (number === dimensionsField && content !== undefined) {
          for (let at = 0; at < content.length;) {
            const dimension = varint(content, at);
            dimensions.push(dimension.value);
            at = dimension.end;
          }
        }
        if (number === nameField) name = Buffer.from(content ?? []).toString('utf8');
        if (number === rawDataField) raw = content;
      }
      const size = dimensions.reduce((product, dimension) => product * dimension, 1);
      if (raw?.length !== size * 4) continue;
      // Copied, because the bytes in the file need not be aligned to four. (A Buffer's own slice
      // does not copy.)
      yield [name, { dimensions, numbers: new Float32Array(Uint8Array.from(raw).buffer) }];
    }
  }
}
