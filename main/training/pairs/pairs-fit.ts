/** Whether pairs can teach what a recipe asks for. */

import path from 'node:path';
import { Refusal } from '../../refusal.ts';
import type { UsablePair } from './pairs.ts';
import type { Recipe } from '../recipe.ts';

/** A finished picture has lost the light that a linear network is asked for. @throws Refusal `dataset` */
export function checkPairsFit({ domain, name }: Recipe, pairs: readonly UsablePair[]): void {
  const picture = pairs.find(({ target }) => target === 'picture');
  if (domain === 'srgb' || picture === undefined) return;
  throw new Refusal(
    'dataset',
    `expected long exposures for the recipe "${name}" but ${path.basename(picture.long)} is a finished picture: use the recipe "sid"`,
  );
}
