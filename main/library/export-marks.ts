/** Remembers which photos have been exported: with which edits, by which model, and how. */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { Edits } from '../../preload/contract/edits.ts';
import type { ExportChoice } from '../../preload/contract/settings.ts';
import { JsonFile } from '../base/json-file.ts';

/**
 * Photo id → marks, oldest first. Versions before 0.2 had one digest of the edits alone, which does
 * not tell what was written, and is forgotten.
 */
const marksSchema = z.record(
  z.string(),
  z.union([z.array(z.string()), z.string().transform((): string[] => [])]),
);

/** Losing the marks of the last second in a power cut does little harm. */
const writeDelayMs = 1000;
/** Per photo; who exports in more ways than that exports the first ones anew. */
const marksMax = 24;

/** What makes one finished picture differ from another of the same photo. */
export interface ExportedAs {
  readonly edits: Edits;
  /** Id of the model that developed it. */
  readonly model: string;
  readonly choice: ExportChoice;
}

export class ExportMarks {
  readonly #file: JsonFile<z.infer<typeof marksSchema>>;
  readonly #marks: Map<string, readonly string[]>;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    file: JsonFile<z.infer<typeof marksSchema>>,
    marks: z.infer<typeof marksSchema>,
  ) {
    this.#file = file;
    this.#marks = new Map(Object.entries(marks));
  }

  static async open(folder: string): Promise<ExportMarks> {
    const file = new JsonFile(path.join(folder, 'exported.json'), marksSchema, {});
    return new ExportMarks(file, await file.read());
  }

  isExported(photo: string, as: ExportedAs): boolean {
    const marks = this.#marks.get(photo);
    return marks !== undefined && marks.length > 0 && marks.includes(markOf(as));
  }

  mark(photo: string, as: ExportedAs): void {
    const mark = markOf(as);
    const others = (this.#marks.get(photo) ?? []).filter((one) => one !== mark);
    this.#marks.set(photo, [...others, mark].slice(-marksMax));
    this.#schedule();
  }

  /** The model has other weights now, so what it developed would be another picture. */
  forgetModel(id: string): void {
    for (const [photo, marks] of this.#marks) {
      const kept = marks.filter((mark) => !mark.startsWith(`${id} `));
      if (kept.length < marks.length) this.#marks.set(photo, kept);
    }
    this.#schedule();
  }

  async flush(): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const marks = [...this.#marks].map(([photo, own]): [string, string[]] => [photo, [...own]]);
    await this.#file.write(Object.fromEntries(marks)).catch(() => undefined);
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), writeDelayMs);
    this.#timer.unref();
  }
}

/** The model's id, and a digest of the edits and of all that decides what the file holds and where. */
function markOf({ edits, model, choice }: ExportedAs): string {
  const { output, space, longSide, template, folder, privacy = 'keep-all' } = choice;
  const how = [output, space, longSide ?? 0, template, folder ?? '', privacy];
  const own = Object.entries(edits).filter(([name]) => name !== 'model');
  const text = JSON.stringify([own.sort(), how]);
  return `${model} ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}
