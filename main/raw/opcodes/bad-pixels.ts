/** Replaces pixels that a DNG lists as bad by the mean of good neighbours of the same colour. */

import type { Light } from './light.ts';
import type { Rectangle } from './parse.ts';

/** How far a neighbour may be, in steps between samples of the same colour. */
const maxSteps = 8;

/** Repairs every sample with the value that the camera writes over bad ones. */
export function mendConstant(light: Light, value: number): void {
  const { samples } = light;
  const isBad = new Uint8Array(samples.length / light.channels);
  const tolerance = 0.25 / light.scale;
  for (let at = 0; at < samples.length; at++) {
    if (Math.abs(samples[at]! - value) < tolerance) isBad[Math.floor(at / light.channels)] = 1;
  }
  mend(light, isBad);
}

/** @param rectangles in the coordinates of the opcodes */
export function mendRectangles(light: Light, rectangles: readonly Rectangle[]): void {
  const { width, height, left, top } = light;
  const isBad = new Uint8Array(width * height);
  for (const rectangle of rectangles) {
    const from = Math.max(0, rectangle.left - left);
    const to = Math.min(width, rectangle.right - left);
    const bottom = Math.min(height, rectangle.bottom - top);
    for (let y = Math.max(0, rectangle.top - top); y < bottom; y++) {
      if (to > from) isBad.fill(1, y * width + from, y * width + to);
    }
  }
  mend(light, isBad);
}

/**
 * Opposite neighbours that differ least lie along the edge, if there is one, so their mean is used.
 * Pairs with a bad pixel are skipped.
 */
function mend({ width, height, channels, samples, colourPitch }: Light, isBad: Uint8Array): void {
  const good = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && isBad[y * width + x] === 0;
  const directions = [
    [1, 0],
    [0, 1],
    [1, 1],
    [1, -1],
  ] as const;
  for (let pixel = 0; pixel < isBad.length; pixel++) {
    if (isBad[pixel] === 0) continue;
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    for (let channel = 0; channel < channels; channel++) {
      const at = (px: number, py: number): number =>
        samples[(py * width + px) * channels + channel]!;
      let best: { value: number; differs: number } | undefined;
      for (let steps = 1; steps <= maxSteps && best === undefined; steps++) {
        for (const [right, down] of directions) {
          const [dx, dy] = [right * steps * colourPitch, down * steps * colourPitch];
          const [isBefore, isAfter] = [good(x - dx, y - dy), good(x + dx, y + dy)];
          if (!isBefore && !isAfter) continue;
          // At an edge of the frame, one neighbour is used twice.
          const before = isBefore ? at(x - dx, y - dy) : at(x + dx, y + dy);
          const after = isAfter ? at(x + dx, y + dy) : before;
          const differs = isBefore && isAfter ? Math.abs(before - after) : Number.MAX_VALUE;
          if (best === undefined || differs < best.differs)
            best = { value: (before + after) / 2, differs };
        }
      }
      if (best !== undefined) samples[pixel * channels + channel] = best.value;
    }
  }
}
