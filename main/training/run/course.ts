/** How training goes: the loss smoothed, and whether it has run away. Kept in checkpoints. */

import { z } from 'zod';

export const courseSchema = z.object({
  /** Means of the loss that forget at 1/100 and 1/25 a step; null before the first. */
  slowLoss: z.number().nullable(),
  fastLoss: z.number().nullable(),
  /** The lowest `slowLoss` so far. */
  lowestLoss: z.number().nullable(),
  /** Each time it ran away: where, and the step it went back to. */
  setbacks: z.array(z.object({ atStep: z.number().int(), backToStep: z.number().int() })),
});

export type Course = z.infer<typeof courseSchema>;

export const freshCourse: Course = {
  slowLoss: null,
  fastLoss: null,
  lowestLoss: null,
  setbacks: [],
};

/** A single bad patch must not look like an explosion: a loss counts at most so many times the mean. */
const outlierLimit = 10;
/** Patches differ in brightness by more than tenfold, but not the mean of 25 batches by this. */
const explosionFactor = 5;
/** What repeated setbacks cannot cure is not the learning rate's fault. */
export const setbacksMax = 4;
/** What a setback multiplies learning rates with. */
const setbackScale = 0.3;

/** What the recipe's learning rates are multiplied with after the setbacks so far. */
export function rateScale({ setbacks }: Course): number {
  return setbackScale ** setbacks.length;
}

/** The course after one more step. */
export function withLoss(course: Course, loss: number): Course {
  const { slowLoss, fastLoss, lowestLoss } = course;
  if (slowLoss === null || fastLoss === null) {
    return { ...course, slowLoss: loss, fastLoss: loss, lowestLoss: loss };
  }
  const counted = Math.min(loss, outlierLimit * slowLoss);
  const slow = slowLoss + (counted - slowLoss) / 100;
  return {
    ...course,
    slowLoss: slow,
    fastLoss: fastLoss + (counted - fastLoss) / 25,
    lowestLoss: Math.min(lowestLoss ?? slow, slow),
  };
}

/** Why the run has gone astray by this step, in plain words; undefined if it has not. */
export function divergence(course: Course, loss: number, norm: number): string | undefined {
  if (!Number.isFinite(loss)) return `the loss became ${String(loss)}`;
  if (!Number.isFinite(norm)) return `the gradient became ${String(norm)}`;
  const { fastLoss, lowestLoss } = course;
  if (fastLoss === null || lowestLoss === null || fastLoss <= explosionFactor * lowestLoss) {
    return undefined;
  }
  return `the loss rose to ${fastLoss.toPrecision(3)} from ${lowestLoss.toPrecision(3)}`;
}

/** The course of the checkpoint gone back to, with the setback noted. */
export function withSetback(course: Course, atStep: number, backToStep: number): Course {
  return { ...course, setbacks: [...course.setbacks, { atStep, backToStep }] };
}
