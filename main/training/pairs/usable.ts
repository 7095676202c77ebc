/** Selects the pairs to use from the reports on them, or says why there are not enough. */

import { cameraKey } from '../../raw/camera-name.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Fault, PairReport, UsablePair } from './pairs.ts';
import { joinScenes } from './scenes.ts';

/** A network would memorise a single pair, with no other pair to show it. */
const pairsMin = 2;

/** The most common fault of the pairs left out, in a few words, of one pair and of many. */
const faultWords: Readonly<Record<Fault, readonly [one: string, many: string]>> = {
  unreadable: ['cannot be read', 'cannot be read'],
  'no-mosaic': ['has no mosaic', 'have no mosaic'],
  'camera-differs': ['mixes two cameras', 'mix two cameras'],
  'layout-differs': ['mixes two colour layouts', 'mix two colour layouts'],
  'size-differs': ['differs in size', 'differ in size'],
  'scene-differs': ['does not show the same scene', 'do not show the same scene'],
  'ratio-unknown': ['does not say how it was exposed', 'do not say how they were exposed'],
  'ratio-out-of-range': [
    'is exposed too much alike or too differently',
    'are exposed too much alike or too differently',
  ],
  'ratio-differs': ['is not lit as it says', 'are not lit as they say'],
  misaligned: ['is shifted', 'are shifted'],
  saturated: ['is burnt out', 'are burnt out'],
  dark: ['shows no light', 'show no light'],
  duplicate: ['is there twice', 'are there twice'],
};

export interface UsableOptions {
  /** Use only pairs of this camera, in any spelling of its name; `any` allows all cameras. */
  readonly camera?: string | undefined;
}

/**
 * The pairs that were kept, with scenes that are the same joined.
 * @throws Refusal `dataset` if fewer than two are left, or if they are of several cameras and none
 *   was chosen: a network for one camera must learn the noise and colours of that camera
 */
export function usablePairs(
  reports: readonly PairReport[],
  { camera }: UsableOptions = {},
): UsablePair[] {
  const sound = reports.filter(({ fault }) => fault === undefined);
  const kept = joinScenes(sound).flatMap(({ pair, found, facts }): UsablePair[] => {
    if (facts === undefined) return [];
    const { ratio, camera: from, width, height } = facts;
    const { longDigest } = found ?? {};
    const marked = longDigest === undefined ? {} : { longDigest };
    return [{ ...pair, ratio, camera: from, width, height, ...marked }];
  });
  const cameras = Map.groupBy(kept, (pair) => cameraKey(pair.camera));
  const counts = [...cameras.values()]
    .map((pairs) => `${pairs.length} of ${pairs[0]?.camera ?? ''}`)
    .join(', ');
  const chosen = camera === undefined || camera === 'any' ? undefined : cameraKey(camera);
  if (chosen !== undefined && kept.length > 0 && !cameras.has(chosen)) {
    throw new Refusal('dataset', `expected pairs of ${camera ?? ''} but found ${counts}`);
  }
  if (camera === undefined && cameras.size > 1) {
    throw new Refusal(
      'dataset',
      `expected pairs of one camera but found ${counts}: name one with --only-camera, or "any"`,
    );
  }
  const used = chosen === undefined ? kept : (cameras.get(chosen) ?? []);
  if (used.length >= pairsMin) return used;
  throw new Refusal(
    'dataset',
    `expected at least ${pairsMin} pairs to learn from but ${countWords(used.length, reports)}`,
  );
}

function countWords(used: number, reports: readonly PairReport[]): string {
  const faults = Map.groupBy(
    reports.flatMap(({ fault }) => fault ?? []),
    ({ code }) => code,
  );
  const [most] = [...faults].sort(([, a], [, b]) => b.length - a.length);
  if (most === undefined) return `there is only ${used === 0 ? 'none' : 'one'}`;
  const [code, list] = most;
  return (
    `of ${reports.length} only ${used === 0 ? 'none' : 'one'} can be used: ${list.length} ` +
    `${faultWords[code][list.length === 1 ? 0 : 1]} (${list[0]?.sentence ?? ''})`
  );
}
