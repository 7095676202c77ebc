/** Folds the frames of bursts into one cell each. */

import type { Photo } from '../../preload/contract/contract.ts';
import { coverOf, type Burst } from '../../preload/contract/bursts.ts';
import type { Selection } from './selection.ts';

/** What a cell of the grid shows of a burst. */
export interface CellBurst {
  readonly burst: Burst;
  /** Its frames that the filter lets through, in order of time; at least two. */
  readonly frames: readonly Photo[];
  /** Position of the cell's frame among all, from 1; undefined while the burst is folded. */
  readonly place: number | undefined;
}

/** A cell of the grid: a photo, or the frame that stands for its burst. */
export interface GridCell {
  readonly photo: Photo;
  readonly burst?: CellBurst;
}

/**
 * A folded burst takes the place of the frame that stands for it. A burst of which the filter lets
 * one frame through is a photo like any other.
 * @param photos as arranged
 * @param unfolded ids of bursts
 */
export function foldBursts(
  photos: readonly Photo[],
  bursts: readonly Burst[],
  unfolded: ReadonlySet<string>,
): readonly GridCell[] {
  if (bursts.length === 0) return photos.map((photo) => ({ photo }));
  const byId = new Map(photos.map((photo) => [photo.id, photo]));
  const cells = new Map<string, GridCell | 'hidden'>();
  for (const burst of bursts) {
    const frames = burst.frames.flatMap((id) => byId.get(id) ?? []);
    if (frames.length < 2) continue;
    const isFolded = !unfolded.has(burst.id);
    const ids = frames.map(({ id }) => id);
    const cover = coverOf(burst, ids);
    for (const photo of frames) {
      const place = isFolded ? undefined : burst.frames.indexOf(photo.id) + 1;
      const isHidden = isFolded && photo.id !== cover;
      cells.set(photo.id, isHidden ? 'hidden' : { photo, burst: { burst, frames, place } });
    }
  }
  return photos.flatMap((photo) => {
    const cell = cells.get(photo.id) ?? { photo };
    return cell === 'hidden' ? [] : [cell];
  });
}

/** Photos that cells stand for: all frames of a folded burst. */
export function photosOf(cells: readonly GridCell[]): readonly Photo[] {
  return cells.flatMap(({ photo, burst }) =>
    burst === undefined || burst.place !== undefined ? [photo] : burst.frames,
  );
}

/** Hidden frames → the frame that is shown in their place. */
export function coversOf(cells: readonly GridCell[]): ReadonlyMap<string, string> {
  const covers = new Map<string, string>();
  for (const { photo, burst } of cells) {
    if (burst === undefined || burst.place !== undefined) continue;
    for (const { id } of burst.frames) if (id !== photo.id) covers.set(id, photo.id);
  }
  return covers;
}

/** The selection as it is seen: a folded burst is selected if any of its frames is. */
export function foldSelection(
  selection: Selection,
  covers: ReadonlyMap<string, string>,
): Selection {
  const { chosen, cursor, anchor } = selection;
  const seen = (id: string): string => covers.get(id) ?? id;
  const isTouched = [...chosen, cursor ?? '', anchor ?? ''].some((id) => covers.has(id));
  if (!isTouched) return selection;
  return {
    chosen: new Set([...chosen].map(seen)),
    cursor: cursor === undefined ? undefined : seen(cursor),
    anchor: anchor === undefined ? undefined : seen(anchor),
  };
}
