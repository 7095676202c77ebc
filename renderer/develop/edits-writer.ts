/**
 * Writes edits beside the photo once the sliders have stopped, or at once if something needs to
 * read them there.
 */

import type { Edits } from '../../preload/contract/edits.ts';
import type { App } from '../state/app.svelte.ts';

const writeAfterMs = 300;

export class EditsWriter {
  readonly #app: App;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwritten: { readonly photo: string; readonly edits: Edits } | undefined;

  constructor(app: App) {
    this.#app = app;
    app.flush = () => this.flush();
    addEventListener('pagehide', () => void this.flush());
  }

  /** Writes after a short delay; later edits of the same photo replace these. */
  write(photo: string, edits: Edits): void {
    this.#unwritten = { photo, edits };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), writeAfterMs);
  }

  /** Resolves once all edits are written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const unwritten = this.#unwritten;
    if (unwritten === undefined) return;
    this.#unwritten = undefined;
    const { photo, edits } = unwritten;
    await this.#app.attempt(
      this.#app.client.call('library.writeEdits', { photos: [photo], edits }),
    );
  }
}
