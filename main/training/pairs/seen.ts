/** Which pairs a model has seen in training: what its scores have to leave out. */

import { z } from 'zod';
import type { Manifest } from '../../network/manifest.ts';
import type { PairSplits, UsablePair } from './pairs.ts';

/** Of a long exposure, whatever its file and scene are called: as much of its digest as tells it from others. */
function markOf(longDigest: string): string {
  return longDigest.slice(0, 16);
}

/** What the pairs of a run add: those it learns from, and those by which its best step is chosen. */
export function marksOfPairs({ train, validation }: PairSplits): readonly string[] | undefined {
  const digests = [...train, ...validation].map(({ longDigest }) => longDigest);
  const known = digests.filter((digest) => digest !== undefined);
  return known.length < digests.length ? undefined : [...new Set(known.map(markOf))];
}

const marksSchema = z.array(z.string());
/** Manifests of before pairs were marked. */
const photosSchema = z.string().regex(/^\d+ photos, /);

/**
 * Marks of the pairs that a model and what it was made from have seen.
 * @returns undefined where its manifest does not say
 */
export function seenByModel({
  training,
}: Pick<Manifest, 'training'>): readonly string[] | undefined {
  const marks = marksSchema.safeParse(training['pairsSeen']).data;
  return marks ?? (photosSchema.safeParse(training['dataset']).success ? [] : undefined);
}

/** Names of the scenes of which a pair was seen. */
export function scenesSeen(
  pairs: readonly UsablePair[],
  marks: readonly string[],
): ReadonlySet<string> {
  const seen = new Set(marks);
  const isSeen = ({ longDigest }: UsablePair): boolean =>
    longDigest !== undefined && seen.has(markOf(longDigest));
  return new Set(pairs.filter(isSeen).map(({ scene }) => scene));
}
