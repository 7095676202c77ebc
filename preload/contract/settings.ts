/** The user's settings for all photos: the same schema in the desktop app and headless. */

import { z } from 'zod';
import { editGroups, editGroupSchema } from './edits.ts';
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

export const settingsSchema = z.strictObject({
  theme: z.enum(['dark', 'light', 'system']),
  exportChoice: exportChoiceSchema,
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
  /** Id of a shipped or imported model. */
  model: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/),
  /** Models for the photos of single cameras, by a photo's `camera`. */
  cameraModels: z
    .record(z.string().min(1).max(200), z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/))
    .refine((models) => Object.keys(models).length <= 200, 'expected at most 200 cameras'),
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

export const defaultSettings: Settings = {
  theme: 'dark',
  exportChoice: {
    output: { format: 'tiff', bits: 16, compression: 'deflate' },
    space: 'srgb',
    template: '{name}',
    onConflict: 'rename',
  },
  creator: '',
  copyright: '',
  tileCacheBytes: 512e6,
  thumbnailBytes: 1e9,
  thumbnailFolder: '',
  device: 'auto',
  threads: 0,
  model: 'fast',
  cameraModels: {},
  pasteGroups: ['ratio', 'strength', 'whiteBalance', 'tone'],
  subfolders: false,
  mergesBursts: false,
  updates: false,
  hintsSeen: [],
};

/**
 * The model for photos of a camera.
 * @param camera from a photo's facts, if known
 */
export function modelFor({ model, cameraModels }: Settings, camera: string | undefined): string {
  if (camera === undefined || !Object.hasOwn(cameraModels, camera)) return model;
  return cameraModels[camera] ?? model;
}
