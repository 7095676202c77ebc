/**
 * A small JSON file of the app's data, checked by a schema and written atomically. The last write
 * wins.
 */

import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { writeAtomically } from './atomic.ts';
import { parseShallowJson } from './shallow-json.ts';
import { readSmallFile } from './small-file.ts';

/** A queue of ten thousand photos takes some megabytes. */
const bytesMax = 64 << 20;

export class JsonFile<T> {
  readonly #path: string;
  readonly #schema: z.ZodType<T>;
  readonly #fallback: T;
  #writing: Promise<void> = Promise.resolve();
  #next: { readonly value: T } | undefined;

  constructor(file: string, schema: z.ZodType<T>, fallback: T) {
    this.#path = file;
    this.#schema = schema;
    this.#fallback = fallback;
  }

  /** The file's content, or the fallback. What is no such file is set aside, not deleted. */
  async read(): Promise<T> {
    let bytes: Buffer | undefined;
    try {
      bytes = await readSmallFile(this.#path, bytesMax);
    } catch {
      return this.#fallback;
    }
    const value = bytes && this.#parse(bytes.toString());
    if (value !== undefined) return value;
    await rename(this.#path, `${this.#path}.damaged`).catch(() => undefined);
    return this.#fallback;
  }

  /**
   * Skips values that are replaced before they are written.
   * @throws Refusal `disk`
   */
  async write(value: T): Promise<void> {
    const isScheduled = this.#next !== undefined;
    this.#next = { value };
    if (!isScheduled)
      this.#writing = this.#writing.catch(() => undefined).then(() => this.#flush());
    return this.#writing;
  }

  async #flush(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return;
    await mkdir(path.dirname(this.#path), { recursive: true });
    const bytes = Buffer.from(`${JSON.stringify(next.value, null, 1)}\n`);
    await writeAtomically(this.#path, [bytes], { overwrite: true });
  }

  #parse(text: string): T | undefined {
    const parsed = this.#schema.safeParse(parseShallowJson(text));
    return parsed.success ? parsed.data : undefined;
  }
}
