/** Training as the window sees it: data to learn from, ways to learn, and runs. */

import { z } from 'zod';
import { cameraProfileSchema } from './camera-profile.ts';
import {
  firstLevelSchema,
  optimizerSchema,
  trainingDeviceChoiceSchema,
  trainingDeviceSchema,
} from './choices.ts';
import { call, modelIdSchema, none, nothing, pathSchema } from './call.ts';

/** Names a run, which is a folder of this name in the app's data. */
export const runIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
/** Identifies a check's results, including the addresses of its pictures, until the next check. */
export const checkIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** A measured camera in the app's data. */
const cameraIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

const namesSchema = z.array(z.string().min(1).max(1024)).max(100_000);

/** The data to learn from. */
export const datasetSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('photos'),
    /** Folders of clean photos, including subfolders. */
    folders: z.array(pathSchema).min(1).max(20),
    /** File names of photos to leave out. */
    leftOut: namesSchema,
    /** The camera whose noise darkens them; invented cameras if absent. */
    camera: cameraIdSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('pairs'),
    /** One folder with everything, or two: the short exposures, and their targets. */
    folders: z.array(pathSchema).min(1).max(2),
    /** Ids of pairs to leave out, and of pairs to use in spite of a fault. */
    leftOut: namesSchema,
    takenIn: namesSchema,
    /**
     * Use only pairs of this camera, named as in the check; needed if there are several cameras.
     */
    only: z.string().min(1).max(200).optional(),
  }),
]);

/** The numbers of a training. Their limits are those in main/training/recipe.ts. */
export const lessonSchema = z.strictObject({
  /** The recipe that supplies all other numbers. */
  recipe: z.enum(['raw', 'sid', 'adapt']),
  baseChannels: z.number().int().min(4).max(64),
  /** Of a network from random weights; one that starts from a model has that model's. */
  firstLevel: firstLevelSchema,
  batch: z.number().int().min(1).max(64),
  /** Side of a patch in packed pixels. */
  patchPacked: z.number().int().min(32).max(512).multipleOf(16),
  steps: z.number().int().min(1).max(100_000_000),
  learningRate: z.number().min(1e-8).max(1),
  optimizer: optimizerSchema,
  seed: z.number().int().min(0).max(0xffff_ffff),
  /** Steps between checkpoints: the most that a crash can lose. */
  checkpointEvery: z.number().int().min(1).max(1_000_000),
  validateEvery: z.number().int().min(1).max(1_000_000),
  /** Device for training; `auto` takes the one measured to be faster. */
  device: trainingDeviceChoiceSchema,
  /** Processor threads; 0 means all. */
  threads: z.number().int().min(0).max(256),
});

/** The model whose weights training starts from; random weights if absent. */
const startSchema = modelIdSchema.optional();

const planSchema = z.strictObject({
  /** The model's name. */
  name: z.string().trim().min(1).max(100),
  dataset: datasetSchema,
  startsFrom: startSchema,
  lesson: lessonSchema,
});

/** A ready-made way to learn. */
export const courseSchema = z.object({
  id: z.enum(['adapt', 'train', 'paper']),
  lesson: lessonSchema,
  /** Absent for random weights. */
  startsFrom: modelIdSchema.optional(),
});

const photoVerdictSchema = z.object({
  /** Index in the picture's address. */
  index: z.number().int(),
  /** File name, as used in `leftOut`. */
  name: z.string(),
  /** Why it cannot be used for training. */
  fault: z.string().optional(),
});

export const checkSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('photos'),
    check: checkIdSchema,
    photos: z.array(photoVerdictSchema),
    /** Names reserved for evaluation. */
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
        /** Names, and the indices in the pictures' addresses. */
        short: z.object({ name: z.string(), index: z.number().int() }),
        long: z.object({ name: z.string(), index: z.number().int() }),
        camera: z.string().optional(),
        ratio: z.number().optional(),
        /** Stated by the names or EXIF. */
        statedRatio: z.number().optional(),
        measuredRatio: z.number().optional(),
        /** Pixels. */
        shift: z.object({ x: z.number(), y: z.number() }).optional(),
        /** Why it is left out, unless the user includes it. */
        fault: z.string().optional(),
        /** Whether it can be used in spite of its fault. */
        canBeTaken: z.boolean(),
        notices: z.array(z.string()),
      }),
    ),
    /** Files without a partner. */
    unpaired: z.array(z.object({ name: z.string(), reason: z.string() })),
  }),
]);

