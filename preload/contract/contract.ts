/** All calls and events between the window and the main process, with their inputs and outputs. */

import { z } from 'zod';
import { appCalls } from './app.ts';
import { burstCalls, burstEvents } from './bursts.ts';
import type { failureSchema } from './call.ts';
import {
  call,
  modelIdSchema,
  none,
  nothing,
  pathSchema,
  photoIdSchema,
  photoIdsSchema,
} from './call.ts';
import { cullingCalls, marksShape } from './culling.ts';
import { deviceSchema, spaceSchema } from './choices.ts';
import { editsSchema, whiteBalanceSchema } from './edits.ts';
import { folderCalls } from './folders.ts';
import { settingsPatchSchema, settingsSchema } from './settings.ts';
import { queueCalls, queueSchema } from './queue.ts';
import { sessionCalls, sessionEvents } from './sessions.ts';
import { trainingCalls, trainingEvents } from './training.ts';
import { undoCalls, undoEvents } from './undo.ts';

const vector3Schema = z.tuple([z.number(), z.number(), z.number()]);
/** 3×3, row-major. */
const matrix3Schema = z.tuple([
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
]); // prettier-ignore

/**
 * Facts about a photo. Those of the shot are in the file's header; size and ratio are known only after
 * it was decoded.
 */
export const photoFactsSchema = z.object({
  camera: z.string().optional(),
  lens: z.string().optional(),
  iso: z.number().optional(),
  exposureSeconds: z.number().optional(),
  aperture: z.number().optional(),
  focalLengthMm: z.number().optional(),
  /** `YYYY-MM-DDTHH:MM:SS`, the camera's clock. */
  takenAt: z.string().optional(),
  /** Size of the upright picture, before quarter-turns and crop. */
  width: z.number().optional(),
  height: z.number().optional(),
  autoRatio: z.number().optional(),
  /** Share of the samples that lie exactly at black, if the camera cut off the noise below it. */
  clippedBlack: z.number().optional(),
});

export const photoSchema = z.object({
  id: photoIdSchema,
  name: z.string(),
  /** Folder relative to the opened one; '' for the folder itself. */
  subfolder: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  state: z.enum(['new', 'edited', 'exported', 'failed']),
  /** The reason, if the state is `failed`. */
  failure: z.string().optional(),
  rating: z.number().int().min(0).max(5),
  ...marksShape,
  /** The exposure ratio in use, if known: the one chosen, or else the automatic one. */
  ratio: z.number().optional(),
  /** Changes with the file and its edits; part of the thumbnails' addresses. */
  stamp: z.string(),
  /**
   * Names of the presets that it is exported with: as edited now, with its present model, and with
   * the presets as they are now. The state is `exported` if all of one click are among them.
   */
  exported: z.array(z.string()),
  /** Id of the model that its edits name, if that is not here: the default develops it then. */
  missingModel: z.string().optional(),
  facts: photoFactsSchema.optional(),
});

export const folderSchema = z.object({
  path: z.string(),
  name: z.string(),
  subfolders: z.boolean(),
  /** False while the folder or its disk is missing. */
  isThere: z.boolean(),
  /** False if edits are stored in the app's own data instead of beside the photos. */
  isWritable: z.boolean(),
});

/** One size of the picture that tiles are cut from; level n has 1 / 2ⁿ of the frame's sides. */
const levelSchema = z.object({
  level: z.number().int(),
  /** Size of the tile grid, in this level's pixels. */
  width: z.number().int(),
  height: z.number().int(),
});

/** For a photo that was merged of several frames. */
export const mergedSchema = z.object({
  frames: z.number().int(),
  /** Its map of frames, see the pixels `frames`: so many blocks of so many pixels' side. */
  columns: z.number().int(),
  rows: z.number().int(),
  blockSide: z.number().int(),
  /** Frames behind the map's middle block, which `noise` is for. */
  middle: z.number(),
});

