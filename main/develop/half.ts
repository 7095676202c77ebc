/** Tiles for the app's shader: half floats, four per pixel. */

/**
 * The bits of a number as IEEE 754 binary16, rounded to nearest even. Values that are too large
 * become the largest finite one.
 */
export function halfBits(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0;
  if (magnitude >= 0x477ff000) return sign | 0x7bff;
  if (magnitude < 0x38800000) {
    // Subnormal: in units of 2⁻²⁴.
    return sign | roundHalfEven(Math.abs(value) * 16_777_216);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

function roundHalfEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/**
 * Interleaves a picture and its grain.
 * @param samples R, G, B of each pixel
 * @param grainy the same with all the grain returned, or undefined for none
 * @param scale multiplied into everything
 * @returns width × height × 4: R, G, B and what grain adds to each of them
 */
export function halfTile(
  samples: Float32Array,
  grainy: Float32Array | undefined,
  scale = 1,
): Uint16Array {
  const pixels = samples.length / 3;
  const tile = new Uint16Array(pixels * 4);
  for (let i = 0, at = 0, out = 0; i < pixels; i++, at += 3, out += 4) {
    tile[out] = halfBits(samples[at]! * scale);
    tile[out + 1] = halfBits(samples[at + 1]! * scale);
    tile[out + 2] = halfBits(samples[at + 2]! * scale);
    if (grainy !== undefined)
      tile[out + 3] = halfBits((grainy[at + 1]! - samples[at + 1]!) * scale);
  }
  return tile;
}
