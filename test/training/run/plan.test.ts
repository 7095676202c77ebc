/** What the wizard plans becomes a run. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readModel } from '../../../main/network/manifest.ts';
import { runPlanOf } from '../../../main/runs/plan.ts';
import { recipes } from '../../../main/training/recipe.ts';
import type { Dataset } from '../../../main/training/run/folder.ts';
import type { Plan } from '../../../preload/contract/training.ts';

const weighted = z.object({ loss: z.record(z.string(), z.number()) });

const plan: Plan = {
  name: 'My nights',
  dataset: { kind: 'photos', folders: [], leftOut: [] },
  lesson: {
    recipe: 'adapt',
    baseChannels: 16,
    firstLevel: 'full',
    batch: 8,
    patchPacked: 64,
    steps: 100,
    learningRate: 1e-4,
    optimizer: 'adam',
    seed: 1,
    checkpointEvery: 50,
    validateEvery: 50,
    device: 'cpu',
    threads: 0,
  },
};
const dataset: Dataset = { kind: 'photos', paths: ['photos'], exclude: [], withHeldOut: false };

it.each(['fast', 'quality'])(
  'goes on as %s began: network, loss, and as many looks',
  async (id) => {
    const { manifest } = await readModel(id);
    const { recipe, settings } = runPlanOf(plan, dataset, 'mine', manifest);
    expect(recipe.unet).toEqual(manifest.unet);
    const { loss } = weighted.parse(manifest.training['recipe']);
    expect(recipe.loss).toMatchObject(loss);
    expect(recipe.loss).not.toEqual(recipes.adapt.loss);
    expect(settings.passes).toBe(manifest.passes);
    expect(settings.passes).toBe(2);
  },
);

it('looks once where it begins with nothing, with the loss of its recipe', () => {
  const lesson = { ...plan.lesson, firstLevel: 'half' as const };
  const { recipe, settings } = runPlanOf({ ...plan, lesson }, dataset, 'mine', undefined);
  expect(recipe.unet).toMatchObject({ firstLevel: 'half', levels: 4 });
  expect(settings.passes).toBe(1);
  expect(recipe.loss).toEqual(recipes[plan.lesson.recipe].loss);
});
