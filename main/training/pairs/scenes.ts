/** Joins scenes that are the same, although the dataset names them differently. */

import type { PairReport } from './pairs.ts';

/**
 * Scenes that share a long exposure are joined, also through further scenes. All their pairs get
 * the name of the first scene, so that no pair is tested on what another was trained on.
 * @param reports of pairs; those left out join nothing
 */
export function joinScenes(reports: readonly PairReport[]): PairReport[] {
  const partOf = new Map<string, string>();
  const rootOf = (scene: string): string => {
    const whole = partOf.get(scene);
    return whole === undefined ? scene : rootOf(whole);
  };
  const firstWith = new Map<string, string>();
  for (const { found } of reports) {
    if (found === undefined) continue;
    const first = rootOf(firstWith.get(found.longDigest) ?? found.scene);
    const own = rootOf(found.scene);
    if (own !== first) partOf.set(own, first);
    firstWith.set(found.longDigest, first);
  }
  return reports.map((report) => {
    const { pair, found } = report;
    return { ...report, pair: { ...pair, scene: rootOf(found?.scene ?? pair.scene) } };
  });
}
