/**
 * LZW as in TIFF: codes of 9–12 bits, high bit first, widened one code early (TIFF 6.0, section
 * 13).
 */

const clear = 256;
const end = 257;
const firstFree = 258;
/** The table is cleared just before it is full, as every reader expects. */
const lastCode = 4094;
const firstWidth = 9;

const hashBits = 14;
const hashMask = (1 << hashBits) - 1;
/**
 * Keys have 20 bits (prefix code and byte). The 11 bits above hold the table generation that wrote
 * the entry.
 */
const keyBits = 20;
const maxGeneration = 2047;

/**
 * Compresses one strip. The result is self-contained: it begins with a clear code and ends with an
 * end code.
 */
export function lzwEncode(input: Uint8Array): Uint8Array {
  // In the worst case each byte becomes one 12-bit code, plus clear codes and the codes at both
  // ends.
  const output = new Uint8Array(
    Math.ceil(input.length * 1.5) + Math.ceil(input.length / 1024) + 16,
  );
  const keys = new Int32Array(1 << hashBits);
  const codes = new Uint16Array(1 << hashBits);
  let generation = 1;
  let free = firstFree;
  let width = firstWidth;
  let pending = 0;
  let pendingBits = 0;
  let length = 0;

  const put = (code: number): void => {
    pending = (pending << width) | code;
    pendingBits += width;
    while (pendingBits >= 8) {
      pendingBits -= 8;
      output[length++] = pending >>> pendingBits;
    }
    pending &= (1 << pendingBits) - 1;
  };
  const countOne = (): void => {
    free++;
    if (free === lastCode) {
      put(clear);
      free = firstFree;
      width = firstWidth;
      // A new generation invalidates all entries without touching them.
      if (++generation > maxGeneration) {
        keys.fill(0);
        generation = 1;
      }
    } else if (free === 1 << width) {
      width++;
    }
  };

  put(clear);
  if (input.length > 0) {
    let prefix = input[0]!;
    for (let i = 1; i < input.length; i++) {
      const next = input[i]!;
      const key = (generation << keyBits) | (prefix << 8) | next;
      let slot = (Math.imul(key, 0x9e3779b1) >>> (32 - hashBits)) & hashMask;
      let stored = keys[slot]!;
      while (stored !== key && stored >>> keyBits === generation) {
        slot = (slot + 1) & hashMask;
        stored = keys[slot]!;
      }
      if (stored === key) {
        prefix = codes[slot]!;
      } else {
        put(prefix);
        keys[slot] = key;
        codes[slot] = free;
        countOne();
        prefix = next;
      }
    }
    put(prefix);
    countOne();
  }
  put(end);
  if (pendingBits > 0) output[length++] = pending << (8 - pendingBits);
  return output.subarray(0, length);
}
