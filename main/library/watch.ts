/** Notices when a folder changes, disappears, or comes back. */

import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface FolderEvents {
  changed(): void;
  gone(): void;
  back(): void;
}

/** Copying from a card creates files in bursts, and programs save in several steps. */
const settleMs = 250;
/** Systems report neither a removed disk nor changes on network shares. */
const pollMs = 2000;

export class FolderWatch {
  readonly #folder: string;
  readonly #subfolders: boolean;
  readonly #events: FolderEvents;
  readonly #poll: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #isThere = true;
  #modifiedMs: number | undefined;
  #isClosed = false;

  constructor(folder: string, subfolders: boolean, events: FolderEvents) {
    this.#folder = folder;
    this.#subfolders = subfolders;
    this.#events = events;
    this.#watch();
    this.#poll = setInterval(() => {
      void this.#look();
    }, pollMs);
    this.#poll.unref();
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    this.#watcher?.close();
  }

  #watch(): void {
    try {
      this.#watcher = watch(
        this.#folder,
        { recursive: this.#subfolders, persistent: false },
        () => {
          this.#settle();
        },
      );
      this.#watcher.on('error', () => {
        this.#watcher?.close();
        this.#watcher = undefined;
      });
    } catch {
      // Some file systems cannot be watched; then polling alone has to do.
    }
  }

  #settle(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      void this.#look(true);
    }, settleMs);
    this.#settling.unref();
  }

  async #look(isTold = false): Promise<void> {
    const found = await stat(this.#folder).catch(() => undefined);
    if (this.#isClosed) return;
    const isThere = found?.isDirectory() === true;
    const modifiedMs = found?.mtimeMs;
    const isNew = this.#modifiedMs !== undefined && modifiedMs !== this.#modifiedMs;
    this.#modifiedMs = modifiedMs ?? this.#modifiedMs;
    if (!isThere && this.#isThere) {
      this.#isThere = false;
      this.#watcher?.close();
      this.#events.gone();
    } else if (isThere && !this.#isThere) {
      this.#isThere = true;
      this.#watch();
      this.#events.back();
    } else if (isThere && (isTold || isNew)) {
      this.#events.changed();
    }
  }
}
