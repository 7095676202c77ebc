/**
 * Multiple selection: a cursor, an anchor for ranges, and the set of chosen photos. Each function
 * returns a new selection.
 */

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  /** The photo with the keyboard focus. */
  readonly cursor: string | undefined;
  /** Start of a range. */
  readonly anchor: string | undefined;
}

export const emptySelection: Selection = {
  chosen: new Set(),
  cursor: undefined,
  anchor: undefined,
};

export function only(id: string): Selection {
  return { chosen: new Set([id]), cursor: id, anchor: id };
}

/** For Ctrl-click or Space: adds or removes a photo and keeps the others. */
export function toggled({ chosen }: Selection, id: string): Selection {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return { chosen: next, cursor: id, anchor: id };
}

/** For Shift: selects everything between the anchor and this photo, in display order. */
export function extendedTo(selection: Selection, id: string, order: readonly string[]): Selection {
  const from = order.indexOf(selection.anchor ?? id);
  const to = order.indexOf(id);
  if (from < 0 || to < 0) return only(id);
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { chosen: new Set(range), cursor: id, anchor: order[from] };
}

export function all(selection: Selection, order: readonly string[]): Selection {
  return { ...selection, chosen: new Set(order), cursor: selection.cursor ?? order[0] };
}

/** Removes photos that no longer exist. */
export function without(
  { chosen, cursor, anchor }: Selection,
  gone: ReadonlySet<string>,
): Selection {
  const keep = (id: string | undefined): string | undefined =>
    id === undefined || gone.has(id) ? undefined : id;
  return {
    chosen: new Set([...chosen].filter((id) => !gone.has(id))),
    cursor: keep(cursor),
    anchor: keep(anchor),
  };
}
