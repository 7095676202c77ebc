/**
 * The log file: errors with their stacks, stored where the user can find them, in at most two
 * files.
 */

import { appendFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** The part of the app that an entry is about. */
export type LogSource = 'app' | 'page' | 'child' | 'update';

/** A full file is renamed to `nightglass.old.log`, replacing the previous one. */
const fileBytesMax = 1_000_000;

/** Limit for one entry, so that a very long error does not push out the others. */
const entryCharactersMax = 8000;

export class Log {
  readonly file: string;
  readonly #older: string;

  /** @param folder of the app's data; created with the first entry */
  constructor(folder: string) {
    this.file = path.join(folder, 'logs', 'nightglass.log');
    this.#older = path.join(folder, 'logs', 'nightglass.old.log');
  }

  /**
   * Writes an entry synchronously, because the process may be about to end. Never throws: a full
   * disk must not make an error worse.
   * @param what an error, whose stack is logged, or a text; no contents of photos
   */
  write(source: LogSource, what: unknown): void {
    const words = wordsOf(what).slice(0, entryCharactersMax).replaceAll('\n', '\n    ');
    try {
      mkdirSync(path.dirname(this.file), { recursive: true });
      this.#makeRoom();
      appendFileSync(this.file, `${new Date().toISOString()} ${source}: ${words}\n`, {
        mode: 0o600,
      });
    } catch {
      // There is nowhere left to report it.
    }
  }

  /**
   * Creates the file if necessary.
   * @returns its path
   */
  touch(): string {
    if (!existsSync(this.file)) this.write('app', 'no errors so far');
    return this.file;
  }

  /** Logs errors that would end this process, and leaves the ending to Node. */
  watchProcess(source: LogSource): void {
    process.on('uncaughtExceptionMonitor', (error) => {
      this.write(source, error);
    });
  }

  #makeRoom(): void {
    const bytes = statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes >= fileBytesMax) renameSync(this.file, this.#older);
  }
}

function wordsOf(what: unknown): string {
  if (!(what instanceof Error)) return String(what);
  const cause = what.cause === undefined ? '' : `\ncaused by ${wordsOf(what.cause)}`;
  return (what.stack ?? what.message) + cause;
}
