/** What the app and its viewing process say to each other; parsed on both sides. */

import { z } from 'zod';
import { photoFactsSchema } from '../../preload/contract/contract.ts';
import { failureSchema, pictureSchema } from '../engine/protocol.ts';

const photo = z.string();

/** What is asked about a photo without the network. */
export const viewJobSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('describe'), photo }),
  z.object({ kind: z.literal('open'), photo }),
  /** The camera's own picture, small; developed without the network where there is none. */
  z.object({ kind: z.literal('thumb'), photo, longSide: z.number().int().positive() }),
  /** Any photo that training reads, RAW or not, small and upright, after all of it was read. */
  z.object({
    kind: z.literal('small'),
    photo,
    longSide: z.number().int().positive(),
    /** What a RAW photo is brightened by; its automatic ratio if absent. */
    ratio: z.number().positive().optional(),
  }),
  /** The camera's own picture, upright. */
  z.object({ kind: z.literal('preview'), photo }),
  z.object({
    kind: z.literal('plain'),
    photo,
    level: z.number().int().min(0).max(15),
    x: z.number().int().min(0).max(4095),
    y: z.number().int().min(0).max(4095),
    scale: z.number().positive(),
  }),
]);

export type ViewJob = z.infer<typeof viewJobSchema>;

const vector3Schema = z.tuple([z.number(), z.number(), z.number()]);
const matrix3Schema = z.tuple([
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
]); // prettier-ignore

export const factsSchema = photoFactsSchema;

export type Facts = z.infer<typeof factsSchema>;

export const openedSchema = z.object({
  width: z.number(),
  height: z.number(),
  orientation: z.number(),
  origin: z.object({ x: z.number(), y: z.number() }),
  tileSide: z.number(),
  levels: z.array(z.object({ level: z.number(), width: z.number(), height: z.number() })),
  coarseLevel: z.number(),
  colour: z.object({ asShotGains: vector3Schema, xyzToCamera: matrix3Schema }),
  /** What each choice of white balance comes to; `asShot` is the colour's own, within limits. */
  gains: z.object({ asShot: vector3Schema, auto: vector3Schema }),
  noise: z.object({ slope: z.number(), offset: z.number(), source: z.string() }),
  facts: factsSchema,
});

/** A decoded photo, as far as the app itself has to know it. */
export type Opened = z.infer<typeof openedSchema>;

/** App → viewing process. */
export const viewRequestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('view'), id: z.number().int(), job: viewJobSchema }),
  z.object({ kind: z.literal('cancel'), id: z.number().int() }),
]);

export type ViewRequest = z.infer<typeof viewRequestSchema>;

/** Viewing process → app. */
export const viewReplySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('described'), id: z.number().int(), facts: factsSchema }),
  z.object({ kind: z.literal('opened'), id: z.number().int(), opened: openedSchema }),
  z.object({ kind: z.literal('picture'), id: z.number().int(), picture: pictureSchema }),
  z.object({ kind: z.literal('failed'), id: z.number().int(), failure: failureSchema }),
]);

export type ViewReply = z.infer<typeof viewReplySchema>;
