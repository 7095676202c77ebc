/** Counts the weights in an ONNX file, to check a manifest against it. */

import { Refusal } from '../base/refusal.ts';
import type { Model } from './manifest.ts';
import { contents, fields, varint } from './protobuf-reader.ts';
import { parameterCount } from './unet.ts';

/** Field numbers of onnx.proto3 (github.com/onnx/onnx). */
const graphField = 7;
const nodeField = 1;
const initializerField = 5;
const attributeField = 5;
const tensorField = 5;
const dimensionsField = 1;
const typeField = 2;

/** Integers, booleans and strings hold shapes and indices, not weights. */
const countlessTypes = new Set([6, 7, 8, 9, 12, 13]);

/**
 * Checks a manifest's network shape, which memory and tiles are planned by, against the number of
 * weights in the file.
 * @throws Refusal `model` if the file holds far more or fewer weights
 */
export function checkWeightCount({ manifest, onnx }: Model): void {
  const [promised, found] = [parameterCount(manifest.unet), weightCount(onnx)];
  if (Math.abs(found - promised) > promised / 10) {
    const { baseChannels, levels } = manifest.unet;
    throw new Refusal(
      'model',
      `expected ${manifest.file} to hold the ${String(promised)} weights of a U-Net with ${String(baseChannels)} base channels and ${String(levels)} levels, as its manifest says, but it holds ${String(found)}`,
    );
  }
}

/**
 * Number of elements in all constant tensors of a network.
 * @param onnx a file that ONNX Runtime has opened; meaningless for any other
 */
export function weightCount(onnx: Uint8Array): number {
  let count = 0;
  for (const graph of contents(onnx, graphField)) {
    for (const tensor of contents(graph, initializerField)) count += tensorSize(tensor);
    // Some exporters store weights in Constant nodes.
    for (const node of contents(graph, nodeField)) {
      for (const attribute of contents(node, attributeField)) {
        for (const tensor of contents(attribute, tensorField)) count += tensorSize(tensor);
      }
    }
  }
  return count;
}

function tensorSize(tensor: Uint8Array): number {
  let size = 1;
  for (const { number, value, content } of fields(tensor)) {
    if (number === typeField && value !== undefined && countlessTypes.has(value)) return 0;
    if (number !== dimensionsField) continue;
    if (value !== undefined) size *= value;
    if (content === undefined) continue;
    for (let at = 0; at < content.length;) {
      const dimension = varint(content, at);
      size *= dimension.value;
      at = dimension.end;
    }
  }
  return size;
}
