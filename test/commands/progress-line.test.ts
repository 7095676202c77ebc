/** The terminal's progress line: what reaches the terminal, and the time left. */

import { expect, it } from 'vitest';
import { Eta, formatDuration, ProgressLine } from '../../main/commands/progress-line.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 20, write: (text: string) => written.push(text), written };
}

it('keeps to one line of the terminal, and to whole lines elsewhere', () => {
  const tty = terminal(true);
  const line = new ProgressLine({ stream: tty });
  line.update('a text that is wider than the terminal');
  line.update('too soon after it to be drawn');
  line.log('a whole line');
  line.done();
  line.log('another');
  expect(tty.written).toEqual([
    '\r\u001B[Ka text that is wide',
    '\r\u001B[K',
    'a whole line\n',
    '\r\u001B[Ktoo soon after it t',
    '\r\u001B[K',
    'another\n',
  ]);

  const file = terminal(false);
  const log = new ProgressLine({ stream: file });
  log.update('is not for files');
  log.log('is');
  log.done();
  expect(file.written).toEqual(['is\n']);
});

it('says durations in two words', () => {
  expect([0, 400, 12_000, 59_400, 59_600, 190_000, 3_600_000, 3_720_000].map(formatDuration)).toEqual([
    '0 s', '0 s', '12 s', '59 s', '1 min 00 s', '3 min 10 s', '1 h 00 min', '1 h 02 min',
  ]); // prettier-ignore
});

it('estimates the time left from the speed so far', () => {
  const eta = new Eta();
  expect(eta.remainingMs(0, 100, 1000)).toBeUndefined();
  expect(eta.remainingMs(1, 100, 1200)).toBeCloseTo(99 * 200);
  // Twice as slow from here on: the estimate follows, smoothly.
  let leftMs: number | undefined;
  for (let done = 2; done <= 60; done++)
    leftMs = eta.remainingMs(done, 100, 1200 + (done - 1) * 400);
  expect(leftMs! / (40 * 400)).toBeCloseTo(1, 2);
  expect(eta.remainingMs(100, 100, 90_000)).toBe(0);
});

it('counts a resumed run from where it is taken up', () => {
  const eta = new Eta();
  expect(eta.remainingMs(5000, 10_000, 0)).toBeUndefined();
  expect(eta.remainingMs(5001, 10_000, 300)).toBeCloseTo(4999 * 300);
});
