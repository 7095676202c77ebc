/** What the app asks a process of its own about training. */

import { z } from 'zod';
import { cameraProfileSchema } from '../../preload/contract/camera-profile.ts';
import { trainingDeviceSchema } from '../../preload/contract/choices.ts';
import { defineCall } from '../process/call.ts';
import { foundPairsSchema, pairReportSchema } from '../training/pairs/pairs.ts';
import { recipeSchema } from '../training/recipe.ts';

const folders = z.array(z.string());

const progressSchema = z.object({ done: z.number(), total: z.number() });
export type SurveyProgress = z.infer<typeof progressSchema>;

export const surveyCalls = {
  /** Which photos there are in folders. */
  photos: defineCall({
    name: 'photos',
    input: z.object({ folders }),
    output: z.object({
      files: z.array(z.string()),
      /** Of photos that are kept for evaluation. */
      excluded: z.array(z.string()),
    }),
    progress: progressSchema,
  }),
  /** Pairs of exposures, found and checked. */
  pairs: defineCall({
    name: 'pairs',
    input: z.object({ folders }),
    output: z.object({ found: foundPairsSchema, reports: z.array(pairReportSchema) }),
    progress: progressSchema,
  }),
  /** A camera's noise, from folders of frames. */
  camera: defineCall({
    name: 'camera',
    input: z.object({ dark: z.string(), flat: z.string().optional() }),
    output: cameraProfileSchema,
    progress: progressSchema,
  }),
  /** How long a step takes here. */
  measure: defineCall({
    name: 'measure',
    input: z.object({
      recipe: recipeSchema,
      device: trainingDeviceSchema,
      threads: z.number().optional(),
    }),
    output: z.object({ stepMs: z.number(), rssBytes: z.number() }),
    progress: progressSchema,
  }),
};
