/** What the wizard plans becomes a run. */
import { expect, it } from 'vitest';
import { readModel } from '../../main/network/manifest.ts';
import { runPlanOf } from '../../main/runs/plan.ts';
import type { Dataset } from '../../main/training/run/run-folder.ts';
import type { Plan } from '../../preload/training.ts';

const plan: Plan = {
  name: 'My nights',
  dataset: { kind: 'photos', folders: [], leftOut: [] },
  lesson: {
    recipe: 'adapt',
    baseChannels: 16,
    batch: 8,
    patchPacked: 64,
    steps: 100,
    learningRate: 1e-4,
    seed: 1,
    checkpointEvery: 50,
    validateEvery: 50,
    device: 'cpu',
    threads: 0,
  },
};
const dataset: Dataset = { kind: 'photos', paths: ['photos'], exclude: [], withHeldOut: false };

it.each(['fast', 'quality'])('goes on as %s began: its network, and as many looks', async (id) => {
  const { manifest } = await readModel(id);
  const { recipe, settings } = runPlanOf(plan, dataset, 'mine', manifest);
  expect(recipe.unet).toEqual(manifest.unet);
  expect(settings.passes).toBe(manifest.passes);
  expect(settings.passes).toBe(2);
});

it('looks once where it begins with nothing', () => {
  expect(runPlanOf(plan, dataset, 'mine', undefined).settings.passes).toBe(1);
});
