/**
 * Finds weights that an ONNX file stores in other files, which the file's checksum does not cover.
 */

import { Refusal } from '../base/refusal.ts';
import { fields } from './protobuf-reader.ts';

/** Field numbers of onnx.proto3 (github.com/onnx/onnx), by message. */
const tensorFields = { externalData: 13, dataLocation: 14 } as const;
type Message = 'model' | 'graph' | 'function' | 'node' | 'attribute' | 'sparseTensor' | 'tensor';

/** Field numbers of each message's fields that may contain tensors, directly or nested. */
const inside: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparseTensor' },
  function: { 7: 'node', 11: 'attribute' },
  node: { 5: 'attribute' },
  attribute: {
    ...{ 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
    ...{ 22: 'sparseTensor', 23: 'sparseTensor' },
  },
  sparseTensor: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};

/** Limit for graphs nested in attributes of nodes. No real network comes close. */
const depthMax = 32;

/**
 * @param name of the file, for the message
 * @throws Refusal `model` for weights in other files, and for excessive nesting
 */
export function checkSelfContained(onnx: Uint8Array, name: string): void {
  // A list instead of recursion, because the file decides the depth.
  const waiting: { message: Message; bytes: Uint8Array; depth: number }[] = [
    { message: 'model', bytes: onnx, depth: 0 },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { message, bytes, depth } = next;
    if (depth > depthMax) {
      throw new Refusal('model', `expected a network in ${name} but it is nested too deeply`);
    }
    for (const { number, value, content } of fields(bytes)) {
      if (message === 'tensor') {
        const isExternal =
          number === tensorFields.externalData ||
          (number === tensorFields.dataLocation && value !== 0);
        if (!isExternal) continue;
        throw new Refusal(
          'model',
          `expected all weights of the network in ${name} but it keeps some in another file, which its checksum does not cover: save it as one file`,
        );
      }
      const kind = inside[message][number];
      if (kind !== undefined && content !== undefined) {
        waiting.push({ message: kind, bytes: content, depth: depth + 1 });
      }
    }
  }
}
