/** Every number a training run depends on: kept in its checkpoint and in the model's manifest. */

import { z } from 'zod';
import { unetShapeSchema } from '../network/manifest.ts';
import { defaultLoss } from './loss.ts';

export const recipeSchema = z.object({
  unet: unetShapeSchema,
  batch: z.number().int().min(1).max(64),
  /** Side of a patch in packed pixels. */
  patchPacked: z.number().int().min(32).max(512).multipleOf(16),
  steps: z.number().int().min(1).max(100_000_000),
  learningRate: z.number().positive().max(1),
  learningRateFinal: z.number().positive().max(1),
  warmupSteps: z.number().int().nonnegative(),
  clipNorm: z.number().positive(),
  loss: z.object({
    toned: z.number().nonnegative(),
    tonedSquared: z.number().nonnegative().default(0),
    linear: z.number().nonnegative(),
    blocks: z.number().nonnegative(),
    squared: z.number().nonnegative(),
  }),
  /** Seeds the first weights and every patch. */
  seed: z.number().int().nonnegative().max(0xffff_ffff),
});

export type Recipe = z.infer<typeof recipeSchema>;

/** The recipe of the shipped "fast" model; see models/README.md. */
export const defaultRecipe: Recipe = {
  unet: { inputChannels: 4, outputChannels: 12, baseChannels: 16, levels: 5 },
  batch: 8,
  patchPacked: 64,
  steps: 30_000,
  learningRate: 1e-3,
  learningRateFinal: 1e-6,
  warmupSteps: 100,
  clipNorm: 1,
  loss: defaultLoss,
  seed: 1,
};

/**
 * Learning rate of a step: a linear rise, then half a cosine down to the final rate.
 * @param step counted from 1
 */
export function learningRateAt(recipe: Recipe, step: number): number {
  const { learningRate, learningRateFinal, warmupSteps, steps } = recipe;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  const fall = 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRateFinal + (learningRate - learningRateFinal) * fall;
}
