/** Selecting many: a cursor, an anchor for ranges, and the set; each step gives a new selection. */

export interface Selection {
  readonly chosen: ReadonlySet<string>;
  /** The photo the keyboard is on. */
  readonly cursor: string | undefined;
  /** Where a range begins. */
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

/** Ctrl-click or Space: in or out, the others stay. */
export function toggled({ chosen }: Selection, id: string): Selection {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return { chosen: next, cursor: id, anchor: id };
}

/** Shift: everything between the anchor and here, in the order shown. */
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

/** What has vanished is selected no more. */
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