export const developmentSchema = z.object({
  photo: photoIdSchema,
  /** Size of the frame as stored; see `orientation`. */
  width: z.number().int(),
  height: z.number().int(),
  /** EXIF 1–8: the transformation that makes the stored frame upright. */
  orientation: z.number().int().min(1).max(8),
  /** Position of the frame on the tile grid, in level-0 pixels: 0 or 1 each. */
  origin: z.object({ x: z.number().int(), y: z.number().int() }),
  /** Side of a tile in pixels of its level; the last tiles of a row or column are smaller. */
  tileSide: z.number().int(),
  /** Full size first. */
  levels: z.array(levelSchema).min(1),
  /** The level to show first: the whole picture in few tiles. */
  coarseLevel: z.number().int(),
  /** White balance applied before the network, and so contained in tiles. Green is 1. */
  networkGains: vector3Schema,
  /** Light at which the sensor saturates, at ratio 1; not 1 if the file has a baseline exposure. */
  clipping: z.number(),
  asShot: z.object({ kelvin: z.number(), tint: z.number() }),
  autoRatio: z.number(),
  merged: mergedSchema.optional(),
  /** Variance of a normalised (black 0, white 1) sample x: slope · x + offset. */
  noise: z.object({ slope: z.number(), offset: z.number(), source: z.string() }),
  /** Per space: white-balanced camera RGB → linear RGB, and luminance weights of that RGB. */
  matrices: z.record(
    spaceSchema,
    z.object({ cameraToOutput: matrix3Schema, luminance: vector3Schema }),
  ),
  facts: photoFactsSchema,
});

export const modelSchema = z.object({
  id: modelIdSchema,
  name: z.string(),
  description: z.string(),
  licence: z.string(),
  bytes: z.number(),
  baseChannels: z.number(),
  isShipped: z.boolean(),
});

export const verdictSchema = z.object({
  device: deviceSchema,
  isTrusted: z.boolean(),
  account: z.string(),
  /** For one million packed pixels (four million pixels of the picture). */
  msPerMegapixel: z.number().optional(),
});

/** Calls by name. Inputs are strict: unknown fields are refused. */
export const calls = {
  ...appCalls,

  ...folderCalls,
  /** Photos are sent as progress while they are found, and all of them with the answer. */
  'library.open': call(
    z.strictObject({ path: pathSchema, subfolders: z.boolean() }),
    z.object({ folder: folderSchema, photos: z.array(photoSchema) }),
    z.object({ photos: z.array(photoSchema) }),
  ),
  /** The open folder, for a window that was reloaded. */
  'library.current': call(
    nothing,
    z.object({ folder: folderSchema.optional(), photos: z.array(photoSchema) }),
    none,
  ),
  /**
   * Reads facts from photos. The library reads headers by itself; this waits for them, and decodes
   * only photos that still lack what is asked for: any facts of the shot, or also the ratio.
   * Unreadable photos come back as `failed`.
   */
  'library.describe': call(
    z.strictObject({ photos: photoIdsSchema.max(500), what: z.enum(['shot', 'ratio']) }),
    z.object({ photos: z.array(photoSchema) }),
    z.object({ photos: z.array(photoSchema) }),
  ),
  'library.readEdits': call(
    z.strictObject({ photo: photoIdSchema }),
    z.object({ edits: editsSchema }),
    none,
  ),
  /** Changes some edits of all photos named; their other edits stay. */
  'library.writeEdits': call(
    z.strictObject({
      photos: photoIdsSchema,
      edits: editsSchema.partial(),
      /** Undone together with the changes of the same run right before: presses of a key, say. */
      run: z.string().max(64).optional(),
    }),
    nothing,
    none,
  ),
  ...cullingCalls,
  ...undoCalls,

  /** Decodes a photo and returns everything needed to draw it. */
  'develop.open': call(z.strictObject({ photo: photoIdSchema }), developmentSchema, none),
  /** Prepares photos that may be opened next, while nothing else is requested. */
  'develop.prepare': call(z.strictObject({ photos: photoIdsSchema.max(4) }), nothing, none),
  /** The gains of a choice. The shader multiplies tiles by `balance`: gains ÷ networkGains. */
  'develop.balance': call(
    z.strictObject({ photo: photoIdSchema, whiteBalance: whiteBalanceSchema }),
    z.object({ balance: vector3Schema, kelvin: z.number(), tint: z.number() }),
    none,
  ),
  /** For the eyedropper: the light that makes this mean linear RGB of a tile grey. */
  'develop.pick': call(
    z.strictObject({ photo: photoIdSchema, colour: z.array(z.number()).length(3) }),
    z.object({ balance: vector3Schema, kelvin: z.number(), tint: z.number() }),
    none,
  ),

  ...queueCalls,

  'settings.read': call(nothing, settingsSchema, none),
  'settings.write': call(settingsPatchSchema, settingsSchema, none),
  /** Folder and total size of the thumbnails on disk. */
  'thumbnails.read': call(
    nothing,
    z.object({ folder: z.string(), bytes: z.number(), files: z.number().int() }),
    none,
  ),
  'thumbnails.clear': call(nothing, nothing, none),
  /** Cancels a fetch of pixels where aborting it is not reported: see `requestOf`. */
  'pixels.cancel': call(z.strictObject({ request: z.number().int().min(0) }), nothing, none),

  'models.list': call(nothing, z.object({ models: z.array(modelSchema) }), none),
  /** Takes the path of a manifest, or of the ONNX file beside one. */
  'models.import': call(z.strictObject({ path: pathSchema }), modelSchema, none),
  /** Like `library.chooseFolder`, for `models.import`. */
  'models.choose': call(nothing, z.object({ path: z.string().optional() }), none),
  /** If the model was chosen, for all photos or for a camera, another one is used from then on. */
  'models.remove': call(z.strictObject({ model: modelIdSchema }), nothing, none),
  /** Renames an imported model. */
  'models.rename': call(
    z.strictObject({ model: modelIdSchema, name: z.string().trim().min(1).max(100) }),
    modelSchema,
    none,
  ),
  /** Copies a model's files into a folder, for `models.import` on another computer. */
  'models.export': call(
    z.strictObject({ model: modelIdSchema, folder: pathSchema }),
    z.object({ path: z.string() }),
    none,
  ),
  /** The model's data, recipe, scores and licence, as Markdown. */
  'models.card': call(
    z.strictObject({ model: modelIdSchema }),
    z.object({ markdown: z.string() }),
    none,
  ),
  /**
   * Tests every device with a real tile, or repeats known results; the first test takes minutes.
   */
  'devices.test': call(
    z.strictObject({ isAfresh: z.boolean() }),
    z.object({ verdicts: z.array(verdictSchema) }),
    none,
  ),

  ...burstCalls,
  ...sessionCalls,
  ...trainingCalls,
} as const;

