/** Estimates the duration of a run from a measured step. */

import type { Lesson } from '../../preload/contract/training.ts';

/** @param stepMs for the lesson's own shape; undefined if it was not measured */
export function estimateMs({ steps }: Lesson, stepMs: number | undefined): number | undefined {
  return stepMs === undefined ? undefined : steps * stepMs;
}

/** "0.35 s", "12 ms" */
export function stepWords(ms: number): string {
  return ms < 100 ? `${Math.max(1, Math.round(ms))} ms` : `${Number((ms / 1000).toPrecision(2))} s`;
}
