/** What was done to edits and ratings since the program started, so that it can be undone and done again. */

import type { Sidecar } from './sidecar-form.ts';

export interface Change {
  /** The photo's path: its folder may be closed by now. */
  readonly file: string;
  readonly before: Sidecar;
  readonly after: Sidecar;
}

/** What one command did, to one photo or to many. */
export interface Step {
  /** Steps of the same run become one: presses of a key, say. */
  readonly run: string | undefined;
  readonly changes: readonly Change[];
}

export type Direction = 'undo' | 'redo';

export class Journal {
  #past: Step[] = [];
  #future: Step[] = [];

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** Changes that change nothing do not count; a new step forgets what was undone. */
  record(changes: readonly Change[], run?: string): void {
    const real = changes.filter(isReal).map(withoutHistory);
    if (real.length === 0) return;
    this.#future = [];
    const last = this.#past.at(-1);
    if (run === undefined || last?.run !== run) {
      this.#past.push({ run, changes: real });
      return;
    }
    const merged = new Map(last.changes.map((change) => [change.file, change]));
    for (const change of real) {
      const before = merged.get(change.file)?.before ?? change.before;
      merged.set(change.file, { ...change, before });
    }
    this.#past.pop();
    // A run may end where it began.
    const left = [...merged.values()].filter(isReal);
    if (left.length > 0) this.#past.push({ run, changes: left });
  }

  /** The step to be undone or done again next. */
  next(direction: Direction): Step | undefined {
    return (direction === 'undo' ? this.#past : this.#future).at(-1);
  }

  /** The next step was undone or done again. */
  moved(direction: Direction): void {
    const [from, to] =
      direction === 'undo' ? [this.#past, this.#future] : [this.#future, this.#past];
    const step = from.pop();
    if (step !== undefined) to.push(step);
  }
}

/** A sidecar as it was on the other side of a change; what the change did not touch stays. */
export function taken({ before, after }: Change, direction: Direction, now: Sidecar): Sidecar {
  const [from, to] = direction === 'undo' ? [after, before] : [before, after];
  const edits = Object.entries(to.edits).filter(
    ([name, value]) => !isSame(value, fieldOf(from.edits, name)),
  );
  return {
    ...now,
    rating: from.rating === to.rating ? now.rating : to.rating,
    flag: from.flag === to.flag ? now.flag : to.flag,
    label: from.label === to.label ? now.label : to.label,
    edits: { ...now.edits, ...Object.fromEntries(edits) },
    snapshots: isSame(from.snapshots, to.snapshots) ? now.snapshots : to.snapshots,
  };
}

/** What a step changed: edits if it changed any, else snapshots, stars, or flags and labels. */
export function kindOf({ changes }: Step): 'rating' | 'mark' | 'edits' | 'snapshots' {
  const differ = (field: 'edits' | 'snapshots' | 'rating'): boolean =>
    changes.some(({ before, after }) => !isSame(before[field], after[field]));
  if (differ('edits')) return 'edits';
  return differ('snapshots') ? 'snapshots' : differ('rating') ? 'rating' : 'mark';
}

/** The history lies in the sidecars; steps of many photos need not hold it too. */
function withoutHistory({ file, before, after }: Change): Change {
  return { file, before: { ...before, history: [] }, after: { ...after, history: [] } };
}

function fieldOf(edits: object, name: string): unknown {
  return Object.entries(edits).find(([field]) => field === name)?.[1];
}

function isReal({ before, after }: Change): boolean {
  return !isSame(before, after);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
