/**
 * Controls access to the served app: one-time links, and the sessions of the windows that came in
 * by them. Nothing is stored on disk, so a restart of the program ends every session.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { Session as SessionSummary } from '../../preload/contract/sessions.ts';

/** A session, as the server sees it. */
export interface Session {
  /** Public name of the session, used in lists. */
  readonly id: string;
  /** Aborted when the session is ended, which stops its sockets and requests. */
  readonly ended: AbortSignal;
}

/** A link that opens the app once. */
export interface Link {
  /** 64 hexadecimal digits. */
  readonly token: string;
  /** Resolves when the token no longer works, used or not. */
  readonly spent: Promise<void>;
}

interface Entry {
  readonly id: string;
  readonly agent: string;
  readonly startedMs: number;
  readonly ending: AbortController;
  lastSeenMs: number;
  sockets: number;
}

/**
 * More windows than anybody opens. Beyond that, the closed window unused for longest makes room.
 */
const sessionsMax = 32;
/** Beyond that, the oldest link becomes invalid. */
const linksMax = 8;

export class Sessions {
  readonly #onChange: () => void;
  /** Keyed by the SHA-256 of the token, so that nothing in memory opens the app. */
  readonly #links = new Map<string, () => void>();
  /** Keyed by the SHA-256 of the secret, in order of arrival. */
  readonly #entries = new Map<string, Entry>();

  /** @param onChange called when the result of `list` changes, except for times */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  newLink(): Link {
    const token = randomBytes(32).toString('hex');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#links.set(digestOf(token), resolve);
    if (this.#links.size > linksMax) {
      const [oldest] = this.#links.keys();
      if (oldest !== undefined) this.#voidLink(oldest);
    }
    return { token, spent: promise };
  }

  /**
   * Exchanges a token for a session.
   * @param userAgent header of the requesting browser
   * @returns the secret that its further requests must send, 64 hexadecimal digits, and a
   *   description of the browser; undefined if the token is invalid or too many windows are
   *   connected
   */
  enter(
    token: string,
    userAgent: string | undefined,
  ): { readonly secret: string; readonly agent: string } | undefined {
    const link = digestOf(token);
    if (!this.#links.has(link) || !this.#makeRoom()) return undefined;
    this.#voidLink(link);
    const secret = randomBytes(32).toString('hex');
    const agent = agentWords(userAgent);
    const nowMs = Date.now();
    this.#entries.set(digestOf(secret), {
      id: randomBytes(8).toString('hex'),
      agent,
      startedMs: nowMs,
      lastSeenMs: nowMs,
      ending: new AbortController(),
      sockets: 0,
    });
    this.#onChange();
    return { secret, agent };
  }

  /** The session with a request's secret; this counts as a sign of life. */
  find(secret: string | undefined): Session | undefined {
    const entry = secret === undefined ? undefined : this.#entries.get(digestOf(secret));
    if (entry === undefined) return undefined;
    entry.lastSeenMs = Date.now();
    return { id: entry.id, ended: entry.ending.signal };
  }

  /** @returns a function to call when the window's socket is closed */
  connected({ id }: Session): () => void {
    const entry = this.#entryOf(id)?.[1];
    if (entry === undefined) return () => undefined;
    entry.sockets += 1;
    this.#onChange();
    return () => {
      entry.sockets -= 1;
      entry.lastSeenMs = Date.now();
      this.#onChange();
    };
  }

  get list(): SessionSummary[] {
    return Array.from(this.#entries.values(), (entry) => ({
      id: entry.id,
      agent: entry.agent,
      startedMs: entry.startedMs,
      lastSeenMs: entry.sockets > 0 ? Date.now() : entry.lastSeenMs,
      isConnected: entry.sockets > 0,
    }));
  }

  /** @returns false if there is no such session */
  end(id: string): boolean {
    const found = this.#entryOf(id);
    if (found === undefined) return false;
    this.#endAll([found]);
    return true;
  }

  endOthers(own: string): void {
    this.#endAll([...this.#entries].filter(([, { id }]) => id !== own));
  }

  /** Ends links too, because a window that is thrown out may have made one to return by. */
  #endAll(ended: readonly (readonly [string, Entry])[]): void {
    for (const link of this.#links.keys()) this.#voidLink(link);
    for (const [digest, { ending }] of ended) {
      this.#entries.delete(digest);
      ending.abort();
    }
    this.#onChange();
  }

  #voidLink(link: string): void {
    this.#links.get(link)?.();
    this.#links.delete(link);
  }

  #makeRoom(): boolean {
    if (this.#entries.size < sessionsMax) return true;
    const closed = [...this.#entries].filter(([, { sockets }]) => sockets === 0);
    const [oldest] = closed.sort(([, a], [, b]) => a.lastSeenMs - b.lastSeenMs);
    if (oldest === undefined) return false;
    this.#entries.delete(oldest[0]);
    oldest[1].ending.abort();
    return true;
  }

  #entryOf(id: string): readonly [string, Entry] | undefined {
    return [...this.#entries].find(([, entry]) => entry.id === id);
  }
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** In the order they are tested, because most browsers also name others. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\/(\d{1,4})/, 'Edge'],
  [/\bOPR\/(\d{1,4})/, 'Opera'],
  [/\bFirefox\/(\d{1,4})/, 'Firefox'],
  [/\b(?:Headless)?Chrome\/(\d{1,4})/, 'Chromium'],
  [/\bVersion\/(\d{1,4})\S* (?:Mobile\/\S+ )?Safari\//, 'Safari'],
];

const systems: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/**
 * Describes a browser in our own words, because the header may contain anything and is printed on a
 * terminal.
 */
function agentWords(userAgent = ''): string {
  let browser = 'An unknown program';
  for (const [pattern, name] of browsers) {
    const version = pattern.exec(userAgent)?.[1];
    if (version === undefined) continue;
    browser = `${name} ${version}`;
    break;
  }
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}
