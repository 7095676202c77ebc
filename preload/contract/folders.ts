/** Calls that find a folder to open: the recent ones, a dialog, the sample, and the window's own chooser. */

import { z } from 'zod';
import { call, none, nothing, pathSchema } from './call.ts';

export const folderCalls = {
  'library.recent': call(
    nothing,
    z.object({
      folders: z.array(z.object({ path: z.string(), name: z.string(), isThere: z.boolean() })),
    }),
    none,
  ),
  'library.forgetRecent': call(z.strictObject({ path: pathSchema }), nothing, none),
  /** The path is undefined if the user closed the dialog. Refused if `hasDialogs` is false. */
  'library.chooseFolder': call(nothing, z.object({ path: z.string().optional() }), none),
  /** A folder with a sample night shot in the app's own data; created if missing. */
  'library.sample': call(nothing, z.object({ path: z.string() }), none),
  /** The subfolders of a folder, for the window's own chooser. Without a path: where to start. */
  'library.browse': call(
    z.strictObject({ path: pathSchema.optional() }),
    z.object({
      path: z.string().optional(),
      parent: z.string().optional(),
      folders: z.array(z.object({ name: z.string(), path: z.string() })),
      /** Number of RAW photos directly in it. */
      photos: z.number().int(),
    }),
    none,
  ),
} as const;
