/** Divides pairs into training, validation and test. */

import { createHash } from 'node:crypto';
import type { SplitName } from './pairs.ts';

/** Share of the scenes for each of validation and test. */
const share = 0.1;
/** With fewer scenes than these, none is given away to validation or test. */
const scenesForValidation = 3;
const scenesForTest = 5;

/** Default seed, so that `train` and `evaluate` agree. */
const defaultSplitSeed = 1;

interface OfScene {
  readonly scene: string;
  readonly split?: SplitName | undefined;
}

/**
 * Divides pairs by scene, never by picture: a scene seen in training would improve the score of its
 * other exposures. A pair with a stated split (the paper's lists and numbers) keeps it; if a scene
 * has several, the first counts. Of the other scenes, a tenth each, at least one, goes to
 * validation (from three scenes on) and test (from five on), unless the dataset itself names such
 * scenes. The choice depends only on the seed and the scenes' names. More pictures of a scene do
 * not change it, but more scenes may, so a model records what it has seen (seen.ts).
 */
export function splitByScene<T extends OfScene>(
  pairs: readonly T[],
  { seed = defaultSplitSeed }: { readonly seed?: number } = {},
): Record<SplitName, T[]> {
  const given = new Map<string, SplitName>();
  for (const { scene, split } of pairs) {
    if (split !== undefined && !given.has(scene)) given.set(scene, split);
  }
  const named = new Set(given.values());
  const open = [...new Set(pairs.map(({ scene }) => scene))].filter((scene) => !given.has(scene));
  const total = open.length + given.size;
  const count = (split: SplitName, least: number): number =>
    named.has(split) || total < least || open.length < 2
      ? 0
      : Math.max(1, Math.round(open.length * share));
  // If the dataset names only test scenes, validation scenes are taken from its training scenes.
  const trained = [...given].filter(([, split]) => split === 'train').map(([scene]) => scene);
  const byLot = (scenes: readonly string[]): string[] =>
    scenes
      .map((scene) => ({ scene, lot: lotOf(seed, scene) }))
      .sort((a, b) => (a.lot < b.lot ? -1 : 1))
      .map(({ scene }) => scene);
  const lots = byLot(open);
  const tested = new Set(lots.splice(0, count('test', scenesForTest)));
  const validated = new Set(lots.splice(0, count('validation', scenesForValidation)));
  if (validated.size === 0 && !named.has('validation') && trained.length >= scenesForValidation) {
    const taken = byLot(trained).slice(0, Math.max(1, Math.round(trained.length * share)));
    for (const scene of taken) given.set(scene, 'validation');
  }
  const splits: Record<SplitName, T[]> = { train: [], validation: [], test: [] };
  for (const pair of pairs) {
    const { scene } = pair;
    const drawn = tested.has(scene) ? 'test' : validated.has(scene) ? 'validation' : 'train';
    splits[given.get(scene) ?? drawn].push(pair);
  }
  return splits;
}

/** A scene's lot, which does not depend on other scenes. */
function lotOf(seed: number, scene: string): string {
  return createHash('sha256').update(`${seed}\0${scene}`).digest('hex');
}
