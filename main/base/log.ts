/** The log file: errors with their stacks, kept where the user can find them, never more than two files. */

import { appendFileSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

/** Which part of the app an entry is about. */
export type LogSource = 'app' | 'page' | 'child' | 'update';

/** A full file becomes `nightglass.old.log`, in the place of the one before. */
const fileBytesMax = 1_000_000;

/** An error that repeats itself in its own words must not push the others out. */
const entryCharactersMax = 8000;

export class Log {
  readonly file: string;
  readonly #older: string;

  /** @param folder the app's own data; made with the first entry */
  constructor(folder: string) {
    this.file = path.join(folder, 'logs', 'nightglass.log');
    this.#older = path.join(folder, 'logs', 'nightglass.old.log');
  }

  /**
   * Adds an entry before it returns, because the process may be about to end. Never throws: a full disk
   * must not make an error worse.
   * @param what an error, whose stack is kept, or words; no contents of photos
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

  /** Makes sure that there is a file to look at. @returns where it is */
  touch(): string {
    if (!existsSync(this.file)) this.write('app', 'no errors so far');
    return this.file;
  }

  /** Records what would end this process, and leaves the ending to Node. */
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
