/** Tracks which pairs a model has seen in training, because scores must leave them out. */

import { z } from 'zod';
import type { Manifest } from '../../network/manifest.ts';
import type { PairSplits, UsablePair } from './pairs.ts';

/** Identifies a long exposure, whatever its file and scene are called: the start of its digest. */
function markOf(longDigest: string): string {
  return longDigest.slice(0, 16);
}

/** Marks of the pairs of a run: those it trains on, and those that select its best step. */
export function marksOfPairs({ train, validation }: PairSplits): readonly string[] | undefined {
  const digests = [...train, ...validation].map(({ longDigest }) => longDigest);
  const known = digests.filter((digest) => digest !== undefined);
  return known.length < digests.length ? undefined : [...new Set(known.map(markOf))];
}

const marksSchema = z.array(z.string());
/** Manifests written before pairs were marked. */
const photosSchema = z.string().regex(/^\d+ photos, /);

/**
 * Marks of the pairs that a model and its ancestors have seen.
 * @returns undefined if its manifest does not say
 */
export function seenByModel({
  training,
}: Pick<Manifest, 'training'>): readonly string[] | undefined {
  const marks = marksSchema.safeParse(training['pairsSeen']).data;
  return marks ?? (photosSchema.safeParse(training['dataset']).success ? [] : undefined);
}

/** Names of the scenes of seen pairs. */
export function scenesSeen(
  pairs: readonly UsablePair[],
  marks: readonly string[],
): ReadonlySet<string> {
  const seen = new Set(marks);
  const isSeen = ({ longDigest }: UsablePair): boolean =>
    longDigest !== undefined && seen.has(markOf(longDigest));
  return new Set(pairs.filter(isSeen).map(({ scene }) => scene));
}
