/** sRGB's curve for codes of 16 bits, as a table. */

const lightTable = Float32Array.from({ length: 65_536 }, (_, code) => {
  const value = code / 65_535;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** Linear light (0–1) of a code (IEC 61966-2-1). */
export function lightOfSrgb(code: number): number {
  return lightTable[code]!;
}
