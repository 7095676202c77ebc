/** Tags of a DNG as a minimal reader finds them, and the colours that LibRaw must find. */
import { expect } from 'vitest';
import type { readWithLibRaw } from './libraw.ts';
import { sampleColour } from './samples.ts';

const sizes = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 4],
  [5, 8],
  [10, 8],
  [12, 8],
]);

/** A tag's numbers in the first directory, read as a minimal reader would. */
export function tagOf(bytes: Buffer, wanted: number): number[] {
  const table = bytes.readUInt32LE(4);
  for (let index = 0; index < bytes.readUInt16LE(table); index++) {
    const at = table + 2 + index * 12;
    if (bytes.readUInt16LE(at) !== wanted) continue;
    const type = bytes.readUInt16LE(at + 2);
    const count = bytes.readUInt32LE(at + 4);
    const size = sizes.get(type) ?? Number.NaN;
    const start = size * count > 4 ? bytes.readUInt32LE(at + 8) : at + 8;
    return Array.from({ length: count }, (_, item) => {
      const place = start + item * size;
      if (type === 5) return bytes.readUInt32LE(place) / bytes.readUInt32LE(place + 4);
      if (type === 10) return bytes.readInt32LE(place) / bytes.readInt32LE(place + 4);
      if (type === 12) return bytes.readDoubleLE(place);
      return bytes.readUIntLE(place, size);
    });
  }
  return [];
}

export function expectColour(
  metadata: Awaited<ReturnType<typeof readWithLibRaw>>['metadata'],
): void {
  const {
    dng_color: [first],
    dng_levels: levels,
    cam_mul: gains,
  } = metadata.color_data;
  expect(first?.illuminant).toBe(21);
  const matrix = first?.colormatrix.slice(0, 3).flat() ?? [];
  expect(matrix.length).toBe(9);
  for (const [i, value] of sampleColour.xyzToCamera.entries())
    expect(matrix[i]).toBeCloseTo(value, 6);
  for (const [i, gain] of sampleColour.asShotGains.entries()) {
    expect(levels.asshotneutral[i]).toBeCloseTo(1 / gain, 6);
    expect(gains[i]).toBeCloseTo(gain, 5);
  }
}
