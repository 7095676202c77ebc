/** Every call and event between the window and the main process, with what each takes and gives. */

import { z } from 'zod';
import { appCalls } from './app.ts';
import { call, failureSchema, modelIdSchema, none, nothing, pathSchema } from './call.ts';
import { deviceSchema, spaceSchema } from './choices.ts';
import { editsSchema, whiteBalanceSchema } from './edits.ts';
import {
  exportChoiceSchema,
  settingsPatchSchema,
  settingsSchema,
  templateSchema,
} from './settings.ts';
import { sessionCalls, sessionEvents } from './sessions.ts';
import { trainingCalls, trainingEvents } from './training.ts';
import { undoCalls, undoEvents } from './undo.ts';

/** Handed out by the main process; a photo that was not opened has none. */
export const photoIdSchema = z.string().regex(/^[0-9a-f]{24}$/);
const photoIdsSchema = z.array(photoIdSchema).min(1).max(100_000);
const vector3Schema = z.tuple([z.number(), z.number(), z.number()]);
/** 3×3, row-major. */
const matrix3Schema = z.tuple([
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
  z.number(), z.number(), z.number(),
]); // prettier-ignore

/** What is known once the file has been looked into. */
export const photoFactsSchema = z.object({
  camera: z.string().optional(),
  lens: z.string().optional(),
  iso: z.number().optional(),
  exposureSeconds: z.number().optional(),
  aperture: z.number().optional(),
  focalLengthMm: z.number().optional(),
  /** `YYYY-MM-DDTHH:MM:SS`, the camera's clock. */
  takenAt: z.string().optional(),
  /** Of the upright picture, before quarter-turns and crop. */
  width: z.number(),
  height: z.number(),
  autoRatio: z.number(),
});

export const photoSchema = z.object({
  id: photoIdSchema,
  name: z.string(),
  /** Folder relative to the opened one; '' for the folder itself. */
  subfolder: z.string(),
  bytes: z.number(),
  modifiedMs: z.number(),
  state: z.enum(['new', 'edited', 'exported', 'failed']),
  /** Why, where the state is `failed`. */
  failure: z.string().optional(),
  rating: z.number().int().min(0).max(5),
  /** Changes with the file and its edits: part of the thumbnails' addresses. */
  stamp: z.string(),
  facts: photoFactsSchema.optional(),
});

export const folderSchema = z.object({
  path: z.string(),
  name: z.string(),
  subfolders: z.boolean(),
  /** False while the folder or its disk is away. */
  isThere: z.boolean(),
  /** False where edits go to the app's own data instead of beside the photos. */
  isWritable: z.boolean(),
});

/** One size of the picture that tiles are cut from; level n is 1 / 2ⁿ of the frame. */
const levelSchema = z.object({
  level: z.number().int(),
  /** In this level's pixels, of the grid the tiles are counted on. */
  width: z.number().int(),
  height: z.number().int(),
});

export const developmentSchema = z.object({
  photo: photoIdSchema,
  /** Of the frame as stored; see `orientation`. */
  width: z.number().int(),
  height: z.number().int(),
  /** EXIF 1–8: what makes the stored frame upright. */
  orientation: z.number().int().min(1).max(8),
  /** Where the frame begins on the grid of tiles, in level-0 pixels: 0 or 1 each. */
  origin: z.object({ x: z.number().int(), y: z.number().int() }),
  /** Sides of a tile in pixels of its level; the last ones of a row or column are smaller. */
  tileSide: z.number().int(),
  /** Full size first. */
  levels: z.array(levelSchema).min(1),
  /** The level to show first: the whole picture in a few tiles. */
  coarseLevel: z.number().int(),
  /** What the network was shown; tiles have it in them. Green is 1. */
  networkGains: vector3Schema,
  /** Light at which the sensor is full, at ratio 1; other than 1 where the file asks for an exposure. */
  clipping: z.number(),
  asShot: z.object({ kelvin: z.number(), tint: z.number() }),
  autoRatio: z.number(),
  /** Variance of a normalised (black 0, white 1) sample x: slope · x + offset. */
  noise: z.object({ slope: z.number(), offset: z.number(), source: z.string() }),
  /** White-balanced camera RGB → linear RGB, and luminance of that RGB, for each space. */
  matrices: z.record(
    spaceSchema,
    z.object({ cameraToOutput: matrix3Schema, luminance: vector3Schema }),
  ),
  facts: photoFactsSchema,
});

