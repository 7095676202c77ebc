/**
 * The contract's part about windows connected to the served app: listing, ending and admitting
 * them.
 */

import { z } from 'zod';
import { call, none, nothing } from './call.ts';

/**
 * The protocol of the served app's socket, offered first. The second one offered is the session's
 * secret.
 */
export const wireProtocol = 'nightglass';

/** Close code of a socket whose session was ended by the owner. */
export const sessionEndedCode = 4001;

/** Identifies a session to the owner; it does not open anything. */
const sessionIdSchema = z.string().regex(/^[0-9a-f]{16}$/);

/** A browser window (or a tab and its duplicates) that came in by a one-time link. */
const sessionSchema = z.object({
  id: sessionIdSchema,
  /** The browser and its system, in words: "Chromium 156 on Linux". */
  agent: z.string(),
  /** Milliseconds since 1970 by the clock of the app's computer. */
  startedMs: z.number(),
  lastSeenMs: z.number(),
  /** False while its window is closed or being reloaded. */
  isConnected: z.boolean(),
});

const sessionsSchema = z.array(sessionSchema);

/**
 * Refused with `bad-argument` if the app is not served, because a desktop app has only its own
 * window.
 */
export const sessionCalls = {
  'sessions.read': call(
    nothing,
    z.object({
      /** The session of the asking window. */
      own: sessionIdSchema,
      /** In order of arrival. */
      sessions: sessionsSchema,
    }),
    none,
  ),
  /** Disconnects a window for good, and invalidates every unused link. */
  'sessions.end': call(z.strictObject({ session: sessionIdSchema }), nothing, none),
  /** The same for every window but the asking one. */
  'sessions.endOthers': call(nothing, nothing, none),
  /** Makes a link that lets in one more window, once. */
  'sessions.newLink': call(nothing, z.object({ address: z.string() }), none),
} as const;

export const sessionEvents = {
  /** A window connected, was closed, came back or was ended. */
  'sessions.changed': z.object({ sessions: sessionsSchema }),
} as const;

export type Session = z.infer<typeof sessionSchema>;
