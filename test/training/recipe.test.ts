/** Recipes: what the ready-made ones say, and that what older runs wrote still means the same. */

import { describe, expect, it } from 'vitest';
import {
  defaultRecipe,
  learningRateAt,
  recipes,
  recipeSchema,
  stepsOfEpochs,
} from '../../main/training/recipe.ts';

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