export const queueItemSchema = z.object({
  id: z.string(),
  photo: photoIdSchema,
  name: z.string(),
  state: z.enum(['waiting', 'working', 'done', 'skipped', 'failed', 'cancelled']),
  stage: z.enum(['decode', 'network', 'encode']).optional(),
  tilesDone: z.number(),
  tilesTotal: z.number(),
  /** The finished picture's. */
  path: z.string().optional(),
  failure: failureSchema.optional(),
});

export const queueSchema = z.object({
  isPaused: z.boolean(),
  /** Why the queue paused by itself: a disk that is full, say. */
  stoppedBy: z.string().optional(),
  items: z.array(queueItemSchema),
  /** Ended one way or another / all that are listed: "19 / 50". */
  ended: z.number().int(),
  total: z.number().int(),
  elapsedMs: z.number(),
  /** Absent until there is something to reckon from. */
  remainingMs: z.number().optional(),
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

/** Calls by name. Inputs are strict: what is not named here is refused. */
export const calls = {
  ...appCalls,

  'library.recent': call(
    nothing,
    z.object({
      folders: z.array(z.object({ path: z.string(), name: z.string(), isThere: z.boolean() })),
    }),
    none,
  ),
  'library.forgetRecent': call(z.strictObject({ path: pathSchema }), nothing, none),
  /** Undefined path: the user closed the dialog. Refused where `hasDialogs` is false. */
  'library.chooseFolder': call(nothing, z.object({ path: z.string().optional() }), none),
  /** A folder with a night shot to play with, in the app's own data; made where it is missing. */
  'library.sample': call(nothing, z.object({ path: z.string() }), none),
  /** The folders in a folder, for a chooser drawn by the window. Without a path: where to begin. */
  'library.browse': call(
    z.strictObject({ path: pathSchema.optional() }),
    z.object({
      path: z.string().optional(),
      parent: z.string().optional(),
      folders: z.array(z.object({ name: z.string(), path: z.string() })),
      /** RAW photos right in it. */
      photos: z.number().int(),
    }),
    none,
  ),
  /** Photos come with progress as they are found, and all of them with the answer. */
  'library.open': call(
    z.strictObject({ path: pathSchema, subfolders: z.boolean() }),
    z.object({ folder: folderSchema, photos: z.array(photoSchema) }),
    z.object({ photos: z.array(photoSchema) }),
  ),
  /** What is open now, after the window was reloaded. */
  'library.current': call(
    nothing,
    z.object({ folder: folderSchema.optional(), photos: z.array(photoSchema) }),
    none,
  ),
  /** Looks into photos for their facts; ask for the visible ones. Those that fail come as `failed`. */
  'library.describe': call(
    z.strictObject({ photos: photoIdsSchema.max(500) }),
    z.object({ photos: z.array(photoSchema) }),
    z.object({ photos: z.array(photoSchema) }),
  ),
  'library.rate': call(
    z.strictObject({ photos: photoIdsSchema, rating: z.number().int().min(0).max(5) }),
    nothing,
    none,
  ),
  'library.readEdits': call(
    z.strictObject({ photo: photoIdSchema }),
    z.object({ edits: editsSchema }),
    none,
  ),
  /** Any part of the edits, put on every photo named; the rest of each stays. */
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
  ...undoCalls,

  /** Decodes a photo and says everything that drawing it takes. */
  'develop.open': call(z.strictObject({ photo: photoIdSchema }), developmentSchema, none),
  /** Gets photos ready that may be opened next, while nothing else is asked for. */
  'develop.prepare': call(z.strictObject({ photos: photoIdsSchema.max(4) }), nothing, none),
  /** The gains of a choice. `balance` is what the shader multiplies tiles by: gains ÷ networkGains. */
  'develop.balance': call(
    z.strictObject({ photo: photoIdSchema, whiteBalance: whiteBalanceSchema }),
    z.object({ balance: vector3Schema, kelvin: z.number(), tint: z.number() }),
    none,
  ),
  /** The picker: the light that makes this colour of a tile (its linear RGB, averaged) grey. */
  'develop.pick': call(
    z.strictObject({ photo: photoIdSchema, colour: z.array(z.number()).length(3) }),
    z.object({ balance: vector3Schema, kelvin: z.number(), tint: z.number() }),
    none,
  ),

  /** Puts photos on the queue. The choice becomes the setting `exportChoice`. */
  'export.start': call(
    z.strictObject({ photos: photoIdsSchema, choice: exportChoiceSchema }),
    z.object({ queued: z.number().int() }),
    none,
  ),
  /** Those of the photos named that are not exported yet, with the last choice. */
  'export.enhance': call(
    z.strictObject({ photos: photoIdsSchema }),
    z.object({ queued: z.number().int() }),
    none,
  ),
  'export.exampleName': call(
    z.strictObject({ photo: photoIdSchema, template: templateSchema, choice: exportChoiceSchema }),
    z.object({ name: z.string() }),
    none,
  ),

  'queue.read': call(nothing, queueSchema, none),
  /** What is in the network goes on to its end; nothing new begins. */
  'queue.pause': call(nothing, nothing, none),
  'queue.resume': call(nothing, nothing, none),
  /** Those named, or all that have not ended. One at work stops within a tile. */
  'queue.cancel': call(
    z.strictObject({ items: z.array(z.string().max(64)).max(100_000).optional() }),
    nothing,
    none,
  ),
  /** Those named, or all that failed or were cancelled, once more. */
  'queue.retry': call(
    z.strictObject({ items: z.array(z.string().max(64)).max(100_000).optional() }),
    nothing,
    none,
  ),
  /** Takes what has ended off the list. */
  'queue.clear': call(nothing, nothing, none),
  /** Shows a finished picture in its folder. Refused where `hasDialogs` is false. */
  'queue.reveal': call(z.strictObject({ item: z.string().max(64) }), nothing, none),

  'settings.read': call(nothing, settingsSchema, none),
  'settings.write': call(settingsPatchSchema, settingsSchema, none),
  /** Thumbnails on the disk: where they are, and how many. */
  'thumbnails.read': call(
    nothing,
    z.object({ folder: z.string(), bytes: z.number(), files: z.number().int() }),
    none,
  ),
  'thumbnails.clear': call(nothing, nothing, none),
  /** Calls a fetch of pixels back, where its being aborted is not told: see `requestOf`. */
  'pixels.cancel': call(z.strictObject({ request: z.number().int().min(0) }), nothing, none),

  'models.list': call(nothing, z.object({ models: z.array(modelSchema) }), none),
  /** The path of a manifest or of the ONNX file beside one. */
  'models.import': call(z.strictObject({ path: pathSchema }), modelSchema, none),
  /** As `library.chooseFolder`, for `models.import`. */
  'models.choose': call(nothing, z.object({ path: z.string().optional() }), none),
  /** Where it was chosen, for all photos or a camera's, another one is from then on. */
  'models.remove': call(z.strictObject({ model: modelIdSchema }), nothing, none),
  /** Of one that did not come with the app. */
  'models.rename': call(
    z.strictObject({ model: modelIdSchema, name: z.string().trim().min(1).max(100) }),
    modelSchema,
    none,
  ),
  /** Copies a model's files into a folder, for another computer: what `models.import` takes. */
  'models.export': call(
    z.strictObject({ model: modelIdSchema, folder: pathSchema }),
    z.object({ path: z.string() }),
    none,
  ),
  /** Data, recipe, scores, licence, as Markdown. */
  'models.card': call(
    z.strictObject({ model: modelIdSchema }),
    z.object({ markdown: z.string() }),
    none,
  ),
  /** Tests every device with a real tile, or repeats what was found; minutes the first time. */
  'devices.test': call(
    z.strictObject({ isAfresh: z.boolean() }),
    z.object({ verdicts: z.array(verdictSchema) }),
    none,
  ),

  ...sessionCalls,
  ...trainingCalls,
} as const;

/** Events by name: what happened without being asked for. */
export const events = {
  'library.changed': z.object({
    appeared: z.array(photoSchema),
    updated: z.array(photoSchema),
    vanished: z.array(photoIdSchema),
  }),
  ...undoEvents,
  /** The folder went away, came back, or became read-only. */
  'library.folder': folderSchema,
  'queue.changed': queueSchema,
  'settings.changed': settingsSchema,
  /** Something was mended on the way, in plain words: the engine was restarted, say. */
  'app.trouble': z.object({ account: z.string() }),
  /** The menu, or the system: a folder to open. */
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

/** The schemas again, in a form that can be indexed by a name not yet known. */
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
export type QueueItem = z.infer<typeof queueItemSchema>;
export type ModelSummary = z.infer<typeof modelSchema>;
export type DeviceVerdict = z.infer<typeof verdictSchema>;
export type ContractFailure = z.infer<typeof failureSchema>;
