/** What the app and its engine say to each other; parsed on both sides, whoever is there. */

import { z } from 'zod';
import { deviceSchema, outputSchema, spaceSchema } from '../../preload/contract/choices.ts';
import {
  editsSchema,
  ratioChoiceSchema,
  ratioSchema,
  whiteBalanceSchema,
} from '../../preload/contract/edits.ts';
import { Refusal } from '../base/refusal.ts';

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

/** Everything that decides how a photo looks; a DNG keeps no more than ratio, strength and balance. */
export const editSchema = z.object({
  ratio: ratioChoiceSchema,
  strength: editsSchema.shape.strength,
  whiteBalance: whiteBalanceSchema,
  space: spaceSchema,
  tone: toneSchema.optional(),
  framing: framingSchema.optional(),
  /** Pixels of the finished picture's longer side, at most. */
  longSide: z.number().int().positive().optional(),
});

/** What the app's view asks of the engine; it has the network before any export. */
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
  /** Decodes and develops the level that is shown first, so that its tiles are there when asked for. */
  z.object({
    kind: z.literal('prepare'),
    photo: z.string(),
    ratio: ratioChoiceSchema,
    /** Whether it is for a photo that may be looked at later: then everything else goes first. */
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

export const photoJobSchema = z.object({
  id: z.number().int(),
  photo: z.string(),
  target: z.string(),
  overwrite: z.boolean(),
  edit: editSchema,
  output: outputSchema,
  /** Packed pixels in one network input; smaller after memory ran out. */
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
});

export type PhotoResult = z.infer<typeof photoResultSchema>;

export const photoProgressSchema = z.object({
  stage: z.enum(['decode', 'network', 'encode']),
  tilesDone: z.number(),
  tilesTotal: z.number(),
});

export type PhotoProgress = z.infer<typeof photoProgressSchema>;

export const failureSchema = z.object({
  /** A Refusal's code; absent for a bug. */
  code: z
    .enum([
      'bad-argument',
      'cancelled',
      'damaged-file',
      'disk',
      'model',
      'out-of-memory',
      'device',
      'dataset',
      'unsupported-file',
    ])
    .optional(),
  message: z.string(),
  /** Of a Refusal that the next photo would meet too. */
  isLasting: z.boolean().optional(),
  stack: z.string().optional(),
});

export type Failure = z.infer<typeof failureSchema>;

/** App → engine. */
export const requestSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('open'),
    model: z.string(),
    device: deviceSchema,
    threads: z.number().int().min(1).max(256).optional(),
    isQuick: z.boolean(),
  }),
  z.object({ kind: z.literal('enhance'), job: photoJobSchema }),
  z.object({ kind: z.literal('cancel'), id: z.number().int() }),
  z.object({ kind: z.literal('preview'), id: z.number().int(), job: previewJobSchema }),
  z.object({ kind: z.literal('cancel-preview'), id: z.number().int() }),
  /** Somebody will look at photos soon: what their first picture would wait for gets ready. */
  z.object({ kind: z.literal('warm') }),
  /** Runs the same window on the device and on the processor and compares. */
  z.object({
    kind: z.literal('test'),
    model: z.string(),
    device: deviceSchema,
    side: z.number().int(),
  }),
]);

export type Request = z.infer<typeof requestSchema>;

export const verdictSchema = z.object({
  device: deviceSchema,
  isTrusted: z.boolean(),
  /** In plain words: why not, or how close to the processor's result. */
  account: z.string(),
  /** For one million packed pixels of network input; absent where it did not run. */
  msPerMegapixel: z.number().optional(),
});

export type Verdict = z.infer<typeof verdictSchema>;

/** Engine → app. */
export const replySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened') }),
  z.object({ kind: z.literal('not-opened'), failure: failureSchema }),
  z.object({ kind: z.literal('progress'), id: z.number().int(), progress: photoProgressSchema }),
  z.object({
    kind: z.literal('done'),
    id: z.number().int(),
    result: photoResultSchema,
    peakRssBytes: z.number(),
  }),
  /** Another process took the target's name meanwhile; nothing was written. */
  z.object({ kind: z.literal('taken'), id: z.number().int() }),
  z.object({ kind: z.literal('failed'), id: z.number().int(), failure: failureSchema }),
  z.object({ kind: z.literal('previewed'), id: z.number().int(), picture: pictureSchema }),
  z.object({ kind: z.literal('preview-failed'), id: z.number().int(), failure: failureSchema }),
  z.object({ kind: z.literal('tested'), verdict: verdictSchema }),
]);

export type Reply = z.infer<typeof replySchema>;

/** An error in a form that crosses processes. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Refusal) {
    const { code, message, isLasting } = error;
    return { code, message, ...(isLasting ? { isLasting } : {}) };
  }
  if (error instanceof Error) {
    return { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) };
  }
  return { message: String(error) };
}

/** The error again: a Refusal if it was one, else a bug with the other side's stack. */
export function errorOf({ code, message, stack, isLasting = false }: Failure): Error {
  if (code !== undefined) return new Refusal(code, message, { isLasting });
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
