/** Checks that pairs can teach what a recipe needs. */

import path from 'node:path';
import { Refusal } from '../../base/refusal.ts';
import type { PairSplits } from './pairs.ts';
import type { Recipe } from '../recipe.ts';

interface SplitPairs {
  /** Paths that the pairs were found in. */
  readonly paths: readonly string[];
  readonly splits: PairSplits;
}

/**
 * There must be pairs for training. A finished picture has lost the light that a linear network must
 * produce, so it serves neither training nor validation of one.
 * @throws Refusal `dataset`
 */
export function checkPairsFit({ domain, name }: Recipe, { paths, splits }: SplitPairs): void {
  const { train, validation, test } = splits;
  if (train.length === 0) {
    const from = paths.map((each) => path.basename(each)).join(', ');
    const kept = [
      ...(validation.length > 0 ? ['validation'] : []),
      ...(test.length > 0 ? ['the test'] : []),
    ].join(' and ');
    throw new Refusal(
      'dataset',
      `expected pairs to learn from but all ${validation.length + test.length} that can be used of ${from} ` +
        `are kept for ${kept}, as the list's name or the scenes' numbers say: name training scenes too`,
    );
  }
  const picture = [...train, ...validation].find(({ target }) => target === 'picture');
  if (domain === 'srgb' || picture === undefined) return;
  throw new Refusal(
    'dataset',
    `expected long exposures for the recipe "${name}" but ${path.basename(picture.long)} is a finished picture: use the recipe "sid"`,
  );
}