/** Events by name, sent without a request. */
export const events = {
  'library.changed': z.object({
    appeared: z.array(photoSchema),
    updated: z.array(photoSchema),
    vanished: z.array(photoIdSchema),
  }),
  ...undoEvents,
  /** The folder disappeared, came back, or became read-only. */
  'library.folder': folderSchema,
  'queue.changed': queueSchema,
  ...burstEvents,
  'settings.changed': settingsSchema,
  /** Something was repaired on the way, in plain words, for example by restarting the engine. */
  'app.trouble': z.object({ account: z.string() }),
  /** The menu or the system asks to open a folder. */
  'app.openFolder': z.object({ path: z.string() }),
  'app.command': z.object({
    command: z.enum([
      'open-folder',
      'export',
      'enhance-all',
      'settings',
      'undo',
      'redo',
      'copy-edits',
      'paste-edits',
      'show-library',
      'show-develop',
      'show-training',
      'help',
      'about',
    ]),
  }),
  ...sessionEvents,
  ...trainingEvents,
} as const;

export type CallName = keyof typeof calls;
export type EventName = keyof typeof events;
export type Inputs = { [N in CallName]: z.output<(typeof calls)[N]['input']> };
export type Outputs = { [N in CallName]: z.output<(typeof calls)[N]['output']> };
export type Progresses = { [N in CallName]: z.output<(typeof calls)[N]['progress']> };
export type Events = { [N in EventName]: z.output<(typeof events)[N]> };

/** The schemas in a form that can be indexed by an unchecked name. */
export const callSchemas: {
  readonly [N in CallName]: {
    readonly input: z.ZodType<Inputs[N]>;
    readonly output: z.ZodType<Outputs[N]>;
    readonly progress: z.ZodType<Progresses[N]>;
  };
} = { ...calls };
export const eventSchemas: { readonly [N in EventName]: z.ZodType<Events[N]> } = { ...events };

export type Photo = z.infer<typeof photoSchema>;
export type PhotoFacts = z.infer<typeof photoFactsSchema>;
export type Folder = z.infer<typeof folderSchema>;
export type Development = z.infer<typeof developmentSchema>;
export type Queue = z.infer<typeof queueSchema>;
export type QueueItem = Queue['items'][number];
export type ModelSummary = z.infer<typeof modelSchema>;
export type DeviceVerdict = z.infer<typeof verdictSchema>;
export type ContractFailure = z.infer<typeof failureSchema>;
