/** A table of sRGB's curve for 16-bit codes. */

import { srgbLight } from '../../develop/tone.ts';

const lightTable = Float32Array.from({ length: 65_536 }, (_, code) => srgbLight(code / 65_535));

/** Linear light (0–1) of a code (IEC 61966-2-1). */
export function lightOfSrgb(code: number): number {
  return lightTable[code]!;
}
