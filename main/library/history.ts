/**
 * The list of a photo's edits that lies in its sidecar: each step holds what it changed as it was
 * before, so that the photo's present edits lead back to every earlier state.
 */

import { z } from 'zod';
import type { Outputs } from '../../preload/contract/contract.ts';
import { editsSchema, type Edits } from '../../preload/contract/edits.ts';

/** Older steps are forgotten. */
export const historyMax = 100;

export const historySchema = z
  .array(
    z.object({
      /** When it was made: ISO 8601, UTC. */
      at: z.string().max(40),
      before: editsSchema.partial(),
    }),
  )
  .max(historyMax);

export type History = z.infer<typeof historySchema>;

/** How edits came about. */
export interface Made {
  readonly at: string;
  /** A change of the same run as the last step, which it becomes a part of. */
  readonly goesOn: boolean;
  /** Undo or redo: where it leads back to the state before the last step, that step is forgotten. */
  readonly isTravel: boolean;
}

/** @param history of `before`, oldest first. @returns that of `after` */
export function recorded(
  history: History,
  { before, after }: { readonly before: Edits; readonly after: Edits },
  { at, goesOn, isTravel }: Made,
): History {
  const changed = changedIn(before, after);
  if (Object.keys(changed).length === 0) return history;
  const last = history.at(-1);
  const joins =
    last !== undefined &&
    (goesOn || (isTravel && isSame({ ...before, ...defined(last.before) }, after)));
  if (!joins) return [...history, { at, before: changed }].slice(-historyMax);
  const merged = changedIn({ ...before, ...defined(last.before) }, after);
  const earlier = history.slice(0, -1);
  return Object.keys(merged).length === 0 ? earlier : [...earlier, { at, before: merged }];
}

/** The states of a photo, oldest first: the one before the oldest step has no time. */
export function statesOf(history: History, edits: Edits): Outputs['library.history']['states'] {
  let state = edits;
  const states: Outputs['library.history']['states'] = [];
  for (const { at, before } of [...history].reverse()) {
    states.unshift({ at, changed: Object.keys(before), edits: state });
    state = { ...state, ...defined(before) };
  }
  return [{ changed: [], edits: state }, ...states];
}

/** The fields that a change touched, with their values before it. */
function changedIn(before: Edits, after: Edits): Partial<Edits> {
  const now = new Map<string, unknown>(Object.entries(after));
  const fields = Object.entries(before).filter(([name, value]) => !isSame(value, now.get(name)));
  return Object.fromEntries(fields);
}

function defined(part: History[number]['before']): Partial<Edits> {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined));
}

function isSame(a: unknown, b: unknown): boolean {
  return ordered(a) === ordered(b);
}

/** JSON with the fields in order, because a pasted object may have them in another one. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
