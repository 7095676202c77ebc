/** Fetches that leave room for others. */

import { expect, test } from 'vitest';
import { Lane } from '../../renderer/state/lane.ts';

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

test('never runs more at once than it may, and runs all', async () => {
  const lane = new Lane(2);
  const { signal } = new AbortController();
  let [running, most, done] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: 9 }, () =>
      lane.run(signal, async () => {
        most = Math.max(most, ++running);
        await later();
        running--;
        done++;
      }),
    ),
  );
  expect([most, done]).toEqual([2, 9]);
});

test('what is aborted while it waits never begins, and what fails makes room', async () => {
  const lane = new Lane(1);
  const stopping = new AbortController();
  const free = new AbortController().signal;
  let hasBegun = false;
  const first = lane.run(free, async () => {
    await later();
    throw new Error('gone');
  });
  const second = lane.run(stopping.signal, () => {
    hasBegun = true;
    return later();
  });
  stopping.abort();
  await expect(second).rejects.toThrow('aborted');
  await expect(first).rejects.toThrow('gone');
  expect(await lane.run(free, () => Promise.resolve(3))).toBe(3);
  expect(hasBegun).toBe(false);
});

test('holds back what is new until it is let go', async () => {
  const lane = new Lane(3);
  lane.hold(true);
  let hasBegun = false;
  const run = lane.run(new AbortController().signal, () => {
    hasBegun = true;
    return later();
  });
  await later();
  expect(hasBegun).toBe(false);
  let isIdle = false;
  const idle = lane.idle().then(() => (isIdle = true));
  await later();
  expect(isIdle).toBe(false);
  lane.hold(false);
  await run;
  await idle;
  expect(hasBegun).toBe(true);
});

test('goes by rank as it is when a turn comes free, then by who came first', async () => {
  const lane = new Lane(1);
  const { signal } = new AbortController();
  const order: string[] = [];
  let seen = 'none';
  const run = (name: string): Promise<void> =>
    lane.run(
      signal,
      () => {
        order.push(name);
        return later();
      },
      () => (name === seen ? 0 : 1),
    );
  const all = ['one', 'two', 'three', 'four'].map(run);
  // Scrolled to while the first was fetched.
  seen = 'four';
  await Promise.all(all);
  expect(order).toEqual(['one', 'four', 'two', 'three']);
});
