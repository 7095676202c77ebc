/** One item of the queue: as it is kept in memory, stored, and shown to the window. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { QueueItem } from '../../preload/contract/contract.ts';
import { photoIdOf } from '../library/photo-id.ts';
import type { SavedBurst, SavedItem } from './saved-queue.ts';

export interface Item extends SavedItem {
  stage?: QueueItem['stage'];
  tilesDone: number;
  tilesTotal: number;
}

/** What is to be exported: a photo, or a burst that is named after one of its frames. */
export interface Asked {
  readonly photo: string;
  readonly burst?: SavedBurst | undefined;
}

/** @param number position in its batch, from 1 */
export function newItem({ photo, burst }: Asked, batch: string, number: number): Item {
  const id = randomBytes(8).toString('hex');
  const own = burst === undefined ? {} : { burst };
  return { id, batch, photo, number, state: 'waiting', tilesDone: 0, tilesTotal: 0, ...own };
}

/**
 * Frames that were deleted or renamed while a burst waited are left out, as long as two are there.
 * @returns the item as it can be merged, and the paths of the frames that are gone
 */
export function withoutGone(item: SavedItem): {
  readonly there: SavedItem;
  readonly gone: readonly string[];
} {
  const { burst } = item;
  const frames = burst?.frames.filter((frame) => existsSync(frame)) ?? [];
  if (burst === undefined || frames.length < 2) return { there: item, gone: [] };
  const kept = (file: string, otherwise: string): string =>
    frames.includes(file) ? file : otherwise;
  const photo = kept(item.photo, frames[0] ?? item.photo);
  const reference = kept(burst.reference, 'auto');
  return {
    there: { ...item, photo, burst: { ...burst, frames, reference } },
    gone: burst.frames.filter((frame) => !frames.includes(frame)),
  };
}

/** The same for the same photo, or burst merged in the same way. */
export function identityOf({ photo, burst }: Asked): string {
  return burst === undefined ? photo : `${photo}\n${JSON.stringify(burst)}`;
}

export function savedOf({
  stage: _,
  tilesDone: _done,
  tilesTotal: _total,
  ...item
}: Item): SavedItem {
  return item;
}

/** @param preset name of the way in which it is exported */
export function toldOf(item: Item, preset: string | undefined): QueueItem {
  const { id, photo, state, stage, tilesDone, tilesTotal, missingModel, failure, burst, gathered } =
    item;
  return {
    id,
    photo: photoIdOf(photo),
    name: path.basename(photo),
    ...(preset === undefined ? {} : { preset }),
    state,
    ...(stage === undefined ? {} : { stage }),
    tilesDone,
    tilesTotal,
    ...(item.path === undefined ? {} : { path: item.path }),
    ...(missingModel === undefined ? {} : { missingModel }),
    ...(failure === undefined ? {} : { failure }),
    ...(burst === undefined
      ? {}
      : {
          burst: {
            frames: burst.frames.length,
            becomes: burst.isKept ? ('dng' as const) : ('picture' as const),
            ...(gathered === undefined ? {} : { merged: gathered.merged }),
            leftOut: gathered?.leftOut ?? [],
          },
        }),
  };
}

export function hasEnded({ state }: Item): boolean {
  return state !== 'waiting' && state !== 'working';
}

/**
 * The finished part of an item at work, 0–1. Decoding and encoding count as one tile each. Merging
 * is all of the work on a burst that becomes a DNG, and half of it on one that becomes a picture.
 */
export function workingShare({ stage, tilesDone, tilesTotal, burst }: Item): number {
  if (burst === undefined) return tilesTotal === 0 ? 0 : (1 + tilesDone) / (tilesTotal + 2);
  const share = tilesTotal === 0 ? 0 : tilesDone / tilesTotal;
  if (stage === 'merge') return burst.isKept ? share : share / 2;
  if (stage === 'network') return 0.5 + share / 2;
  return stage === 'encode' ? 1 : 0;
}
