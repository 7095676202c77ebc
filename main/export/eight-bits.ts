/** Converts 16-bit samples to 8 bits. */

/** Nearest value of `samples[start, end)` on the 0–255 scale: 65535 / 255 is 257 exactly. */
export function toEightBits(samples: Uint16Array, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  for (let i = start; i < end; i++) bytes[i - start] = (samples[i]! + 128) / 257;
  return bytes;
}
