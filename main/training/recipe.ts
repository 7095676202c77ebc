/**
 * Every number that determines a training run, as stored in its checkpoint and in the model's
 * manifest.
 */

import { z } from 'zod';
import { Refusal } from '../base/refusal.ts';
import { optimizerSchema, type FirstLevel } from '../../preload/contract/choices.ts';
import {
  inputClampSchema,
  outputDomainSchema,
  unetShapeSchema,
  type Manifest,
} from '../network/manifest.ts';
import { nightSharesSchema, noNight, usualNight } from './photos/night.ts';
import { defaultLoss, noLoss, type LossWeights } from './step/loss.ts';

export const recipeNameSchema = z.enum(['raw', 'sid', 'adapt']);
export type RecipeName = z.infer<typeof recipeNameSchema>;

/**
 * Fields with a default are missing in older checkpoints, which were made with the default value.
 */
export const recipeSchema = z.object({
  /** The recipe it is based on; any number may have been changed. */
  name: recipeNameSchema.default('raw'),
  /** What the network should produce. */
  domain: outputDomainSchema.default('camera-linear'),
  /** Whether the network's input has the camera's as-shot white balance. */
  whiteBalanced: z.boolean().default(true),
  /** The network's input is clamped to ± this, in amplified units (white is 1). */
  clamp: inputClampSchema.default(4),
  unet: unetShapeSchema,
  batch: z.number().int().min(1).max(64),
  /** Side of a patch in packed pixels. */
  patchPacked: z.number().int().min(32).max(512).multipleOf(16),
  /** Share of photo patches that are drawn only from the deep dark (`drawSlope`). */
  deepDark: z.number().min(0).max(1).default(0),
  /** Shares of photo patches that have stars, lamps and sensor faults. */
  night: nightSharesSchema.default(noNight),
  steps: z.number().int().min(1).max(100_000_000),
  /** Passes over the pairs that `steps` was computed from, if it was. */
  epochs: z.number().positive().optional(),
  learningRate: z.number().positive().max(1),
  learningRateFinal: z.number().positive().max(1),
  /** `muon` moves the weights of hidden convolutions at `muonRateRatio` times the rate. */
  optimizer: optimizerSchema.default('adam'),
  /** How the rate falls: along half a cosine, or abruptly after half of the steps. */
  schedule: z.enum(['cosine', 'halfway']).default('cosine'),
  warmupSteps: z.number().int().nonnegative(),
  clipNorm: z.number().positive(),
  loss: z.object({
    toned: z.number().nonnegative(),
    tonedSquared: z.number().nonnegative().default(0),
    linear: z.number().nonnegative(),
    blocks: z.number().nonnegative(),
    squared: z.number().nonnegative(),
    rendered: z.number().nonnegative().default(0),
    renderedBlocks: z.number().nonnegative().default(0),
    renderedLog: z.number().nonnegative().default(0),
  }),
  /** A trained model whose answers are mixed into the targets. */
  teacher: z
    .object({
      id: z.string(),
      /** Of the teacher's ONNX file. */
      sha256: z.string(),
      /** Weight of the teacher's answer; the rest is the truth. */
      share: z.number().positive().max(1),
    })
    .optional(),
  /** Seeds the initial weights and every patch. */
  seed: z.number().int().nonnegative().max(0xffff_ffff),
});

export type Recipe = z.infer<typeof recipeSchema>;

/**
 * The recipe of the shipped "fast" model; docs/trials/2026-11-28-fast-and-quality.md describes its
 * runs.
 */
export const defaultRecipe: Recipe = {
  name: 'raw',
  domain: 'camera-linear',
  whiteBalanced: true,
  clamp: 4,
  unet: { inputChannels: 4, outputChannels: 12, baseChannels: 16, levels: 5, firstLevel: 'full' },
  batch: 8,
  patchPacked: 64,
  deepDark: 0,
  night: usualNight,
  steps: 30_000,
  learningRate: 1e-3,
  learningRateFinal: 1e-6,
  optimizer: 'adam',
  schedule: 'cosine',
  warmupSteps: 100,
  clipNorm: 1,
  loss: defaultLoss,
  seed: 1,
};

/**
 * "Learning to See in the Dark" (Chen et al., CVPR 2018), finished pictures as targets;
 * patches of 512² sensor pixels, which are 256² packed ones (the paper's own script cuts 512²
 * packed), one per step; Adam at 10⁻⁴, and at 10⁻⁵ from the middle on; 4,000 epochs; flips,
 * transposition and shift; mean absolute difference; no gradient clipping. The input is not
 * white-balanced and not brighter than white. Below black it stays signed, where the paper clips it.
 * docs/pairs.md lists the differences that are left.
 */
const sidRecipe: Recipe = {
  ...defaultRecipe,
  name: 'sid',
  domain: 'srgb',
  whiteBalanced: false,
  clamp: 1,
  unet: { ...defaultRecipe.unet, baseChannels: 32 },
  batch: 1,
  patchPacked: 256,
  night: noNight,
  epochs: 4000,
  learningRate: 1e-4,
  learningRateFinal: 1e-5,
  schedule: 'halfway',
  warmupSteps: 0,
  clipNorm: 1e6,
  loss: { ...noLoss, linear: 1 },
};

/** Adapts a shipped model to one camera: few pairs, small steps, some minutes. */
const adaptRecipe: Recipe = {
  ...defaultRecipe,
  name: 'adapt',
  night: noNight,
  steps: 2000,
  learningRate: 1e-4,
  warmupSteps: 50,
};

/** The recipes by name; every number in them may be changed. */
export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  raw: defaultRecipe,
  sid: sidRecipe,
  adapt: adaptRecipe,
};

/**
 * The loss that a model was trained with, if its manifest says; training from it continues with the
 * same loss.
 */
export function trainedLoss({ training }: Pick<Manifest, 'training'>): LossWeights | undefined {
  return recipeSchema.safeParse(training['recipe']).data?.loss;
}

/**
 * A recipe's network with another first level. From half size down there is one level less, so that
 * the lowest level has the same size.
 */
export function withFirstLevel(unet: Recipe['unet'], firstLevel: FirstLevel): Recipe['unet'] {
  const change = (firstLevel === 'half' ? 1 : 0) - (unet.firstLevel === 'half' ? 1 : 0);
  return { ...unet, firstLevel, levels: unet.levels - change };
}

/**
 * @throws Refusal `bad-argument` for a width that Muon cannot train: the processor moves four numbers
 *   at a time
 */
export function checkOptimizer({ optimizer, unet }: Pick<Recipe, 'optimizer' | 'unet'>): void {
  if (optimizer === 'adam' || unet.baseChannels % 4 === 0) return;
  throw new Refusal(
    'bad-argument',
    `expected a width of the network that is a multiple of 4 for Muon but received ${String(unet.baseChannels)}: take another one, or Adam`,
  );
}

/** Number of steps for so many passes over pairs, at least one. */
export function stepsOfEpochs({ batch }: Recipe, epochs: number, pairs: number): number {
  return Math.max(1, Math.round((epochs * pairs) / batch));
}

/**
 * Learning rate of a step: a linear rise, then half a cosine down to the final rate, or a single
 * drop.
 * @param step counted from 1
 */
export function learningRateAt(recipe: Recipe, step: number): number {
  const { learningRate, learningRateFinal, schedule, warmupSteps, steps } = recipe;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  if (schedule === 'halfway') return step <= steps / 2 ? learningRate : learningRateFinal;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  const fall = 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRateFinal + (learningRate - learningRateFinal) * fall;
}
