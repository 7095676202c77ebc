/** One export of the queue, and what the window is told of it. */

import path from 'node:path';
import type { QueueItem } from '../../preload/contract/contract.ts';
import { photoIdOf } from '../library/photo-id.ts';
import type { SavedItem } from './saved-queue.ts';

export interface Item extends SavedItem {
  stage?: QueueItem['stage'];
  tilesDone: number;
  tilesTotal: number;
}

/** @param preset name of the way in which it is exported */
export function toldOf(item: Item, preset: string | undefined): QueueItem {
  const {
    id,
    photo,
    state,
    stage,
    tilesDone,
    tilesTotal,
    path: target,
    missingModel,
    failure,
  } = item;
  return {
    id,
    photo: photoIdOf(photo),
    name: path.basename(photo),
    ...(preset === undefined ? {} : { preset }),
    state,
    ...(stage === undefined ? {} : { stage }),
    tilesDone,
    tilesTotal,
    ...(target === undefined ? {} : { path: target }),
    ...(missingModel === undefined ? {} : { missingModel }),
    ...(failure === undefined ? {} : { failure }),
  };
}

export function savedOf(item: Item): SavedItem {
  const { id, batch, photo, number, state, path: target, missingModel, failure } = item;
  return {
    id,
    batch,
    photo,
    number,
    state,
    ...(target === undefined ? {} : { path: target }),
    ...(missingModel === undefined ? {} : { missingModel }),
    ...(failure === undefined ? {} : { failure }),
  };
}

export function hasEnded({ state }: Item): boolean {
  return state !== 'waiting' && state !== 'working';
}

/** Share of a running export that is done, 0–1; decoding and encoding count as one tile each. */
export function workingShare({ tilesDone, tilesTotal }: Item): number {
  return tilesTotal === 0 ? 0 : (1 + tilesDone) / (tilesTotal + 2);
}
