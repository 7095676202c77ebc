/**
 * Who may use the served app: one-time links, and the sessions of the windows that came in by them.
 * Nothing is kept on disk, so a restart of the program ends every session.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { Session as SessionSummary } from '../../preload/contract/sessions.ts';

/** Session as the server sees it. */
export interface Session {
  /** Public: what lists call it. */
  readonly id: string;
  /** Aborted when it is ended: sockets and requests of the session stop. */
  readonly ended: AbortSignal;
}

/** What opens the app once. */
export interface Link {
  /** 64 hexadecimal digits. */
  readonly token: string;
  /** Settles when the token opens nothing any more, used or not. */
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

/** More windows than anybody opens; beyond that, the closed one that was seen longest ago makes room. */
const sessionsMax = 32;
/** Beyond that, the oldest link is void. */
const linksMax = 8;

export class Sessions {
  readonly #onChange: () => void;
  /** By the SHA-256 of the token: memory holds nothing that opens the app. */
  readonly #links = new Map<string, () => void>();
  /** By the SHA-256 of the secret, in the order in which they came. */
  readonly #entries = new Map<string, Entry>();

  /** @param onChange told when `list` gives something else, times aside */
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
   * Trades a token for a session.
   * @param userAgent header of the browser that asks
   * @returns the secret that its requests have to show from now on, 64 hexadecimal digits, and the
   * browser in words; undefined if the token opens nothing, or if too many windows are connected
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

  /** The session that a request shows the secret of; it counts as seen. */
  find(secret: string | undefined): Session | undefined {
    const entry = secret === undefined ? undefined : this.#entries.get(digestOf(secret));
    if (entry === undefined) return undefined;
    entry.lastSeenMs = Date.now();
    return { id: entry.id, ended: entry.ending.signal };
  }

  /** @returns to be called when the window's socket is closed */
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

  /** Links too: whoever is put out may have made one to come back by. */
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

/** In the order in which they are looked for: most browsers name others besides themselves. */
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

/** A browser in words of our own: the header may hold anything, and is shown in a terminal. */
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
