/** The log of a run: one JSON object a line, each with its time. */

import { appendFile, open } from 'node:fs/promises';
import type { RunEvent } from './events.ts';

/** Appends events in order. A failed write never ends a run. */
export class RunLog {
  readonly #file: string;
  #written: Promise<void>;
  /** Whether the last line may be cut off, after a power cut or on a full disk. */
  #isTorn = false;

  constructor(file: string) {
    this.#file = file;
    this.#written = this.#look();
  }

  write(event: RunEvent): void {
    const text = `${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`;
    this.#written = this.#written.then(() => this.#append(text));
  }

  /** Waits until everything is on disk. */
  async end(): Promise<void> {
    await this.#written;
  }

  async #append(text: string): Promise<void> {
    try {
      await appendFile(this.#file, this.#isTorn ? `\n${text}` : text);
      this.#isTorn = false;
    } catch {
      this.#isTorn = true;
    }
  }

  async #look(): Promise<void> {
    try {
      const file = await open(this.#file, 'r');
      try {
        const { size } = await file.stat();
        const last = Buffer.alloc(1);
        if (size > 0) await file.read(last, 0, 1, size - 1);
        this.#isTorn = size > 0 && last.toString() !== '\n';
      } finally {
        await file.close();
      }
    } catch {
      // There is no log yet.
    }
  }
}
