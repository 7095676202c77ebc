/** The health of a run: the smoothed loss, and whether it has diverged. Kept in checkpoints. */

import { z } from 'zod';

export const lossTrendSchema = z.object({
  /** Running means of the loss with decay 1/100 and 1/25 a step; null before the first step. */
  slowLoss: z.number().nullable(),
  fastLoss: z.number().nullable(),
  /** The lowest `slowLoss` so far. */
  lowestLoss: z.number().nullable(),
  /** Each divergence: its step, and the step the run went back to. */
  setbacks: z.array(z.object({ atStep: z.number().int(), backToStep: z.number().int() })),
});

export type LossTrend = z.infer<typeof lossTrendSchema>;

export const freshTrend: LossTrend = {
  slowLoss: null,
  fastLoss: null,
  lowestLoss: null,
  setbacks: [],
};

/** Caps one step's loss at this many times the mean, so that a single bad patch is no divergence. */
const outlierLimit = 10;
/**
 * The run has diverged when the mean of 25 batches exceeds the best by this factor. Single patches
 * differ tenfold in brightness, but a mean of 25 batches does not.
 */
const explosionFactor = 5;
/** After this many setbacks the learning rate is not the cause. */
export const setbacksMax = 4;
/** Each setback multiplies the learning rate by this. */
const setbackScale = 0.3;

/** The factor on the recipe's learning rates after the setbacks so far. */
export function rateScale({ setbacks }: LossTrend): number {
  return setbackScale ** setbacks.length;
}

/** The trend after one more step. */
export function withLoss(trend: LossTrend, loss: number): LossTrend {
  const { slowLoss, fastLoss, lowestLoss } = trend;
  if (slowLoss === null || fastLoss === null) {
    return { ...trend, slowLoss: loss, fastLoss: loss, lowestLoss: loss };
  }
  const counted = Math.min(loss, outlierLimit * slowLoss);
  const slow = slowLoss + (counted - slowLoss) / 100;
  return {
    ...trend,
    slowLoss: slow,
    fastLoss: fastLoss + (counted - fastLoss) / 25,
    lowestLoss: Math.min(lowestLoss ?? slow, slow),
  };
}

/** Why the run has diverged by this step, in plain words; undefined if it has not. */
export function divergence(trend: LossTrend, loss: number, norm: number): string | undefined {
  if (!Number.isFinite(loss)) return `the loss became ${String(loss)}`;
  if (!Number.isFinite(norm)) return `the gradient became ${String(norm)}`;
  const { fastLoss, lowestLoss } = trend;
  if (fastLoss === null || lowestLoss === null || fastLoss <= explosionFactor * lowestLoss) {
    return undefined;
  }
  return `the loss rose to ${fastLoss.toPrecision(3)} from ${lowestLoss.toPrecision(3)}`;
}

/** The health stored in the checkpoint that the run returns to, with the setback added. */
export function withSetback(trend: LossTrend, atStep: number, backToStep: number): LossTrend {
  return { ...trend, setbacks: [...trend.setbacks, { atStep, backToStep }] };
}
