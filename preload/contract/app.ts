/** Calls about the app itself: its version, its licences, its errors, and quitting. */

import { z } from 'zod';
import { call, none, nothing } from './call.ts';

/** Limit for the description of an error in the page. */
export const reportCharactersMax = 8000;

export const appCalls = {
  'app.info': call(
    nothing,
    z.object({
      version: z.string(),
      host: z.enum(['electron', 'headless']),
      platform: z.string(),
      /**
       * Whether `library.chooseFolder` and `models.choose` open a dialog; otherwise use
       * `library.browse`.
       */
      hasDialogs: z.boolean(),
      /** Whether `library.trash` moves photos to the system's trash. */
      canTrash: z.boolean(),
      /** A folder named on the command line or by the system. */
      startFolder: z.string().optional(),
      /** Path of the error log. */
      logFile: z.string(),
      /**
       * Whether the setting `updates` has an effect, which is only so in a released desktop app.
       */
      canUpdate: z.boolean(),
    }),
    none,
  ),
  'app.licences': call(
    nothing,
    z.object({
      components: z.array(
        z.object({ name: z.string(), version: z.string(), licence: z.string(), text: z.string() }),
      ),
    }),
    none,
  ),
  /** Logs an error of the page. */
  'app.report': call(z.strictObject({ stack: z.string().max(reportCharactersMax) }), nothing, none),
  'app.quit': call(nothing, nothing, none),
} as const;
