/** Counts the weights in an ONNX file, to hold a manifest to what it says of them. */

/** Field numbers of onnx.proto3 (github.com/onnx/onnx). */
const graphField = 7;
const nodeField = 1;
const initializerField = 5;
const attributeField = 5;
const tensorField = 5;
const dimensionsField = 1;
const typeField = 2;

/** Whole numbers, truth values and strings: shapes and indices, no weights. */
const countlessTypes = new Set([6, 7, 8, 9, 12, 13]);

interface Field {
  readonly number: number;
  /** A varint's value; undefined for the other wire types. */
  readonly value: number | undefined;
  /** A length-delimited field's content; undefined for the other wire types. */
  readonly content: Uint8Array | undefined;
}

/**
 * Numbers in all constant tensors of a network.
 * @param onnx a file that ONNX Runtime has opened; of another one, anything may come out
 */
export function weightCount(onnx: Uint8Array): number {
  let count = 0;
  for (const graph of contents(onnx, graphField)) {
    for (const tensor of contents(graph, initializerField)) count += tensorSize(tensor);
    // Some exporters keep weights in Constant nodes.
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

function* contents(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { number, content } of fields(message)) {
    if (number === wanted && content !== undefined) yield content;
  }
}

/** Source: protobuf.dev, "Encoding". Ends at what is no field. */
function* fields(message: Uint8Array): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const tag = varint(message, at);
    const number = Math.floor(tag.value / 8);
    switch (tag.value % 8) {
      case 0: {
        const { value, end } = varint(message, tag.end);
        yield { number, value, content: undefined };
        at = end;
        break;
      }
      case 1:
        at = tag.end + 8;
        break;
      case 2: {
        const { value: length, end } = varint(message, tag.end);
        yield { number, value: undefined, content: message.subarray(end, end + length) };
        at = end + length;
        break;
      }
      case 5:
        at = tag.end + 4;
        break;
      default:
        return;
    }
  }
}

/** Exact to 2^53, which no length in a file of a few gigabytes reaches. */
function varint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < bytes.length; at++, scale *= 128) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  return { value, end: bytes.length };
}
