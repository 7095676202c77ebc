/** The ready-made ways to learn, as the window offers them. */

import { availableParallelism } from 'node:os';
import type { ModelSummary } from '../../preload/contract/contract.ts';
import type { Course, Lesson } from '../../preload/contract/training.ts';
import { recipes, stepsOfEpochs, type RecipeName } from '../training/recipe.ts';

/** Validations of a run, besides the last. */
const validations = 25;

export interface CourseQuestion {
  readonly kind: 'photos' | 'pairs';
  /** Pairs to train on; 0 where that is not known. */
  readonly pairs: number;
  /** Whether finished pictures are among the targets: only the paper's recipe learns from them. */
  readonly hasPictures: boolean;
  readonly models: readonly ModelSummary[];
  /** Id of the model that is used for all photos: what is adapted, if it is there. */
  readonly chosen: string;
}

export function coursesFor(question: CourseQuestion): Course[] {
  const { kind, pairs, hasPictures, models, chosen } = question;
  const base = models.find(({ id }) => id === chosen) ?? models[0];
  const courses: Course[] = [];
  if (!hasPictures) {
    if (base !== undefined) {
      const lesson = { ...lessonOf('adapt'), baseChannels: base.baseChannels };
      courses.push({ id: 'adapt', startsFrom: base.id, lesson });
    }
    courses.push({ id: 'train', lesson: lessonOf('raw') });
  }
  if (kind === 'pairs') {
    const { epochs = 4000 } = recipes.sid;
    const steps = stepsOfEpochs(recipes.sid, epochs, Math.max(1, pairs));
    courses.push({ id: 'paper', lesson: lessonOf('sid', steps) });
  }
  return courses;
}

function lessonOf(recipe: RecipeName, steps = recipes[recipe].steps): Lesson {
  const { unet, batch, patchPacked, learningRate, optimizer, seed } = recipes[recipe];
  return {
    recipe,
    baseChannels: unet.baseChannels,
    firstLevel: unet.firstLevel,
    batch,
    patchPacked,
    steps,
    learningRate,
    optimizer,
    seed,
    checkpointEvery: 100,
    device: 'auto',
    validateEvery: Math.max(1, Math.round(steps / validations)),
    // One is left to the rest of the app.
    threads: Math.max(1, availableParallelism() - 1),
  };
}
