/** Numbers as people type them. */

import { expect, it } from 'vitest';
import { numberOf } from '../../renderer/training/typed-number.ts';

it.each([
  ['20000', 20_000],
  ['20,000', 20_000],
  ['1,865,000', 1_865_000],
  ['1,000.5', 1000.5],
  ['0.001', 0.001],
  ['0,001', 0.001],
  ['0,0001', 0.0001],
  ['1,5', 1.5],
  ['1e-4', 1e-4],
  [' 8 ', 8],
  ['-3', -3],
])('%s is %d', (text, number) => {
  expect(numberOf(text)).toBe(number);
});

it.each(['', ' ', 'fast', '1,2,3', '0,001,000', '1.000.000', '8 x', 'Infinity'])(
  '"%s" is no number',
  (text) => {
    expect(numberOf(text)).toBeUndefined();
  },
);
