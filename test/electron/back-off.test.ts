/** How a page that crashes is loaded again: later each time, and not for ever. */

import { expect, it } from 'vitest';

import { BackOff } from '../../main/electron/back-off.ts';

it('waits twice as long after each crash, and stops after the fifth reload', () => {
  const backOff = new BackOff();
  const delays = Array.from({ length: 6 }, (_, index) => backOff.crashed(index * 1000));
  expect(delays).toEqual([250, 500, 1000, 2000, 4000, undefined]);
  expect(backOff.crashed(7000)).toBeUndefined();
});

it('forgets the crashes of a page that ran for a minute since', () => {
  const backOff = new BackOff();
  expect(backOff.crashed(0)).toBe(250);
  expect(backOff.crashed(1000)).toBe(500);
  // Reloaded at 1500 ms: a crash at 61,000 ms is within the minute, the next one is not.
  expect(backOff.crashed(61_000)).toBe(1000);
  expect(backOff.crashed(123_000)).toBe(250);
});

it('begins anew when the user asks for it', () => {
  const backOff = new BackOff();
  for (let index = 0; index < 6; index++) backOff.crashed(index);
  backOff.reset();
  expect(backOff.crashed(10)).toBe(250);
});
