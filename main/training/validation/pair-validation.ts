/** Fixed validation patches from pairs whose scenes are not trained on. */

import { cameraToOutput, multiply } from '../../develop/colour.ts';
import type { Matrix3, Mosaic } from '../../raw/mosaic.ts';
import { Refusal, throwIfCancelled } from '../../base/refusal.ts';
import { PairPatchMaker } from '../pairs/patches/patches.ts';
import type { UsablePair } from '../pairs/pairs.ts';
import { loadExposure, loadTarget } from '../pairs/load.ts';
import { Random } from '../../darkness/random.ts';
import type { Recipe } from '../recipe.ts';
import type { ValidationPatch } from './validation.ts';

/**
 * First key of the random numbers of every validation patch, whose place depends only on the pairs.
 */
const validationKey = 0x7061_6972;

const patchCount = 12;
const cropSidePacked = 128;
/** Sides are multiples of the network's grid. */
const sideStep = 16;
/** Scoring needs room for a rim of 8 pixels and a window of 11. */
const sideMin = 32;

/**
 * Cuts the patches, with one pair in memory at a time.
 * @param onSkipped called for pairs that cannot be read
 * @throws Refusal `cancelled`
 */
export async function pairValidation(
  pairs: readonly UsablePair[],
  recipe: Recipe,
  { signal, onSkipped }: { signal: AbortSignal; onSkipped: (account: string) => void },
): Promise<ValidationPatch[]> {
  const chosen = spread(pairs);
  const shortest = Math.min(...chosen.map(({ width, height }) => Math.min(width, height)));
  const sidePacked = Math.max(
    sideMin,
    Math.min(cropSidePacked, Math.floor(shortest / 2 / sideStep) * sideStep),
  );
  const { domain } = recipe;
  const maker = new PairPatchMaker({ ...recipe, patchPacked: sidePacked });
  const patches = new Map<number, ValidationPatch>();
  for (const [index, pair] of chosen.entries()) {
    throwIfCancelled(signal);
    try {
      const short = await loadExposure(pair.short, signal);
      const target = await loadTarget(pair, short, signal);
      const cameraToSrgb = inputToSrgb(short, recipe);
      for (let patch = index; patch < patchCount; patch += chosen.length) {
        const input = new Float32Array(4 * sidePacked ** 2);
        const truth = new Float32Array(12 * sidePacked ** 2);
        const loaded = { short, target, ratio: pair.ratio };
        maker.make(loaded, new Random(validationKey, patch), 0, input, truth);
        patches.set(patch, {
          name: pair.id,
          sidePacked,
          input,
          target: truth,
          cameraToSrgb,
          domain,
        });
      }
    } catch (error) {
      if (!(error instanceof Refusal) || error.code === 'cancelled') throw error;
      onSkipped(`${pair.id}: ${error.message}`);
    }
  }
  return [...patches].sort(([a], [b]) => a - b).map(([, patch]) => patch);
}

/** At most as many pairs as patches, spread evenly over the list. */
function spread(pairs: readonly UsablePair[]): UsablePair[] {
  const count = Math.min(patchCount, pairs.length);
  return Array.from({ length: count }, (_, index) => Math.floor((index * pairs.length) / count))
    .map((at) => pairs[at])
    .filter((pair) => pair !== undefined);
}

function inputToSrgb({ colour }: Mosaic, { whiteBalanced }: Recipe): Matrix3 {
  const matrix = cameraToOutput(colour, 'srgb');
  if (whiteBalanced) return matrix;
  const [red, green, blue] = colour.asShotGains;
  return multiply(matrix, [red, 0, 0, 0, green, 0, 0, 0, blue]);
}
