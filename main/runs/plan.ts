/** Turns the window's plan into a run that can start. */

import type { Lesson, Plan } from '../../preload/contract/training.ts';
import type { Manifest } from '../network/manifest.ts';
import { seenByModel } from '../training/pairs/seen.ts';
import {
  checkOptimizer,
  recipes,
  recipeSchema,
  trainedLoss,
  withFirstLevel,
  type Recipe,
} from '../training/recipe.ts';
import type { StartedFrom } from '../training/run/provenance.ts';
import type { Dataset as RunDataset, RunPlan } from '../training/run/folder.ts';

/**
 * @param id of the run and its model
 * @param from the model to start from
 */
export function runPlanOf(
  { name, lesson }: Plan,
  dataset: RunDataset,
  id: string,
  from: Manifest | undefined,
): RunPlan {
  const { device, threads, checkpointEvery, validateEvery } = lesson;
  const seen = from === undefined ? [] : seenByModel(from);
  return {
    title: {
      id,
      name,
      description:
        from === undefined ? 'Trained in Nightglass.' : `Trained in Nightglass from ${from.name}.`,
      licence: from?.licence ?? 'not stated',
    },
    recipe: recipeOf(lesson, from),
    dataset,
    startedFrom: from === undefined ? { kind: 'random' } : startOf(from),
    ...(seen === undefined ? {} : { seenBefore: [...seen] }),
    settings: {
      device: device === 'auto' ? 'cpu' : device,
      ...(threads === 0 ? {} : { threads }),
      checkpointEvery,
      validateEvery,
      keep: 'best',
      // A camera's own model must not end up worse than the model it came from.
      passes: from?.passes ?? 1,
    },
  };
}

function startOf({ id, sha256, licence }: Manifest): StartedFrom {
  return { kind: 'model', which: id, sha256, licence };
}

/**
 * Numbers of the recipe that the window does not set come from the ready-made recipe.
 * @param from the model to start from; the recipe takes its network and loss
 */
export function recipeOf(lesson: Lesson, from: Manifest | undefined): Recipe {
  const {
    recipe,
    baseChannels,
    firstLevel,
    optimizer,
    batch,
    patchPacked,
    steps,
    learningRate,
    seed,
  } = lesson;
  const base = recipes[recipe];
  const made = recipeSchema.parse({
    ...base,
    unet: from?.unet ?? { ...withFirstLevel(base.unet, firstLevel), baseChannels },
    loss: (from === undefined ? undefined : trainedLoss(from)) ?? base.loss,
    batch,
    patchPacked,
    steps,
    learningRate,
    learningRateFinal: Math.min(learningRate, base.learningRateFinal),
    warmupSteps: Math.min(base.warmupSteps, Math.floor(steps / 10)),
    seed,
    optimizer,
  });
  checkOptimizer(made);
  return made;
}
