/** Computations for a curve: scales, ticks, paths, zoom. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Extent {
  readonly min: number;
  readonly max: number;
}

/** Minimum and maximum, widened if they are equal; undefined for an empty list. */
export function extentOf(values: readonly number[]): Extent | undefined {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) return undefined;
  const room = min === max ? Math.abs(min) * 0.1 || 1 : 0;
  return { min: min - room, max: max + room };
}

/** Adds some space on both sides, so that no line lies on the edge. */
export function padded({ min, max }: Extent, share: number): Extent {
  const room = (max - min) * share;
  return { min: min - room, max: max + room };
}

/** Round numbers within the extent, approximately as many as wished. */
export function ticks({ min, max }: Extent, wished: number): number[] {
  const rough = (max - min) / Math.max(1, wished);
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = [1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10;
  const step = unit * power;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Relative position of a value, 0–1. */
export function shareOf(value: number, { min, max }: Extent): number {
  return (value - min) / (max - min);
}

/** An SVG path through points given as shares of its box; y grows upwards. */
export function pathOf(
  points: readonly Point[],
  { x, y }: { readonly x: Extent; readonly y: Extent },
  { width, height }: { readonly width: number; readonly height: number },
): string {
  return points
    .map((point, index) => {
      const left = shareOf(point.x, x) * width;
      const top = (1 - shareOf(point.y, y)) * height;
      return `${index === 0 ? 'M' : 'L'}${left.toFixed(1)} ${top.toFixed(1)}`;
    })
    .join('');
}

/** The points within the extent, and one more on each side, so that lines reach the edge. */
export function within(points: readonly Point[], { min, max }: Extent): readonly Point[] {
  let first = points.findIndex(({ x }) => x >= min);
  if (first < 0) first = points.length;
  let last = points.length - 1;
  while (last >= 0 && points[last]!.x > max) last--;
  return points.slice(Math.max(0, first - 1), last + 2);
}

/** The point closest to a position; undefined for an empty list. */
export function nearest(points: readonly Point[], x: number): Point | undefined {
  let best: Point | undefined;
  for (const point of points) {
    if (best === undefined || Math.abs(point.x - x) < Math.abs(best.x - x)) best = point;
  }
  return best;
}

/**
 * Zooms about a position that stays in place.
 * @param factor less than 1 shows less
 * @returns undefined if everything is shown
 */
export function zoomed(
  seen: Extent,
  all: Extent,
  factor: number,
  about: number,
): Extent | undefined {
  const span = (seen.max - seen.min) * factor;
  if (span >= all.max - all.min) return undefined;
  const least = (all.max - all.min) / 500;
  if (span < least) return seen;
  const min = about - (about - seen.min) * factor;
  return held({ min, max: min + span }, all);
}

/** Shifts the visible extent by a share of its width. */
export function moved(seen: Extent, all: Extent, share: number): Extent {
  const by = (seen.max - seen.min) * share;
  return held({ min: seen.min + by, max: seen.max + by }, all);
}

function held({ min, max }: Extent, all: Extent): Extent {
  const span = max - min;
  const from = Math.min(Math.max(min, all.min), Math.max(all.min, all.max - span));
  return { min: from, max: Math.min(all.max, from + span) };
}

/** Formats a number on an axis with as few digits as distinguish neighbours. */
export function tickWords(value: number, { min, max }: Extent): string {
  const span = max - min;
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(span)) + 1));
  if (Math.abs(value) >= 10_000) return value.toLocaleString('en', { maximumFractionDigits: 0 });
  return Number(value.toFixed(digits)).toLocaleString('en', { maximumFractionDigits: 6 });
}
