/**
 * Cuts a frame into network inputs that overlap as far as the network can see, so that the kept
 * parts join without a seam: tiled and whole-frame output are equal.
 */

/**
 * A rectangle in packed pixels of the frame. It may extend beyond the frame, which is mirrored
 * there.
 */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A network input, and the part of its output that is kept. */
export interface Tile {
  readonly window: Rectangle;
  /** Inside the window and inside the frame; the cores of a plan cover the frame exactly once. */
  readonly core: Rectangle;
}

/**
 * Packed pixels around a core that can influence it: 107 in the SID U-Net, rounded up to the grid
 * below.
 */
export const haloPacked = 112;

/** Four poolings require windows to start and end on this grid. */
export const gridPacked = 16;

/** Mirrored packed pixels around the frame, so that the network sees no edge there. */
export const marginPacked = 16;

/**
 * Plans the tiles of a frame so that their windows have the fewest packed pixels in total.
 * @param width of the frame in packed pixels
 * @param height of the frame in packed pixels
 * @param windowAreaMax packed pixels in one window; raised to the smallest window that keeps a core
 *   at all
 */
export function planTiles(width: number, height: number, windowAreaMax: number): readonly Tile[] {
  const across = axisChoices(width);
  const down = axisChoices(height);
  let best: { readonly x: Axis; readonly y: Axis } | undefined;
  let smallest: { readonly x: Axis; readonly y: Axis } | undefined;
  const cost = ({ x, y }: { readonly x: Axis; readonly y: Axis }): number =>
    x.windows.length * x.size * y.windows.length * y.size;
  const area = ({ x, y }: { readonly x: Axis; readonly y: Axis }): number => x.size * y.size;
  for (const x of across) {
    for (const y of down) {
      const choice = { x, y };
      if (smallest === undefined || area(choice) < area(smallest)) smallest = choice;
      if (area(choice) > windowAreaMax) continue;
      if (best === undefined || cost(choice) < cost(best)) best = choice;
    }
  }
  const chosen = best ?? smallest;
  if (chosen === undefined) throw new Error('expected a frame of at least one pixel');
  return chosen.y.windows.flatMap((row) =>
    chosen.x.windows.map((column) => ({
      window: { x: column.start, y: row.start, width: chosen.x.size, height: chosen.y.size },
      core: {
        x: column.coreStart,
        y: row.coreStart,
        width: column.coreEnd - column.coreStart,
        height: row.coreEnd - row.coreStart,
      },
    })),
  );
}

interface Span {
  readonly start: number;
  readonly coreStart: number;
  readonly coreEnd: number;
}

/** One way to divide an axis into windows of one size. */
interface Axis {
  readonly size: number;
  readonly windows: readonly Span[];
}

/**
 * The window needed to develop a given core.
 * @param size of the frame in packed pixels
 * @param halo packed pixels around the core that its output depends on
 */
export function windowAround(
  core: Rectangle,
  size: { readonly width: number; readonly height: number },
  halo: number,
): Rectangle {
  const [x, width] = span(core.x, core.width, size.width, halo);
  const [y, height] = span(core.y, core.height, size.height, halo);
  return { x, y, width, height };
}

/** Windows start and end on the network's grid, and need no halo beyond the mirrored margin. */
function span(
  coreStart: number,
  coreLength: number,
  length: number,
  halo: number,
): [start: number, length: number] {
  const start = Math.max(-marginPacked, floorToGrid(coreStart - halo));
  const limit = ceilToGrid(length + 2 * marginPacked) - marginPacked;
  const end = Math.min(limit, ceilToGrid(coreStart + coreLength + halo));
  return [start, end - start];
}

/**
 * All useful numbers of windows along an axis, from one to as many as leave cores of one grid step.
 */
function axisChoices(length: number): readonly Axis[] {
  const extended = ceilToGrid(length + 2 * marginPacked);
  const choices: Axis[] = [axis(length, extended, 1)];
  for (let count = 2; count <= Math.ceil(extended / gridPacked); count++) {
    const choice = axis(length, extended, count);
    const last = choices.at(-1);
    if (last !== undefined && choice.size >= last.size) continue;
    choices.push(choice);
  }
  return choices;
}

function axis(length: number, extended: number, count: number): Axis {
  if (count === 1) {
    return { size: extended, windows: [{ start: -marginPacked, coreStart: 0, coreEnd: length }] };
  }
  // The first and last window need no halo at the frame's own edge.
  const core = ceilToGrid((extended - 2 * haloPacked) / count);
  const size = core + 2 * haloPacked;
  const windows: Span[] = [];
  let coreStart = 0;
  for (let start = -marginPacked; coreStart < length; start += core) {
    const bounded = Math.min(start, extended - marginPacked - size);
    const isLast = bounded + size >= extended - marginPacked;
    const coreEnd = isLast ? length : bounded + size - haloPacked;
    windows.push({ start: bounded, coreStart, coreEnd });
    coreStart = coreEnd;
  }
  return { size, windows };
}

function floorToGrid(value: number): number {
  return Math.floor(value / gridPacked) * gridPacked;
}

function ceilToGrid(value: number): number {
  return Math.ceil(value / gridPacked) * gridPacked;
}

/** Positions start … start + count − 1 along a side of a window, clamped to the window. */
export function placesWithin(start: number, count: number, size: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => Math.min(size - 1, Math.max(0, start + i)));
}
