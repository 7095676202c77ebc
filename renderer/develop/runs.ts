/** Which changes are undone together: a slider that keys move step by step is one run. */

import type { Edits } from '../../preload/contract/edits.ts';

/** What brought a slider to rest: a hand that let it go, or one press of an arrow key. */
export type RestedBy = 'hand' | 'key';

/** Presses that follow each other within this time are one run. */
const runMs = 1500;

export class Runs {
  readonly #now: () => number;
  /** Unlike those of other windows. */
  readonly #name = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  #count = 0;
  #fields = '';
  #by: RestedBy = 'hand';
  #lastMs = -Infinity;

  /** @param now milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** @returns the name of the run that this change belongs to; undefined if nothing changed */
  next(before: Edits, after: Edits, by: RestedBy): string | undefined {
    const fields = changedFields(before, after);
    if (fields === '') return undefined;
    const nowMs = this.#now();
    const goesOn =
      by === 'key' && this.#by === 'key' && fields === this.#fields && nowMs - this.#lastMs < runMs;
    if (!goesOn) this.#count += 1;
    this.#fields = fields;
    this.#by = by;
    this.#lastMs = nowMs;
    return `${this.#name}-${this.#count}`;
  }

  /** The next change begins a run of its own. */
  end(): void {
    this.#by = 'hand';
  }
}

/**
 * Straightening may move the crop with the angle, and is the same run whether it did or not. The first
 * edit of a photo also writes down its model.
 */
function changedFields(before: Edits, after: Edits): string {
  const names = Object.entries(after)
    .filter(([name, value]) => !isSame(value, fieldOf(before, name)))
    .map(([name]) => name);
  if (names.includes('angle')) return 'angle';
  return names.length > 1 ? names.filter((name) => name !== 'model').join(' ') : names.join(' ');
}

function fieldOf(edits: object, name: string): unknown {
  return Object.entries(edits).find(([field]) => field === name)?.[1];
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
