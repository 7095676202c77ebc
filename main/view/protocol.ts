/** Messages between the app and its viewing process, parsed on both sides. */

import { z } from 'zod';
import { mergedSchema, photoFactsSchema } from '../../preload/contract/contract.ts';
import { defineCall } from '../process/call.ts';
import { pictureSchema } from '../engine/protocol.ts';

const photo = z.string();

/** Pictures of a photo that don't need the network. */
const pictureJobSchema = z.discriminatedUnion('kind', [
  /**
   * The camera's embedded preview, small; if there is none, the photo developed without the
   * network.
   */
  z.object({ kind: z.literal('thumb'), photo, longSide: z.number().int().positive() }),
  /** Any photo that training reads, RAW or not, small and upright. The whole file is read first. */
  z.object({
    kind: z.literal('small'),
    photo,
    longSide: z.number().int().positive(),
    /** Brightening of a RAW photo; its automatic ratio if absent. */
    ratio: z.number().positive().optional(),
  }),
  /** The camera's embedded preview, upright. */
  z.object({ kind: z.literal('preview'), photo }),
  /** A merged photo's map: a byte for each block, four for each frame behind it, 255 at most. */
  z.object({ kind: z.literal('frames'), photo }),
  z.object({
    kind: z.literal('plain'),
    photo,
    level: z.number().int().min(0).max(15),
    x: z.number().int().min(0).max(4095),
    y: z.number().int().min(0).max(4095),
    scale: z.number().positive(),
  }),
]);

export type PictureJob = z.infer<typeof pictureJobSchema>;

const vector3Schema = z.tuple([z.number(), z.number(), z.number()]);
const matrix3Schema = z.tuple([
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
]); // prettier-ignore

export type Facts = z.infer<typeof photoFactsSchema>;

const openedSchema = z.object({
  width: z.number(),
  height: z.number(),
  orientation: z.number(),
  origin: z.object({ x: z.number(), y: z.number() }),
  tileSide: z.number(),
  levels: z.array(z.object({ level: z.number(), width: z.number(), height: z.number() })),
  coarseLevel: z.number(),
  colour: z.object({
    asShotGains: vector3Schema,
    xyzToCamera: matrix3Schema,
    balancedToXyz: matrix3Schema.exactOptional(),
  }),
  /** Light at which the sensor saturates, at ratio 1. */
  clipping: z.number(),
  /** The gains of each white balance choice; `asShot` is the camera's own, within limits. */
  gains: z.object({ asShot: vector3Schema, auto: vector3Schema }),
  noise: z.object({ slope: z.number(), offset: z.number(), source: z.string() }),
  autoRatio: z.number(),
  facts: photoFactsSchema,
  merged: mergedSchema.optional(),
});

/** Facts about a decoded photo that the app itself needs. */
export type Opened = z.infer<typeof openedSchema>;

/** App → viewing process. Each throws Refusals as `decodeRaw`, except where it says otherwise. */
export const viewCalls = {
  /** As `readHeader`; never refuses. */
  header: defineCall({
    name: 'header',
    input: z.object({ photo }),
    output: z.object({ facts: photoFactsSchema.exactOptional() }),
  }),
  describe: defineCall({
    name: 'describe',
    input: z.object({ photo }),
    output: photoFactsSchema,
  }),
  open: defineCall({ name: 'open', input: z.object({ photo }), output: openedSchema }),
  picture: defineCall({ name: 'picture', input: pictureJobSchema, output: pictureSchema }),
};
