/** Runs so small that tests can train them, and ways to follow them. */

import type { RunEvent } from '../../../main/training/run/events.ts';
import type { RunPlan } from '../../../main/training/run/folder.ts';
import { defaultRecipe } from '../../../main/training/recipe.ts';
import {
  spawnNodeTraining,
  Training,
  type TrainingOptions,
} from '../../../main/training/run/process.ts';

/** A plan for a network of base 4 on the photos in a folder. */
export function smallPlan(
  photos: string,
  steps: number,
  settings: Partial<RunPlan['settings']> = {},
): RunPlan {
  return {
    title: { id: 'mine', name: 'Mine', description: '', licence: 'CC0-1.0' },
    recipe: {
      ...defaultRecipe,
      unet: { ...defaultRecipe.unet, baseChannels: 4 },
      batch: 1,
      patchPacked: 32,
      steps,
    },
    dataset: { kind: 'photos', paths: [photos], exclude: [], withHeldOut: false },
    startedFrom: { kind: 'random' },
    settings: {
      device: 'cpu',
      threads: 1,
      checkpointEvery: 4,
      validateEvery: 40,
      keep: 'best',
      passes: 1,
      ...settings,
    },
  };
}

/** Trains in a process, and does something at events. */
export function training(
  run: string,
  onEvent: (event: RunEvent, training: Training) => void,
  options: Partial<TrainingOptions> = {},
): Training {
  const started: Training = new Training(run, {
    spawn: spawnNodeTraining,
    ...options,
    onEvent: (event) => {
      onEvent(event, started);
    },
  });
  return started;
}
