/** Every phase becomes RGGB by a shift, and values per site move with it. */

import { describe, expect, it } from 'vitest';

import { cfaOf, shiftCfa, shiftSites, shiftToRggb, siteColours } from '../../main/raw/cfa.ts';

const phases = ['RGGB', 'BGGR', 'GRBG', 'GBRG'] as const;

describe('shiftToRggb', () => {
  it.each(phases)('finds the first red site of %s', (cfa) => {
    const { row, column } = shiftToRggb(cfa);
    expect(siteColours(cfa)[row * 2 + column]).toBe('R');
    expect(shiftCfa(cfa, row, column)).toBe('RGGB');
  });

  it('moves values with their sites', () => {
    expect(shiftSites([1, 2, 3, 4], shiftToRggb('RGGB'))).toEqual([1, 2, 3, 4]);
    expect(shiftSites([1, 2, 3, 4], shiftToRggb('GRBG'))).toEqual([2, 1, 4, 3]);
    expect(shiftSites([1, 2, 3, 4], shiftToRggb('GBRG'))).toEqual([3, 4, 1, 2]);
    expect(shiftSites([1, 2, 3, 4], shiftToRggb('BGGR'))).toEqual([4, 3, 2, 1]);
  });
});

describe('shiftCfa', () => {
  it('knows what one row or column does to each phase', () => {
    expect(phases.map((cfa) => shiftCfa(cfa, 1, 0))).toEqual(['GBRG', 'GRBG', 'BGGR', 'RGGB']);
    expect(phases.map((cfa) => shiftCfa(cfa, 0, 1))).toEqual(['GRBG', 'GBRG', 'RGGB', 'BGGR']);
  });

  it.each(phases)('gives %s back after two of either, and after going back', (cfa) => {
    expect(shiftCfa(cfa, 2, -4)).toBe(cfa);
    expect(shiftCfa(shiftCfa(cfa, -1, 3), 1, -3)).toBe(cfa);
  });
});

describe('cfaOf', () => {
  it('knows the four layouts and no other', () => {
    expect(phases.map(cfaOf)).toEqual([...phases]);
    expect(cfaOf('RGBG')).toBeUndefined();
  });
});