/** The data of a measured camera that the window draws. */
const profileSchema = cameraProfileSchema.omit({ hotPixels: true });

const cameraSchema = z.object({
  id: cameraIdSchema,
  name: z.string(),
  /** Named as in photos' facts. */
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
  /**
   * `interrupted`: ended unexpectedly and can continue; `starting`: its pictures are being read.
   */
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
  /** Why it is paused or failed, for people. */
  account: z.string().optional(),
  step: z.number().int(),
  steps: z.number().int(),
  baseChannels: z.number().int(),
  batch: z.number().int(),
  patchPacked: z.number().int(),
  startsFrom: z.string().optional(),
  /** The camera that its model is for, named as in photos' facts. */
  camera: z.string().optional(),
  device: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  updatedAt: z.string(),
  trainedSeconds: z.number(),
  best: scoresSchema.optional(),
  last: scoresSchema.optional(),
  /** Present while it trains. */
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
  /** Present while pictures are read before the first step. */
  loading: z.object({ done: z.number().int(), total: z.number().int() }).optional(),
  /** Size of its folder. */
  bytes: z.number(),
  /** The model made from it, if any. */
  model: modelIdSchema.optional(),
});

const exampleSchema = z.object({
  name: z.string(),
  /** File names in the pictures' addresses. */
  before: z.string(),
  after: z.string(),
  truth: z.string(),
});

export const runStorySchema = z.object({
  run: runSchema,
  /** The data of validations. `isHeldOut` is false if there was too little data to reserve any. */
  validatedOn: z.object({ about: z.string(), isHeldOut: z.boolean() }).optional(),
  losses: z.array(z.object({ step: z.number(), loss: z.number(), learningRate: z.number() })),
  validations: z.array(
    scoresSchema.extend({ isBest: z.boolean(), examples: z.array(exampleSchema) }),
  ),
  /** Unexpected events, oldest first. */
  notes: z.array(z.object({ at: z.string(), step: z.number(), account: z.string() })),
});

export const trainingCalls = {
  /** All runs, youngest first. */
  'training.runs': call(nothing, z.object({ runs: z.array(runSchema) }), none),
  'training.read': call(z.strictObject({ run: runIdSchema }), runStorySchema, none),
  /** The ready-made ways to learn from a dataset. */
  'training.courses': call(
    z.strictObject({ dataset: datasetSchema }),
    z.object({ courses: z.array(courseSchema) }),
    none,
  ),
  /** Checks all data and reports what is unusable, before any training. */
  'training.check': call(
    z.strictObject({ dataset: datasetSchema }),
    checkSchema,
    z.object({ done: z.number().int(), total: z.number().int() }),
  ),
  /** The cameras measured here, latest first. */
  'training.cameras': call(nothing, z.object({ cameras: z.array(cameraSchema) }), none),
  /**
   * Measures a camera's noise from dark frames, and its gain from flat ones. The result is kept for
   * later runs.
   */
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
   * Makes a few steps on this machine and returns the time of one. `auto` tries the processor and,
   * if there is a trustworthy one, a graphics card, and reports the faster device.
   */
  'training.measure': call(
    z.strictObject({ lesson: lessonSchema, startsFrom: startSchema }),
    z.object({
      device: trainingDeviceSchema,
      stepMs: z.number(),
      rssBytes: z.number(),
      /** The processor's time, if a graphics card was faster. */
      processorMs: z.number().optional(),
    }),
    none,
  ),
  /** @throws `bad-argument` while another run is under way */
  'training.start': call(planSchema, runSchema, none),
  /** Pauses after the current step; the memory stays allocated. */
  'training.pause': call(z.strictObject({ run: runIdSchema }), nothing, none),
  /** Continues from a pause or from the checkpoint. */
  'training.resume': call(z.strictObject({ run: runIdSchema }), nothing, none),
  /** Ends after the current step; the run can continue later. */
  'training.stop': call(
    z.strictObject({ run: runIdSchema, makesModel: z.boolean() }),
    nothing,
    none,
  ),
  /** Deletes a run that is not in training; models made from it stay. */
  'training.remove': call(z.strictObject({ run: runIdSchema }), nothing, none),
} as const;

export const trainingEvents = {
  /** A run's current state, sent several times a second at most. */
  'training.run': runSchema,
  /** A run was deleted. */
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
