/** What the app asks a process of its own about training, and what that answers. */

import { z } from 'zod';
import { cameraProfileSchema } from '../../preload/contract/camera-profile.ts';
import { trainingDeviceSchema } from '../../preload/contract/choices.ts';
import { failureSchema } from '../engine/protocol.ts';
import { foundPairsSchema, pairReportSchema } from '../training/pairs/pairs.ts';
import { recipeSchema } from '../training/recipe.ts';

export const surveyJobSchema = z.discriminatedUnion('kind', [
  /** Which photos there are in folders. */
  z.object({ kind: z.literal('photos'), folders: z.array(z.string()) }),
  /** Pairs of exposures, found and checked. */
  z.object({ kind: z.literal('pairs'), folders: z.array(z.string()) }),
  /** A camera's noise, from folders of frames. */
  z.object({ kind: z.literal('camera'), dark: z.string(), flat: z.string().optional() }),
  /** How long a step takes here. */
  z.object({
    kind: z.literal('measure'),
    recipe: recipeSchema,
    device: trainingDeviceSchema,
    threads: z.number().optional(),
  }),
]);
export type SurveyJob = z.infer<typeof surveyJobSchema>;

export const surveyReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('progress'), done: z.number(), total: z.number() }),
  z.object({
    kind: z.literal('photos'),
    files: z.array(z.string()),
    /** Of photos that are kept for evaluation. */
    excluded: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('pairs'),
    found: foundPairsSchema,
    reports: z.array(pairReportSchema),
  }),
  z.object({ kind: z.literal('camera'), profile: cameraProfileSchema }),
  z.object({ kind: z.literal('measured'), stepMs: z.number(), rssBytes: z.number() }),
  z.object({ kind: z.literal('failed'), failure: failureSchema }),
]);
export type SurveyReply = z.infer<typeof surveyReplySchema>;
