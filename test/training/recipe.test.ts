/** Recipes: what the ready-made ones say, and that what older runs wrote still means the same. */

import { describe, expect, it } from 'vitest';
import { recipeOf, resumedRecipe } from '../../main/commands/train/recipe.ts';
import {
  defaultRecipe,
  learningRateAt,
  recipes,
  recipeSchema,
  stepsOfEpochs,
} from '../../main/training/recipe.ts';
import { noNight, usualNight } from '../../main/training/photos/night.ts';
import { noLoss } from '../../main/training/step/loss.ts';
import { refusalOf } from './refusal-of.ts';

describe('a recipe', () => {
  it('of a run from before there were recipes is the one of that time', () => {
    const { name, domain, whiteBalanced, clamp, schedule, ...old } = defaultRecipe;
    expect(recipeSchema.parse(JSON.parse(JSON.stringify(old)))).toEqual(defaultRecipe);
    expect([name, domain, whiteBalanced, clamp, schedule]).toEqual([
      'raw',
      'camera-linear',
      true,
      4,
      'cosine',
    ]);
  });

  it('goes through JSON unchanged', () => {
    for (const recipe of Object.values(recipes)) {
      expect(recipeSchema.parse(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
    }
  });
});

describe('learning rates', () => {
  it('of the paper: one step down after half of the way', () => {
    const recipe = { ...recipes.sid, steps: 1000 };
    expect([1, 500, 501, 1000].map((step) => learningRateAt(recipe, step))).toEqual([
      1e-4, 1e-4, 1e-5, 1e-5,
    ]);
  });

  it('of the default: a rise, half a cosine, and the end', () => {
    const rates = [1, 100, 15_050, 30_000].map((step) => learningRateAt(defaultRecipe, step));
    [1e-5, 1e-3, 5.005e-4, 1e-6].forEach((expected, index) => {
      expect(rates[index]).toBeCloseTo(expected, 9);
    });
  });

  it('are counted in passes over the pairs where the recipe does', () => {
    expect(stepsOfEpochs(recipes.sid, 400, 161)).toBe(64_400);
    expect(stepsOfEpochs(defaultRecipe, 1, 3)).toBe(1);
  });
});

describe('the options of nightglass train', () => {
  it('change what they name and nothing else', () => {
    expect(recipeOf({}, undefined)).toEqual(defaultRecipe);
    expect(recipeOf({ recipe: 'sid' }, 10)).toEqual({ ...recipes.sid, steps: 40_000 });
    expect(recipes.sid.epochs).toBe(4000);
    expect(recipeOf({ recipe: 'sid', loss: 'mse', epochs: 2, batch: 4 }, 10)).toMatchObject({
      steps: 5,
      epochs: 2,
      batch: 4,
      loss: { linear: 0, squared: 1 },
    });
    expect(recipeOf({ loss: 'toned:1, tonedSquared:8,blocks:0.5' }, undefined).loss).toEqual({
      ...noLoss,
      toned: 1,
      tonedSquared: 8,
      blocks: 0.5,
    });
    // Steps are steps, however many passes they come to.
    expect(recipeOf({ recipe: 'sid', steps: 7 }, 10)).not.toHaveProperty('epochs');
    expect(recipeOf({ recipe: 'sid', learningRate: 1e-3 }, 10).learningRateFinal).toBeCloseTo(1e-4);
    const all = {
      learningRateFinal: 1e-5,
      schedule: 'halfway',
      warmup: 3,
      clipNorm: 2,
      deepDark: 0.3,
    } as const;
    expect(recipeOf(all, undefined)).toEqual({
      ...defaultRecipe,
      learningRateFinal: 1e-5,
      schedule: 'halfway',
      warmupSteps: 3,
      clipNorm: 2,
      deepDark: 0.3,
    });
  });

  it('say how much of the night a run on photos learns from', async () => {
    const { night } = recipeOf({ stars: 0.3, hotPixels: 0 }, undefined);
    expect(night).toEqual({ ...usualNight, stars: 0.3, hotPixels: 0 });
    expect(recipeOf({ night: false, lamps: 0.5 }, undefined).night).toEqual({
      ...noNight,
      lamps: 0.5,
    });
    // A measured camera's faults are in its profile.
    expect(recipeOf({ camera: 'mine.json', banding: 0.1 }, undefined).night).toEqual({
      ...noNight,
      stars: usualNight.stars,
      lamps: usualNight.lamps,
      banding: 0.1,
    });
    // Pairs have what the camera saw, and so have the recipes that are made for them.
    for (const recipe of ['raw', 'sid', 'adapt'] as const) {
      expect(recipeOf({ recipe }, 10).night).toEqual(noNight);
    }
    const message = async (work: () => unknown): Promise<string> => (await refusalOf(work)).message;
    expect(await message(() => recipeOf({ columnBanding: 0.1 }, 10))).toMatch(
      /--photos for --column-banding/,
    );
    expect(await message(() => resumedRecipe({ stars: 0.3 }, defaultRecipe))).toMatch(
      /expected --stars 0.12, as the run began, but received 0.3/,
    );
    expect(await message(() => resumedRecipe({ night: false }, defaultRecipe))).toMatch(
      /expected --hot-pixels 0.35/,
    );
    expect(resumedRecipe({ stars: 0.12 }, defaultRecipe)).toEqual(defaultRecipe);
  });

  it('of runs that began before there were nights stay without', () => {
    const { night: _, ...old } = defaultRecipe;
    expect(recipeSchema.parse(old).night).toEqual(noNight);
  });

  it('are refused where they make no recipe, or another than the run has', async () => {
    const answer = async (work: () => unknown): Promise<string> => (await refusalOf(work)).message;
    for (const loss of ['l2', 'toned', 'toned:', 'toned:-1', 'toned:0', 'toned:1:2', 'to:1', '']) {
      expect(await answer(() => recipeOf({ loss }, undefined))).toMatch(/expected --loss l1, mse/);
    }
    expect(await answer(() => recipeOf({ patch: 100 }, undefined))).toMatch(/bad --patch/);
    expect(await answer(() => recipeOf({ recipe: 'sid' }, undefined))).toMatch(
      /expected pairs for/,
    );
    // Its targets are rendered already.
    for (const term of ['rendered', 'renderedLog', 'renderedBlocks']) {
      const loss = `linear:1,${term}:1`;
      expect(await answer(() => recipeOf({ recipe: 'sid', loss }, 10))).toMatch(/without rendered/);
    }
    expect(await answer(() => recipeOf({ epochs: 3 }, undefined))).toMatch(/--epochs/);
    expect(await answer(() => recipeOf({ deepDark: 0.3 }, 10))).toMatch(/--photos for --deep-dark/);
    expect(await answer(() => resumedRecipe({ deepDark: 0.3 }, defaultRecipe))).toMatch(
      /expected --deep-dark 0, as the run began, but received 0.3/,
    );
    expect(await answer(() => resumedRecipe({ recipe: 'sid' }, defaultRecipe))).toMatch(
      /expected --recipe raw, as the run began, but received sid/,
    );
    expect(await answer(() => resumedRecipe({ clipNorm: 3 }, defaultRecipe))).toMatch(
      /--clip-norm/,
    );
  });
});
