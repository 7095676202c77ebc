/** Training as the window sees it: what there is to learn from, how it is learned, and the runs. */

import { z } from 'zod';
import { cameraProfileSchema } from './camera-profile.ts';
import { trainingDeviceChoiceSchema, trainingDeviceSchema } from './choices.ts';
import { call, modelIdSchema, none, nothing, pathSchema } from './call.ts';

/** A run is a folder of this name in the app's data. */
export const runIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
/** What was found by a check, until the next one: pictures are asked for by it. */
export const checkIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** A measured camera in the app's data. */
const cameraIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

const namesSchema = z.array(z.string().min(1).max(1024)).max(100_000);

/** What the user has to learn from. */
export const datasetSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('photos'),
    /** Folders of clean photos, with all below them. */
    folders: z.array(pathSchema).min(1).max(20),
    /** File names of photos to leave out. */
    leftOut: namesSchema,
    /** Whose noise they are darkened with; made-up cameras' if absent. */
    camera: cameraIdSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('pairs'),
    /** One folder with all in it, or two: of the short exposures, of what they should look like. */
    folders: z.array(pathSchema).min(1).max(2),
    /** Ids of pairs to leave out, and of pairs with a fault to take in all the same. */
    leftOut: namesSchema,
    takenIn: namesSchema,
    /** Only pairs of this camera, as the check names it; needed where there are several. */
    only: z.string().min(1).max(200).optional(),
  }),
]);

/** How it is learned. Numbers have the limits of main/training/recipe.ts. */
export const lessonSchema = z.strictObject({
  /** The ready-made recipe whose other numbers are taken. */
  recipe: z.enum(['raw', 'sid', 'adapt']),
  baseChannels: z.number().int().min(4).max(64),
  batch: z.number().int().min(1).max(64),
  /** Side of a patch in packed pixels. */
  patchPacked: z.number().int().min(32).max(512).multipleOf(16),
  steps: z.number().int().min(1).max(100_000_000),
  learningRate: z.number().min(1e-8).max(1),
  seed: z.number().int().min(0).max(0xffff_ffff),
  /** Steps between checkpoints: what a crash loses at most. */
  checkpointEvery: z.number().int().min(1).max(1_000_000),
  validateEvery: z.number().int().min(1).max(1_000_000),
  /** What steps are made on; `auto`: what was measured to be faster. */
  device: trainingDeviceChoiceSchema,
  /** Processor threads; 0: all. */
  threads: z.number().int().min(0).max(256),
});

/** The model whose weights are the first ones; without one they are drawn by lot. */
const startSchema = modelIdSchema.optional();

const planSchema = z.strictObject({
  /** The model's name. */
  name: z.string().trim().min(1).max(100),
  dataset: datasetSchema,
  startsFrom: startSchema,
  lesson: lessonSchema,
});

/** One of the ready-made ways to learn. */
export const courseSchema = z.object({
  id: z.enum(['adapt', 'train', 'paper']),
  lesson: lessonSchema,
  /** Absent: weights by lot. */
  startsFrom: modelIdSchema.optional(),
});

const photoVerdictSchema = z.object({
  /** Of the picture's address. */
  index: z.number().int(),
  /** File name, as it is left out by. */
  name: z.string(),
  /** Why it cannot be learned from. */
  fault: z.string().optional(),
});

export const checkSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('photos'),
    check: checkIdSchema,
    photos: z.array(photoVerdictSchema),
    /** Names that are kept for evaluation. */
    heldOut: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('pairs'),
    check: checkIdSchema,
    layout: z.enum(['lists', 'sid', 'folders', 'exif']),
    pairs: z.array(
      z.object({
        id: z.string(),
        scene: z.string(),
        /** Names, and indices of the pictures' addresses. */
        short: z.object({ name: z.string(), index: z.number().int() }),
        long: z.object({ name: z.string(), index: z.number().int() }),
        camera: z.string().optional(),
        ratio: z.number().optional(),
        /** As names or EXIF say. */
        statedRatio: z.number().optional(),
        measuredRatio: z.number().optional(),
        /** Pixels. */
        shift: z.object({ x: z.number(), y: z.number() }).optional(),
        /** Why it is left out, unless it is taken in by hand. */
        fault: z.string().optional(),
        /** Whether it can be learned from in spite of its fault. */
        canBeTaken: z.boolean(),
        notices: z.array(z.string()),
      }),
    ),
    /** Files without a partner. */
    unpaired: z.array(z.object({ name: z.string(), reason: z.string() })),
  }),
]);

/** What the window draws of a measured camera. */
const profileSchema = cameraProfileSchema.omit({ hotPixels: true });

const cameraSchema = z.object({
  id: cameraIdSchema,
  name: z.string(),
  /** As photos' facts name it. */
  camera: z.string(),
  /** ISO 8601. */
  measuredAt: z.string(),
  isos: z.array(z.number()),
});

const scoresSchema = z.object({
  step: z.number().int(),
  psnrDb: z.number(),
  ssim: z.number(),
  loss: z.number(),
});

