/** Commands on edits that reach further than a slider: undo, copy, paste. */

import { createContext } from 'svelte';
import type { Photo } from '../../preload/contract/contract.ts';
import { batchWords } from '../batch-words.ts';
import type { App } from '../state/app.svelte.ts';
import type { Library } from '../state/library.svelte.ts';
import { strings } from '../strings.ts';
import type { Development } from './development.svelte.ts';

export class Commands {
  readonly #app: App;
  readonly #library: Library;
  readonly #development: Development;

  constructor(app: App, library: Library, development: Development) {
    this.#app = app;
    this.#library = library;
    this.#development = development;
  }

  /** Undoes the last change of edits or ratings, whichever photos it was made to, or does it again. */
  async travel(direction: 'undo' | 'redo'): Promise<void> {
    const development = this.#development;
    await development.settle();
    const step = await this.#library.travel(direction);
    if (step === undefined) return;
    if (step.kind === 'edits') await development.rereadAmong(step.photos);
    const { photo } = development;
    const isAlone = photo !== undefined && step.photos.length === 1 && step.photos[0] === photo.id;
    if (!isAlone || this.#app.screen !== 'develop')
      this.#app.toasts.say(batchWords.travelled(direction, step));
  }

  /** Copies the edits of the photo that is developed, or selected. */
  async copy(): Promise<void> {
    const development = this.#development;
    const isCopied =
      this.#app.screen === 'develop' ? development.copyEdits() : await this.#library.copyEdits();
    if (isCopied) this.#app.toasts.say(strings.editsCopied);
  }

  /** Gives photos the copied edits, the open photo too. */
  async paste(photos: readonly Photo[]): Promise<void> {
    await this.#development.settle();
    await this.#library.pasteEdits(photos);
    await this.#development.rereadAmong(photos.map(({ id }) => id));
  }
}

export const [commandsOf, provideCommands] = createContext<Commands>();
