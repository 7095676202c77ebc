/** The user's settings for all photos: the same schema in the desktop app and headless. */

import { z } from 'zod';
import { editGroups, editGroupSchema, editsSchema } from './edits.ts';
import {
  conflictPolicySchema,
  creditSchema,
  deviceChoiceSchema,
  outputSchema,
  privacySchema,
  spaceSchema,
} from './choices.ts';

/** Tokens of a template; all other characters are literal. */
export const templateTokens = ['name', 'date', 'time', 'camera', 'iso', 'number'] as const;

/** For example `{name}-bright`. Slashes are not allowed, so that pictures stay in their folder. */
export const templateSchema = z
  .string()
  .min(1)
  .max(120)
  .regex(/^[^/\\:*?"<>|\p{Cc}]+$/u, 'expected a file name without / \\ : * ? " < > |');

/**
 * Limit for the longer side in pixels; the picture is never enlarged. If absent, it keeps its size.
 */
const longSideSchema = z.number().int().min(64).max(60_000);

export const exportChoiceSchema = z.strictObject({
  output: outputSchema,
  space: spaceSchema,
  longSide: longSideSchema.optional(),
  template: templateSchema,
  /** Folder for pictures; if absent, the folder `Nightglass` beside the photos. */
  folder: z.string().min(1).max(4096).optional(),
  onConflict: conflictPolicySchema,
  /** Absent: the picture keeps all that the photo says. */
  privacy: privacySchema.optional(),
});

export const presetNameMax = 60;
const presetNameSchema = z.string().trim().min(1).max(presetNameMax);

/** A way to export that has a name. */
export const exportPresetSchema = z.strictObject({
  name: presetNameSchema,
  choice: exportChoiceSchema,
});

/** One of the ways in which photos are exported at once: a preset, or a choice for this once. */
export const exportOrderSchema = z.strictObject({
  /** Absent: the choice is no preset's, or differs from it. */
  preset: presetNameSchema.optional(),
  choice: exportChoiceSchema,
});

const exportPresetsMax = 40;
export const editPresetsMax = 40;
/** How many presets are written for each photo at once. */
export const ordersMax = 10;

export const settingsSchema = z.strictObject({
  theme: z.enum(['dark', 'light', 'system']),
  exportPresets: z
    .array(exportPresetSchema)
    .min(1)
    .max(exportPresetsMax)
    .refine(haveOwnNames, 'expected presets with different names'),
  /** Names of the presets that one click on Export uses: see `oneClickPresets`. */
  oneClick: z.array(presetNameSchema).max(ordersMax),
  /** Written into every export. '': what the photo itself says. */
  creator: creditSchema,
  copyright: creditSchema,
  /** Memory for developed tiles, bytes. */
  tileCacheBytes: z.number().int().min(64e6).max(16e9),
  /** Disk space for thumbnails, bytes; 0 stores none. */
  thumbnailBytes: z.number().int().min(0).max(100e9),
  /** Folder for thumbnails; '' is the app's own data. */
  thumbnailFolder: z.string().max(4096),
  device: deviceChoiceSchema,
  /** Processor threads of the network; 0: all. */
  threads: z.number().int().min(0).max(256),
  /** Id of the model for photos that have none of their own: see `photoModel`. */
  model: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  /** The same for the photos of single cameras, by a photo's `camera`. */
  cameraModels: z
    .record(z.string().min(1).max(200), z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/))
    .refine((models) => Object.keys(models).length <= 200, 'expected at most 200 cameras'),
  /** The user's own presets of edits; those of the program stand in `edit-presets.ts`. */
  editPresets: z
    .array(z.strictObject({ name: presetNameSchema, edits: editsSchema.partial() }))
    .max(editPresetsMax)
    .refine(haveOwnNames, 'expected presets with different names'),
  /** Which edits are pasted: the choice of the last time. */
  pasteGroups: z.array(editGroupSchema).max(editGroups.length),
  subfolders: z.boolean(),
  /** Whether Enhance all merges bursts: the choice of the last time. */
  mergesBursts: z.boolean(),
  /** Whether to look for new versions, which is the app's only network access. Desktop app only. */
  updates: z.boolean(),
  /** Hints that the user has closed. */
  hintsSeen: z.array(z.string().max(40)).max(40),
});

/** Any part of the settings. */
export const settingsPatchSchema = settingsSchema.partial();

export type Settings = z.infer<typeof settingsSchema>;
export type SettingsPatch = z.infer<typeof settingsPatchSchema>;
export type ExportChoice = z.infer<typeof exportChoiceSchema>;
export type OutputChoice = z.infer<typeof outputSchema>;
export type ExportPreset = z.infer<typeof exportPresetSchema>;
export type ExportOrder = z.infer<typeof exportOrderSchema>;

export const defaultExportChoice: ExportChoice = {
  output: { format: 'tiff', bits: 16, compression: 'deflate' },
  space: 'srgb',
  template: '{name}',
  onConflict: 'rename',
};

export const defaultExportPresets: readonly [ExportPreset, ...ExportPreset[]] = [
  { name: 'Archive TIFF', choice: defaultExportChoice },
  {
    name: 'Web JPEG',
    choice: {
      ...defaultExportChoice,
      output: { format: 'jpeg', quality: 88 },
      longSide: 2048,
      template: '{name}-web',
      privacy: 'no-location',
    },
  },
  {
    name: 'Full-size JPEG',
    choice: { ...defaultExportChoice, output: { format: 'jpeg', quality: 95 } },
  },
  { name: 'Linear DNG', choice: { ...defaultExportChoice, output: { format: 'dng' } } },
];

export const defaultSettings: Settings = {
  theme: 'dark',
  exportPresets: [...defaultExportPresets],
  oneClick: [defaultExportPresets[0].name],
  creator: '',
  copyright: '',
  tileCacheBytes: 512e6,
  thumbnailBytes: 1e9,
  thumbnailFolder: '',
  device: 'auto',
  threads: 0,
  model: 'fast',
  cameraModels: {},
  editPresets: [],
  pasteGroups: ['model', 'ratio', 'strength', 'whiteBalance', 'tone'],
  subfolders: false,
  mergesBursts: false,
  updates: false,
  hintsSeen: [],
};

/** The presets of one click and of Enhance all, at least one. */
export function oneClickPresets({ exportPresets, oneClick }: Settings): readonly ExportPreset[] {
  const chosen = exportPresets.filter(({ name }) => oneClick.includes(name));
  return chosen.length > 0 ? chosen : exportPresets.slice(0, 1);
}

/** Names that differ only in case would be confused. */
function haveOwnNames(presets: readonly { readonly name: string }[]): boolean {
  return new Set(presets.map(({ name }) => name.toLowerCase())).size === presets.length;
}

/**
 * The default model for photos of a camera.
 * @param camera from a photo's facts, if known
 */
export function modelFor({ model, cameraModels }: Settings, camera: string | undefined): string {
  if (camera === undefined || !Object.hasOwn(cameraModels, camera)) return model;
  return cameraModels[camera] ?? model;
}
