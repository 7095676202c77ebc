/** From what the window plans to a run that can begin. */

import type { Dataset, Lesson, Plan } from '../../preload/training.ts';
import type { Manifest } from '../network/manifest.ts';
import { defaultRecipe, recipeSchema, type Recipe } from '../training/recipe.ts';
import type { Dataset as RunDataset, RunPlan } from '../training/run-folder.ts';

/**
 * @param id of the run and its model
 * @param from the model to start from; its network is the run's
 */
export function runPlanOf(
  { name, dataset, lesson }: Plan,
  id: string,
  from: Manifest | undefined,
): RunPlan {
  const recipe = recipeOf(lesson);
  const { threads, checkpointEvery, validateEvery } = lesson;
  return {
    title: {
      id,
      name,
      description:
        from === undefined ? 'Trained in Nightglass.' : `Trained in Nightglass from ${from.name}.`,
      licence: from?.licence ?? 'not stated',
    },
    recipe: from === undefined ? recipe : { ...recipe, unet: from.unet },
    dataset: runDataset(dataset),
    startedFrom: from === undefined ? { kind: 'random' } : { kind: 'model', which: from.id },
    settings: {
      device: 'cpu',
      ...(threads === 0 ? {} : { threads }),
      checkpointEvery,
      validateEvery,
      keep: 'best',
    },
  };
}

/** The recipe's numbers that the window says nothing of are the default recipe's. */
export function recipeOf(lesson: Lesson): Recipe {
  const { baseChannels, batch, patchPacked, steps, learningRate, seed } = lesson;
  const { unet, learningRateFinal, warmupSteps } = defaultRecipe;
  return recipeSchema.parse({
    ...defaultRecipe,
    unet: { ...unet, baseChannels },
    batch,
    patchPacked,
    steps,
    learningRate,
    learningRateFinal: Math.min(learningRate, learningRateFinal),
    warmupSteps: Math.min(warmupSteps, Math.floor(steps / 10)),
    seed,
  });
}

function runDataset({ folders, leftOut }: Dataset): RunDataset {
  return { kind: 'photos', paths: [...folders], exclude: [...leftOut], withHeldOut: false };
}
