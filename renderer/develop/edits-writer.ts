/**
 * Writes edits beside the photo once the sliders have stopped, or at once if something needs to
 * read them there.
 */

import type { Edits } from '../../preload/contract/edits.ts';
import type { App } from '../state/app.svelte.ts';

const writeAfterMs = 300;

interface Written {
  readonly photo: string;
  readonly edits: Edits;
  /** What is undone together: see `Runs`. */
  readonly run: string;
}

export class EditsWriter {
  readonly #app: App;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwritten: Written | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(app: App) {
    this.#app = app;
    app.flush = () => this.flush();
    addEventListener('pagehide', () => void this.flush());
  }

  /** In a moment; later edits of the same run take the place of these. */
  write(next: Written): void {
    if (this.#unwritten !== undefined && this.#unwritten.run !== next.run) void this.flush();
    this.#unwritten = next;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), writeAfterMs);
  }

  /** Resolves once all edits are written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const unwritten = this.#unwritten;
    if (unwritten !== undefined) {
      this.#unwritten = undefined;
      const { photo, edits, run } = unwritten;
      const call = this.#app.client.call('library.writeEdits', { photos: [photo], edits, run });
      this.#writing = Promise.all([this.#writing, this.#app.attempt(call)]);
    }
    await this.#writing;
  }
}