export const runSchema = z.object({
  id: runIdSchema,
  name: z.string(),
  kind: z.enum(['photos', 'pairs']),
  /** Folders it learns from. */
  folders: z.array(z.string()),
  /** `interrupted`: it was cut off and can go on; `starting`: its pictures are read. */
  state: z.enum([
    'waiting',
    'starting',
    'running',
    'pausing',
    'paused',
    'stopping',
    'stopped',
    'interrupted',
    'done',
    'failed',
  ]),
  /** Why it rests or failed, for a person. */
  account: z.string().optional(),
  step: z.number().int(),
  steps: z.number().int(),
  baseChannels: z.number().int(),
  batch: z.number().int(),
  patchPacked: z.number().int(),
  startsFrom: z.string().optional(),
  /** Whose photos its model is for, as photos' facts name it. */
  camera: z.string().optional(),
  device: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  updatedAt: z.string(),
  trainedSeconds: z.number(),
  best: scoresSchema.optional(),
  last: scoresSchema.optional(),
  /** While it trains. */
  live: z
    .object({
      loss: z.number(),
      stepMs: z.number(),
      elapsedSeconds: z.number(),
      leftSeconds: z.number().optional(),
      rssBytes: z.number().optional(),
      epoch: z.number().optional(),
    })
    .optional(),
  /** While pictures are read before the first step. */
  loading: z.object({ done: z.number().int(), total: z.number().int() }).optional(),
  /** Of its folder. */
  bytes: z.number(),
  /** The model made of it, once there is one. */
  model: modelIdSchema.optional(),
});

const exampleSchema = z.object({
  name: z.string(),
  /** Files by which the pictures are asked for. */
  before: z.string(),
  after: z.string(),
  truth: z.string(),
});

export const runStorySchema = z.object({
  run: runSchema,
  /** What validations try the network on; not held out: too little to keep any of it aside. */
  validatedOn: z.object({ about: z.string(), isHeldOut: z.boolean() }).optional(),
  losses: z.array(z.object({ step: z.number(), loss: z.number(), learningRate: z.number() })),
  validations: z.array(
    scoresSchema.extend({ isBest: z.boolean(), examples: z.array(exampleSchema) }),
  ),
  /** What went otherwise than planned, oldest first. */
  notes: z.array(z.object({ at: z.string(), step: z.number(), account: z.string() })),
});

export const trainingCalls = {
  /** Every run there is, youngest first. */
  'training.runs': call(nothing, z.object({ runs: z.array(runSchema) }), none),
  'training.read': call(z.strictObject({ run: runIdSchema }), runStorySchema, none),
  /** Ready-made ways to learn from a dataset. */
  'training.courses': call(
    z.strictObject({ dataset: datasetSchema }),
    z.object({ courses: z.array(courseSchema) }),
    none,
  ),
  /** Looks at everything there is to learn from; what is bad is said here, before any training. */
  'training.check': call(
    z.strictObject({ dataset: datasetSchema }),
    checkSchema,
    z.object({ done: z.number().int(), total: z.number().int() }),
  ),
  /** Cameras that were measured here, the latest first. */
  'training.cameras': call(nothing, z.object({ cameras: z.array(cameraSchema) }), none),
  /** Measures a camera's noise from dark frames, and its gain from flat ones; kept for later runs. */
  'training.measureCamera': call(
    z.strictObject({ dark: pathSchema, flat: pathSchema.optional() }),
    z.object({ camera: cameraSchema, profile: profileSchema }),
    z.object({ done: z.number().int(), total: z.number().int() }),
  ),
  'training.camera': call(
    z.strictObject({ camera: cameraIdSchema }),
    z.object({ camera: cameraSchema, profile: profileSchema }),
    none,
  ),
  /**
   * Makes a few steps on this machine and says how long one takes: for `auto` on the processor and on a
   * graphics card, if there is one that calculates right, and what is said is of the faster one.
   */
  'training.measure': call(
    z.strictObject({ lesson: lessonSchema, startsFrom: startSchema }),
    z.object({
      device: trainingDeviceSchema,
      stepMs: z.number(),
      rssBytes: z.number(),
      /** What the processor took, where a graphics card was found to be faster. */
      processorMs: z.number().optional(),
    }),
    none,
  ),
  /** @throws `bad-argument` while another run is under way */
  'training.start': call(planSchema, runSchema, none),
  /** Rests after the step at work; its memory stays taken. */
  'training.pause': call(z.strictObject({ run: runIdSchema }), nothing, none),
  /** Goes on: from its rest, or from its checkpoint. */
  'training.resume': call(z.strictObject({ run: runIdSchema }), nothing, none),
  /** Ends after the step at work; it can go on later. */
  'training.stop': call(
    z.strictObject({ run: runIdSchema, makesModel: z.boolean() }),
    nothing,
    none,
  ),
  /** Deletes a run that is at rest; models made of it stay. */
  'training.remove': call(z.strictObject({ run: runIdSchema }), nothing, none),
} as const;

export const trainingEvents = {
  /** A run as it is now; several times a second at most. */
  'training.run': runSchema,
  /** A run is gone. */
  'training.removed': z.object({ run: runIdSchema }),
} as const;

export type Run = z.infer<typeof runSchema>;
export type RunStory = z.infer<typeof runStorySchema>;
export type Dataset = z.infer<typeof datasetSchema>;
export type Camera = z.infer<typeof cameraSchema>;
export type CameraNoise = z.infer<typeof profileSchema>;
export type Lesson = z.infer<typeof lessonSchema>;
export type Course = z.infer<typeof courseSchema>;
export type Check = z.infer<typeof checkSchema>;
export type Plan = z.infer<typeof planSchema>;
