/**
 * Converts bytes of a TIFF or DNG chunk to numbers: packed integers, and floats of 16, 24 and 32
 * bits.
 */

import { endianness } from 'node:os';

const isMachineLittle = endianness() === 'LE';

/** Samples as they are stored, row by row. */
export type Samples = Uint8Array | Uint16Array | Uint32Array | Float32Array;

/**
 * Whole numbers. Those of 8, 16 and 32 bits have the file's byte order. Other depths are packed
 * from each byte's high end, and every row begins with a new byte (TIFF 6.0, FillOrder 1).
 * @param rowSamples samples in one row
 * @returns as many as `bytes` holds
 */
export function wholeNumbers(
  bytes: Uint8Array,
  bits: number,
  littleEndian: boolean,
  rowSamples: number,
): Uint8Array | Uint16Array | Uint32Array {
  if (bits === 8) return bytes;
  if (bits === 16) return words(bytes, 2, littleEndian, (buffer) => new Uint16Array(buffer));
  if (bits === 32) return words(bytes, 4, littleEndian, (buffer) => new Uint32Array(buffer));
  return packed(bytes, bits, rowSamples);
}

function words<T>(
  bytes: Uint8Array,
  width: 2 | 4,
  littleEndian: boolean,
  viewOf: (buffer: ArrayBuffer) => T,
): T {
  // Copied, because chunks may start at any byte, and the file's own bytes must not change.
  const copy = Buffer.from(
    Uint8Array.from(bytes.subarray(0, bytes.length - (bytes.length % width))).buffer,
  );
  if (littleEndian !== isMachineLittle) {
    if (width === 2) copy.swap16();
    else copy.swap32();
  }
  return viewOf(copy.buffer);
}

function packed(bytes: Uint8Array, bits: number, rowSamples: number): Uint16Array {
  const rowBytes = Math.ceil((rowSamples * bits) / 8);
  const rows = Math.floor(bytes.length / rowBytes);
  const samples = new Uint16Array(rows * rowSamples);
  const mask = 2 ** bits - 1;
  for (let row = 0, out = 0; row < rows; row++) {
    let held = 0;
    let heldBits = 0;
    let at = row * rowBytes;
    for (let i = 0; i < rowSamples; i++, out++) {
      while (heldBits < bits) {
        held = ((held << 8) | bytes[at++]!) & 0xff_ffff;
        heldBits += 8;
      }
      heldBits -= bits;
      samples[out] = (held >> heldBits) & mask;
    }
  }
  return samples;
}

/**
 * Floating point samples.
 * @param bits 16 (IEEE half), 24 (DNG: 1 sign, 7 exponent, 16 fraction bits) or 32
 */
export function floats(bytes: Uint8Array, bits: number, littleEndian: boolean): Float32Array {
  if (bits === 32) return words(bytes, 4, littleEndian, (buffer) => new Float32Array(buffer));
  if (bits === 24) return floats24(bytes, littleEndian);
  const halves = words(bytes, 2, littleEndian, (buffer) => new Uint16Array(buffer));
  const table = halfTable();
  return Float32Array.from(halves, (half) => table[half]!);
}

let halvesAsFloats: Float32Array | undefined;

/** All 65,536 halves, because a look-up is four times as fast as computing each. */
function halfTable(): Float32Array {
  halvesAsFloats ??= Float32Array.from({ length: 65_536 }, (_, half) =>
    unpackedFloat(half >> 15, (half >> 10) & 31, (half & 1023) / 1024, 15, 31),
  );
  return halvesAsFloats;
}

function floats24(bytes: Uint8Array, littleEndian: boolean): Float32Array {
  const [high, low] = littleEndian ? [2, 0] : [0, 2];
  return Float32Array.from({ length: Math.floor(bytes.length / 3) }, (_, index) => {
    const first = bytes[3 * index + high]!;
    const fraction = (bytes[3 * index + 1]! * 256 + bytes[3 * index + low]!) / 65_536;
    return unpackedFloat(first >> 7, first & 127, fraction, 63, 127);
  });
}

function unpackedFloat(
  sign: number,
  exponent: number,
  fraction: number,
  bias: number,
  exponentMax: number,
): number {
  const size =
    exponent === 0
      ? fraction * 2 ** (1 - bias)
      : exponent === exponentMax
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1 + fraction) * 2 ** (exponent - bias);
  return sign === 0 ? size : -size;
}
