/** When a run has gone astray, and when it only seems so. */

import { expect, it } from 'vitest';
import {
  divergence,
  freshTrend,
  withLoss,
  type LossTrend,
} from '../../../main/training/run/loss-trend.ts';
import { Random } from '../../../main/darkness/random.ts';

/** The step at which a run with these losses is found astray; undefined if it never is. */
function astrayAt(losses: readonly number[]): number | undefined {
  let trend: LossTrend = freshTrend;
  for (const [index, loss] of losses.entries()) {
    trend = withLoss(trend, loss);
    if (divergence(trend, loss, 1) !== undefined) return index;
  }
  return undefined;
}

/** Losses that fall as they do, each patch another: by a factor of three up or down. */
function usual(count: number): number[] {
  const random = new Random(5);
  return Array.from(
    { length: count },
    (_, step) => (0.03 + 0.6 * Math.exp(-step / 200)) * random.logUniform(1 / 3, 3),
  );
}

it('losses that fall, however rough, are a run that learns', () => {
  expect(astrayAt(usual(20_000))).toBeUndefined();
});

it('one patch that is a thousand times worse is an outlier', () => {
  const losses = usual(3000);
  for (const step of [500, 1500, 1502, 2500]) losses[step] = 30;
  expect(astrayAt(losses)).toBeUndefined();
});

it('losses that rise tenfold and stay there are found within fifty steps', () => {
  const losses = usual(3000).map((loss, step) => (step < 2000 ? loss : loss * 10));
  const found = astrayAt(losses);
  expect(found).toBeGreaterThan(2000);
  expect(found).toBeLessThan(2050);
});

it('a loss or gradient that is no number is found at once', () => {
  expect(divergence(freshTrend, Number.NaN, 1)).toContain('NaN');
  expect(divergence(freshTrend, 1, Infinity)).toContain('gradient');
  expect(divergence(freshTrend, 1, 1)).toBeUndefined();
});
