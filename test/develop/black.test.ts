/** Black by hand: what it takes from developed light, and frames whose noise the camera cut off. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { blackShift, clippedBlack, moveBlack } from '../../main/develop/black.ts';
import { normalisation } from '../../main/develop/normalise.ts';
import { packedGrid, packWindow } from '../../main/develop/pack.ts';
import { plainTile } from '../../main/develop/plain.ts';
import { decodeRaw } from '../../main/raw/decode.ts';
import type { Mosaic } from '../../main/raw/mosaic.ts';
import { nightMosaic } from '../raw/written.ts';

/** The whole frame without the network, brightened. */
function shown(mosaic: Mosaic, ratio: number): Float32Array {
  const grid = packedGrid(mosaic);
  const core = { x: 0, y: 0, width: grid.width, height: grid.height };
  const packed = packWindow(mosaic, grid, normalisation(mosaic), core);
  const { samples } = plainTile(packed, { core, window: core }, mosaic.colour.asShotGains);
  return samples.map((value) => value * ratio);
}

it('takes away what a black level that is 3 of 14 bits too low leaves', () => {
  const samples = Uint16Array.from({ length: 96 * 64 }, (_, i) => 2100 + (i % 13) * 3);
  const right = nightMosaic({ samples, blackLevel: [2048, 2048, 2048, 2048], whiteLevel: 65_535 });
  // 3 of 16,384 steps, in a file of another range.
  const off = (3 / 16_384) * (65_535 - 2048);
  const level = 2048 - off;
  const wrong = { ...right, blackLevel: [level, level, level, level] } as const;
  const ratio = 100;
  const [expected, found] = [shown(right, ratio), shown(wrong, ratio)];
  const worst = (): number =>
    expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0);
  expect(worst()).toBeGreaterThan(0.03);
  const gains = right.colour.asShotGains;
  moveBlack(found, blackShift(3, { mosaic: wrong, ratio, gains }));
  // White moved too, by the same 3 of 16,384.
  expect(worst()).toBeLessThan(0.001);
});

describe('a camera that cuts noise off at black', () => {
  const darkWith = (black: number, isCut: boolean): Mosaic => {
    const samples = Uint16Array.from({ length: 96 * 64 }, (_, i) => {
      const noise = ((i * 2_654_435_761) % 41) - 20;
      return black + (isCut ? Math.max(0, noise) : noise);
    });
    return nightMosaic({ samples, blackLevel: [black, black, black, black] });
  };

  it('is found by the samples at black and none below', () => {
    expect(clippedBlack(darkWith(0, true))).toBeCloseTo(21 / 41, 1);
    expect(clippedBlack(darkWith(512, true))).toBeCloseTo(21 / 41, 1);
    expect(clippedBlack(darkWith(512, false))).toBeUndefined();
  });

  it('is not looked for where nothing is dark, or where this program cut', () => {
    const bright = nightMosaic({ samples: new Uint16Array(96 * 64).fill(3000) });
    expect(clippedBlack(bright)).toBeUndefined();
    const developed = new Float32Array(96 * 64 * 3);
    expect(clippedBlack({ ...darkWith(0, true), developed })).toBeUndefined();
  });

  const cases = fileURLToPath(new URL('../../../shared/cases/night/', import.meta.url));
  // They lie beside the repository, not in it.
  if (!existsSync(cases))
    console.warn('skipped: photos at night that are shared beside the repository');
  it.skipIf(!existsSync(cases)).each([
    ['black-clipped-x100.dng', true],
    ['black-3dn-off-x100.dng', false],
    ['lamps-x20.dng', false],
  ])('tells %s apart', async (name, isCut) => {
    const raw = await decodeRaw(cases + name);
    if (raw.kind !== 'mosaic') throw new Error('expected a mosaic');
    expect(clippedBlack(raw.mosaic) !== undefined).toBe(isCut);
  });
});
