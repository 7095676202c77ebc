/** Messages between the app and its engine, parsed on both sides. */

import { z } from 'zod';
import {
  deviceSchema,
  outputSchema,
  recordTermsSchema,
  spaceSchema,
} from '../../preload/contract/choices.ts';
import { motionSchema } from '../../preload/contract/bursts.ts';
import {
  editsSchema,
  ratioChoiceSchema,
  ratioSchema,
  whiteBalanceSchema,
} from '../../preload/contract/edits.ts';
import { defineCall, defineNote, nothing } from '../process/call.ts';

/** See `ToneEdits` in develop/look.ts. */
const toneSchema = editsSchema.pick({
  exposure: true,
  highlights: true,
  shadows: true,
  contrast: true,
  saturation: true,
});

/** See `Framing` in develop/crop.ts. */
const framingSchema = editsSchema.pick({ crop: true, angle: true, rotate: true });

/** Everything that decides how a photo looks. */
export const editSchema = z.object({
  ratio: ratioChoiceSchema,
  strength: editsSchema.shape.strength,
  /** 0 if absent. */
  black: editsSchema.shape.black.optional(),
  whiteBalance: whiteBalanceSchema,
  space: spaceSchema,
  tone: toneSchema.optional(),
  framing: framingSchema.optional(),
  /** Limit for the finished picture's longer side, pixels. */
  longSide: z.number().int().positive().optional(),
});

/** A request of the app's view. It gets the network before any export. */
export const previewJobSchema = z.discriminatedUnion('kind', [
  /** Half floats, see develop/half.ts. */
  z.object({
    kind: z.literal('tile'),
    photo: z.string(),
    ratio: ratioSchema,
    level: z.number().int().min(0).max(15),
    x: z.number().int().min(0).max(4095),
    y: z.number().int().min(0).max(4095),
  }),
  /** A small finished picture, as JPEG. */
  z.object({
    kind: z.literal('bright'),
    photo: z.string(),
    edit: editSchema,
    longSide: z.number().int().positive(),
  }),
  /**
   * Decodes the photo and develops the level that is shown first, so that its tiles are ready when
   * requested.
   */
  z.object({
    kind: z.literal('prepare'),
    photo: z.string(),
    ratio: ratioChoiceSchema,
    /** Whether the photo is only likely to be viewed later, so that everything else comes first. */
    isAhead: z.boolean(),
  }),
]);

export type PreviewJob = z.infer<typeof previewJobSchema>;

export const pictureSchema = z.object({
  width: z.number(),
  height: z.number(),
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
});

/** Pixels for the app's view. */
export type Picture = z.infer<typeof pictureSchema>;

/** Frames that are merged in the photo's place. */
export const burstOrderSchema = z.object({
  frames: z.array(z.string()).min(2).readonly(),
  /** The frame that the others are aligned to, one of `frames`; `auto` takes the sharpest. */
  reference: z.string(),
  motion: motionSchema,
});

export type BurstOrder = z.infer<typeof burstOrderSchema>;

export const photoJobSchema = z.object({
  /** For a burst, the frame that it is named after. */
  photo: z.string(),
  target: z.string(),
  /**
   * With `isKept`, the merged frame itself is written, as a DNG into the target's folder under a
   * name of its own; it is not developed.
   */
  burst: burstOrderSchema.extend({ isKept: z.boolean() }).optional(),
  overwrite: z.boolean(),
  edit: editSchema,
  output: outputSchema,
  /** Absent: the picture keeps all metadata of the photo. */
  records: recordTermsSchema.optional(),
  /** Packed pixels in one network input; reduced after memory ran out. */
  windowAreaMax: z.number().int().positive(),
});

export type PhotoJob = z.infer<typeof photoJobSchema>;
export type Edit = z.infer<typeof editSchema>;
export type Output = z.infer<typeof outputSchema>;

/** Milliseconds of each stage; stages of different photos overlap. */
const stagesSchema = z.object({
  decode: z.number(),
  prepare: z.number(),
  network: z.number(),
  finish: z.number(),
  encode: z.number(),
  write: z.number(),
});

export type Stages = z.infer<typeof stagesSchema>;

/** What became of a burst's frames. */
const burstResultSchema = z.object({
  /** Paths of the frames in the merged one. */
  merged: z.array(z.string()),
  leftOut: z.array(z.object({ photo: z.string(), reason: z.string(), isCopy: z.boolean() })),
});

export type BurstResult = z.infer<typeof burstResultSchema>;

export const photoResultSchema = z.object({
  photo: z.string(),
  path: z.string(),
  bytes: z.number(),
  /** Of the picture, upright. */
  width: z.number(),
  height: z.number(),
  ratio: z.number(),
  gains: z.tuple([z.number(), z.number(), z.number()]),
  noise: z.object({ slope: z.number(), offset: z.number(), source: z.string() }),
  tiles: z.number(),
  device: deviceSchema,
  stagesMs: stagesSchema,
  totalMs: z.number(),
  burst: burstResultSchema.optional(),
});

export type PhotoResult = z.infer<typeof photoResultSchema>;

export const photoProgressSchema = z.object({
  /** While a burst is merged, its steps are counted in place of tiles. */
  stage: z.enum(['decode', 'merge', 'network', 'encode']),
  tilesDone: z.number(),
  tilesTotal: z.number(),
});

export type PhotoProgress = z.infer<typeof photoProgressSchema>;

export const verdictSchema = z.object({
  device: deviceSchema,
  isTrusted: z.boolean(),
  /** In plain words: why not, or how close it is to the processor's result. */
  account: z.string(),
  /** For one million packed pixels of network input; absent if it did not run. */
  msPerMegapixel: z.number().optional(),
});

export type Verdict = z.infer<typeof verdictSchema>;

const enhancedSchema = z.object({
  result: photoResultSchema,
  /** Peak memory of the engine's process so far. */
  peakRssBytes: z.number(),
});

export type Enhanced = z.infer<typeof enhancedSchema>;

/** Another process took the target's name in the meantime; nothing was written. */
export const takenSchema = z.literal('taken');

/** App → engine. */
export const engineCalls = {
  /** Sent first, and again for another model or device. */
  open: defineCall({
    name: 'open',
    input: z.object({
      model: z.string(),
      device: deviceSchema,
      threads: z.number().int().min(1).max(256).optional(),
      isQuick: z.boolean(),
    }),
    output: nothing,
  }),
  enhance: defineCall({
    name: 'enhance',
    input: photoJobSchema,
    output: z.union([enhancedSchema, takenSchema]),
    progress: photoProgressSchema,
  }),
  preview: defineCall({ name: 'preview', input: previewJobSchema, output: pictureSchema }),
  /** Runs the same window on the device and on the processor, and compares the results. */
  test: defineCall({
    name: 'test',
    input: z.object({ model: z.string(), device: deviceSchema, side: z.number().int() }),
    output: verdictSchema,
  }),
};

/** App → engine: photos will be viewed soon, so load what the first picture needs. */
export const warmNote = defineNote({ name: 'warm', value: nothing });
