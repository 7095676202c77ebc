/** Calls about the app itself: what it is, whose work is in it, its errors, its end. */

import { z } from 'zod';
import { call, none, nothing } from './call.ts';

/** Longest account of an error in the page. */
export const reportCharactersMax = 8000;

export const appCalls = {
  'app.info': call(
    nothing,
    z.object({
      version: z.string(),
      host: z.enum(['electron', 'headless']),
      platform: z.string(),
      /** Whether `library.chooseFolder` and `models.choose` open a dialog; else `library.browse`. */
      hasDialogs: z.boolean(),
      /** A folder named on the command line or by the system. */
      startFolder: z.string().optional(),
      /** Where errors are kept. */
      logFile: z.string(),
      /** Whether the setting `updates` has an effect: only in the packed desktop app of a release. */
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
  /** An error of the page's own, for the log. */
  'app.report': call(z.strictObject({ stack: z.string().max(reportCharactersMax) }), nothing, none),
  'app.quit': call(nothing, nothing, none),
} as const;
