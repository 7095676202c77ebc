/** Remembers which photos have been exported, and with which edits. */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { Edits } from '../../preload/contract/edits.ts';
import { JsonFile } from '../base/json-file.ts';

/** Photo id → digest of the edits it was exported with. */
const marksSchema = z.record(z.string(), z.string());

/** Losing the marks of the last second in a power cut does little harm. */
const writeDelayMs = 1000;

export class ExportMarks {
  readonly #file: JsonFile<Record<string, string>>;
  readonly #marks: Map<string, string>;
  #timer: NodeJS.Timeout | undefined;

  private constructor(file: JsonFile<Record<string, string>>, marks: Record<string, string>) {
    this.#file = file;
    this.#marks = new Map(Object.entries(marks));
  }

  static async open(folder: string): Promise<ExportMarks> {
    const file = new JsonFile(path.join(folder, 'exported.json'), marksSchema, {});
    return new ExportMarks(file, await file.read());
  }

  isExported(photo: string, edits: Edits): boolean {
    return this.#marks.get(photo) === digestOf(edits);
  }

  mark(photo: string, edits: Edits): void {
    this.#marks.set(photo, digestOf(edits));
    this.#timer ??= setTimeout(() => void this.flush(), writeDelayMs);
    this.#timer.unref();
  }

  async flush(): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#file.write(Object.fromEntries(this.#marks)).catch(() => undefined);
  }
}

function digestOf(edits: Edits): string {
  return createHash('sha256').update(JSON.stringify(edits)).digest('hex').slice(0, 16);
}
