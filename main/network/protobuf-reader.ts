/**
 * Reads the small part of protobuf's wire format that ONNX files use. Source: protobuf.dev,
 * "Encoding".
 */

export interface Field {
  readonly number: number;
  /** A varint's value; undefined for the other wire types. */
  readonly value: number | undefined;
  /** A length-delimited field's content; undefined for the other wire types. */
  readonly content: Uint8Array | undefined;
}

/** Contents of all length-delimited fields with this number. */
export function* contents(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { number, content } of fields(message)) {
    if (number === wanted && content !== undefined) yield content;
  }
}

/** All fields of a message in order; stops at the first invalid one. */
export function* fields(message: Uint8Array): Generator<Field> {
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
      // Groups are not used here; their fields are read as if they were outside.
      case 3:
      case 4:
        at = tag.end;
        break;
      case 5:
        at = tag.end + 4;
        break;
      default:
        return;
    }
  }
}

/** 64 bits, seven in a byte. */
const varintBytesMax = 10;

/** Exact up to 2^53, far beyond any length in a file of a few gigabytes. */
export function varint(
  bytes: Uint8Array,
  start: number,
): { readonly value: number; readonly end: number } {
  let value = 0;
  let scale = 1;
  const last = Math.min(bytes.length, start + varintBytesMax);
  for (let at = start; at < last; at++, scale *= 128) {
    const byte = bytes[at]!;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  // Not a varint: reading stops here.
  return { value: 0, end: bytes.length };
}
