/**
 * Encoder of lossless JPEG with three components of 16 bits, as DNGs hold developed pictures
 * (ITU-T T.81, process 14 with predictor 1; DNG 1.4, compression 7).
 */

import { huffmanCode, type HuffmanCode } from './huffman-code.ts';

const components = 3;
/** Differences have 0 to 16 bits. */
const categories = 17;
const middle = 2 ** 15;

/** Each sample takes at most 16 bits of code and 16 of its own, and each byte may be stuffed. */
const bytesPerSampleMax = 8;
const headBytesMax = 256;

/** Memory that one picture after another is encoded in. */
export class LosslessJpeg {
  readonly #width: number;
  readonly #height: number;
  readonly #differences: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param width and height of every picture, at most 65535 */
  constructor(width: number, height: number) {
    const samples = width * height * components;
    this.#width = width;
    this.#height = height;
    this.#differences = new Int32Array(samples);
    this.#bytes = new Uint8Array(samples * bytesPerSampleMax + headBytesMax);
  }

  /** @param samples width × height × 3, row by row */
  encode(samples: Uint16Array): Uint8Array {
    const [width, height] = [this.#width, this.#height];
    if (samples.length !== width * height * components) {
      throw new Error(`expected ${width}×${height}×3 samples but received ${samples.length}`);
    }
    const codes = this.#takeDifferences(samples).map(huffmanCode);
    this.#bytes.set(headOf(width, height, codes));
    const end = this.#writeDifferences(codes, headLength(codes));
    this.#bytes.set([0xff, 0xd9], end);
    return this.#bytes.slice(0, end + 2);
  }

  /** @returns for each component, how many differences there are of each category */
  #takeDifferences(samples: Uint16Array): Uint32Array[] {
    const differences = this.#differences;
    const stride = this.#width * components;
    const counts = Array.from({ length: components }, () => new Uint32Array(categories));
    for (let channel = 0; channel < components; channel++) {
      const count = counts[channel]!;
      for (let row = 0; row < samples.length; row += stride) {
        // The left neighbour; above it at the left edge; half the range in the corner.
        let guess = row === 0 ? middle : samples[row - stride + channel]!;
        for (let i = row + channel; i < row + stride; i += components) {
          const sample = samples[i]!;
          // Modulo 2^16, from −32768 to 32767.
          const difference = ((sample - guess) << 16) >> 16;
          differences[i] = difference;
          count[categoryOf(difference)]! += 1;
          guess = sample;
        }
      }
    }
    return counts;
  }

  /**
   * One plain loop, because closures took three times as long.
   * @returns the position after the last byte
   */
  #writeDifferences(codes: readonly HuffmanCode[], start: number): number {
    const differences = this.#differences;
    const bytes = this.#bytes;
    const words = packed(codes);
    let at = start;
    let held = 0;
    let count = 0;
    let row = 0;
    for (let i = 0; i < differences.length; i++) {
      const difference = differences[i]!;
      const category = categoryOf(difference);
      const word = words[row + category]!;
      row = row === rowsEnd ? 0 : row + rowLength;
      held = (held << (word & 31)) | (word >> 5);
      count += word & 31;
      for (; count >= 8; count -= 8) {
        const byte = (held >>> (count - 8)) & 0xff;
        bytes[at++] = byte;
        if (byte === 0xff) bytes[at++] = 0;
      }
      held &= 0xff;
      // 16 bits mean one difference only, −32768, which is written without its own bits.
      const own = category & 15;
      held = (held << own) | ((difference + (difference >> 31)) & ((1 << own) - 1));
      count += own;
      for (; count >= 8; count -= 8) {
        const byte = (held >>> (count - 8)) & 0xff;
        bytes[at++] = byte;
        if (byte === 0xff) bytes[at++] = 0;
      }
      held &= 0xff;
    }
    if (count === 0) return at;
    const last = ((held << (8 - count)) | (0xff >> count)) & 0xff;
    bytes[at++] = last;
    if (last === 0xff) bytes[at++] = 0;
    return at;
  }
}

function categoryOf(difference: number): number {
  return 32 - Math.clz32(difference < 0 ? -difference : difference);
}

const rowLength = 32;
const rowsEnd = (components - 1) * rowLength;

/**
 * For each component a row, in it for each category its code and below that, in five bits, the
 * code's length.
 */
function packed(codes: readonly HuffmanCode[]): Int32Array {
  const rows = new Int32Array(components * rowLength);
  for (const [component, { words, lengths }] of codes.entries()) {
    words.forEach((word, category) => {
      rows[component * rowLength + category] = (word << 5) | lengths[category]!;
    });
  }
  return rows;
}

const word = (value: number): number[] => [value >> 8, value & 0xff];

/**
 * The segments before the data. Each component has the table of its own number, because some
 * readers look no further than that.
 */
function headOf(width: number, height: number, codes: readonly HuffmanCode[]): number[] {
  const all = [0, 1, 2];
  return [
    ...[0xff, 0xd8],
    ...[0xff, 0xc3, ...word(8 + 3 * components), 16, ...word(height), ...word(width), components],
    ...all.flatMap((component) => [component, 0x11, 0]),
    ...codes.flatMap((code, component) => tableOf(code, component)),
    ...[0xff, 0xda, ...word(6 + 2 * components), components],
    ...all.flatMap((component) => [component, component << 4]),
    ...[1, 0, 0],
  ];
}

function headLength(codes: readonly HuffmanCode[]): number {
  return headOf(1, 1, codes).length;
}

function tableOf({ symbols, lengths }: HuffmanCode, component: number): number[] {
  const ofLength = Array<number>(16).fill(0);
  for (const symbol of symbols) ofLength[lengths[symbol]! - 1]! += 1;
  return [0xff, 0xc4, ...word(3 + 16 + symbols.length), component, ...ofLength, ...symbols];
}
