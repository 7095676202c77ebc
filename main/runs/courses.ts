/** The ready-made ways to learn, as the window offers them. */

import { availableParallelism } from 'node:os';
import type { ModelSummary } from '../../preload/contract.ts';
import type { Course, Dataset, Lesson } from '../../preload/training.ts';
import { defaultRecipe } from '../training/recipe.ts';

/** Validations of a run, besides the last. */
const validations = 25;

/**
 * @param chosen id of the model that is used for all photos: what is adapted, if it is there
 */
export function coursesFor(
  _dataset: Dataset,
  models: readonly ModelSummary[],
  chosen: string,
): Course[] {
  const base = models.find(({ id }) => id === chosen) ?? models[0];
  const { unet, batch, patchPacked, steps, learningRate, seed } = defaultRecipe;
  const whole: Lesson = {
    baseChannels: unet.baseChannels,
    batch,
    patchPacked,
    steps,
    learningRate,
    seed,
    checkpointEvery: 200,
    validateEvery: Math.round(steps / validations),
    // One is left to the rest of the app.
    threads: Math.max(1, availableParallelism() - 1),
  };
  const adapted: Course[] =
    base === undefined
      ? []
      : [
          {
            id: 'adapt',
            startsFrom: base.id,
            lesson: {
              ...whole,
              baseChannels: base.baseChannels,
              steps: 1500,
              learningRate: learningRate / 10,
              checkpointEvery: 100,
              validateEvery: Math.round(1500 / validations),
            },
          },
        ];
  return [...adapted, { id: 'train', lesson: whole }];
}
