/**
 * Computes the position of each photo in the grid, and which are visible, however many there are.
 */

export interface GridLayout {
  readonly columns: number;
  /** CSS pixels. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly gap: number;
  readonly padding: number;
  /** Height of all rows together, CSS pixels. */
  readonly height: number;
}

/** Two lines of facts below the picture. */
const captionHeight = 46;

/**
 * @param width of the grid, CSS pixels
 * @param wanted minimum width of a cell; cells share the rest of the row
 */
export function layoutGrid(count: number, width: number, wanted: number): GridLayout {
  const [gap, padding] = [10, 16];
  const inner = Math.max(wanted, width - 2 * padding);
  const columns = Math.max(1, Math.floor((inner + gap) / (wanted + gap)));
  const cellWidth = Math.floor((inner - gap * (columns - 1)) / columns);
  const cellHeight = Math.round((cellWidth * 2) / 3) + captionHeight;
  const rows = Math.ceil(count / columns);
  const height = rows === 0 ? 0 : rows * (cellHeight + gap) - gap + 2 * padding;
  return { columns, cellWidth, cellHeight, gap, padding, height };
}

/**
 * Index of the first photo to draw and one past the last, including an additional row above and
 * below.
 */
export function visibleRange(
  layout: GridLayout,
  count: number,
  scrollTop: number,
  viewportHeight: number,
): { readonly first: number; readonly end: number } {
  const pitch = layout.cellHeight + layout.gap;
  const firstRow = Math.max(0, Math.floor((scrollTop - layout.padding) / pitch) - 1);
  const endRow = Math.ceil((scrollTop + viewportHeight - layout.padding) / pitch) + 1;
  return {
    first: Math.min(count, firstRow * layout.columns),
    end: Math.min(count, Math.max(0, endRow) * layout.columns),
  };
}

export function placeOf(
  layout: GridLayout,
  index: number,
): { readonly x: number; readonly y: number } {
  const { columns, cellWidth, cellHeight, gap, padding } = layout;
  return {
    x: padding + (index % columns) * (cellWidth + gap),
    y: padding + Math.floor(index / columns) * (cellHeight + gap),
  };
}

/** Scroll position at which a photo is completely visible; `scrollTop` itself if it already is. */
export function scrollTo(
  layout: GridLayout,
  index: number,
  scrollTop: number,
  viewportHeight: number,
): number {
  const { y } = placeOf(layout, index);
  const room = layout.padding;
  if (y - room < scrollTop) return Math.max(0, y - room);
  const bottom = y + layout.cellHeight + room;
  return bottom > scrollTop + viewportHeight ? bottom - viewportHeight : scrollTop;
}

/** The photo that a key moves to; undefined if there is none. */
export function moveBy(
  key: string,
  from: number,
  count: number,
  layout: GridLayout,
  viewportHeight: number,
): number | undefined {
  if (count === 0) return undefined;
  const page = Math.max(1, Math.floor(viewportHeight / (layout.cellHeight + layout.gap)));
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -layout.columns,
    ArrowDown: layout.columns,
    PageUp: -layout.columns * page,
    PageDown: layout.columns * page,
    Home: -count,
    End: count,
  };
  const step = steps[key];
  if (step === undefined) return undefined;
  return Math.min(count - 1, Math.max(0, from + step));
}
