/** Encoder of lossless JPEG (ITU-T T.81, process 14) with one component, as DNGs hold their mosaics. */

const precision = 16;
/** Seventeen categories of differences (0 to 16 bits), each with a code of five bits. */
const categoryCount = 17;
const codeBits = 5;

/** Writes bits from the highest on, with a zero byte after each 0xff, as JPEG wants it. */
class BitWriter {
  readonly bytes: number[] = [];
  #held = 0;
  #count = 0;

  write(value: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) {
      this.#held = (this.#held << 1) | ((value >> bit) & 1);
      this.#count += 1;
      if (this.#count === 8) this.#flush();
    }
  }

  end(): void {
    while (this.#count !== 0) this.write(1, 1);
  }

  #flush(): void {
    this.bytes.push(this.#held);
    if (this.#held === 0xff) this.bytes.push(0);
    this.#held = 0;
    this.#count = 0;
  }
}

/** @param samples width × height of 16 bits, row by row */
export function losslessJpeg(samples: Uint16Array, width: number, height: number): Uint8Array {
  const writer = new BitWriter();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      // The left neighbour; above it at the left edge; half the range in the corner.
      const guess = x > 0 ? samples[at - 1]! : y > 0 ? samples[at - width]! : 2 ** (precision - 1);
      const difference = ((samples[at]! - guess + 0x1_8000) & 0xffff) - 0x8000;
      const category = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
      writer.write(category, codeBits);
      // 16 bits stand for one difference only, -32768, and are left out.
      if (category > 0 && category < 16) {
        writer.write(difference > 0 ? difference : difference + 2 ** category - 1, category);
      }
    }
  }
  writer.end();
  const word = (value: number): number[] => [value >> 8, value & 0xff];
  const codeLengths = Array.from({ length: 16 }, (_, index) =>
    index === codeBits - 1 ? categoryCount : 0,
  );
  const categories = Array.from({ length: categoryCount }, (_, index) => index);
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...[0xff, 0xc4, ...word(2 + 1 + 16 + categoryCount), 0, ...codeLengths, ...categories],
    ...[0xff, 0xc3, ...word(11), precision, ...word(height), ...word(width), 1, 1, 0x11, 0],
    ...[0xff, 0xda, ...word(8), 1, 1, 0, 1, 0, 0],
    ...writer.bytes,
    ...[0xff, 0xd9],
  ]);
}
