/** Questions about training that the app asks a separate process. */

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
  /** Lists the photos in folders. */
  photos: defineCall({
    name: 'photos',
    input: z.object({ folders }),
    output: z.object({
      files: z.array(z.string()),
      /** Of photos reserved for evaluation. */
      excluded: z.array(z.string()),
    }),
    progress: progressSchema,
  }),
  /** Finds and checks pairs of exposures. */
  pairs: defineCall({
    name: 'pairs',
    input: z.object({ folders }),
    output: z.object({ found: foundPairsSchema, reports: z.array(pairReportSchema) }),
    progress: progressSchema,
  }),
  /** Measures a camera's noise from folders of frames. */
  camera: defineCall({
    name: 'camera',
    input: z.object({ dark: z.string(), flat: z.string().optional() }),
    output: cameraProfileSchema,
    progress: progressSchema,
  }),
  /** Measures how long a training step takes on this computer. */
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
