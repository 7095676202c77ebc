/** The contract's part about the windows that are connected to the served app: seen, ended and let in. */

import { z } from 'zod';
import { call, none, nothing } from './call.ts';

/** What the served app's socket speaks: the first offered protocol. The second is the session's secret. */
export const wireProtocol = 'nightglass';

/** Close code of a socket whose session was ended by the owner. */
export const sessionEndedCode = 4001;

/** Names a session to the owner; it opens nothing. */
const sessionIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** One browser window (or a tab and its duplicates) that came in by a one-time link. */
const sessionSchema = z.object({
  id: sessionIdSchema,
  /** The browser and its system, in words: "Chromium 156 on Linux". */
  agent: z.string(),
  /** Milliseconds since 1970, by the clock of the app's computer. */
  startedMs: z.number(),
  lastSeenMs: z.number(),
  /** False while its window is closed, or is being reloaded. */
  isConnected: z.boolean(),
});

const sessionsSchema = z.array(sessionSchema);

/** Refused with `bad-argument` where the app is not served: a desktop window has no neighbours. */
export const sessionCalls = {
  'sessions.read': call(
    nothing,
    z.object({
      /** The one that asks. */
      own: sessionIdSchema,
      /** In the order in which they came. */
      sessions: sessionsSchema,
    }),
    none,
  ),
  /** Disconnects a window for good and voids every link that was not used yet. */
  'sessions.end': call(z.strictObject({ session: sessionIdSchema }), nothing, none),
  /** The same for every window but the one that asks. */
  'sessions.endOthers': call(nothing, nothing, none),
  /** A link that lets in one more window, once. */
  'sessions.newLink': call(nothing, z.object({ address: z.string() }), none),
} as const;

export const sessionEvents = {
  /** A window came, was closed, came back or was ended. */
  'sessions.changed': z.object({ sessions: sessionsSchema }),
} as const;

export type Session = z.infer<typeof sessionSchema>;
