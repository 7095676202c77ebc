/** Commands on edits that reach further than a slider: undo, copy, paste. */

import { createContext } from 'svelte';
import type { Photo } from '../../preload/contract/contract.ts';
import { editsOfGroups } from '../../preload/contract/edits.ts';
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
    const { facts, edits } = this.#development;
    const isDeveloped = this.#app.screen === 'develop';
    if (isDeveloped && facts !== undefined) this.#library.clipboard = edits;
    const isCopied = isDeveloped ? facts !== undefined : await this.#library.copyEdits();
    if (isCopied) this.#app.toasts.say(strings.editsCopied);
  }

  /** Gives the open photo the edits of the one that was developed before it: the groups of the last paste. */
  async copyPrevious(): Promise<void> {
    const { previous, photo } = this.#development;
    if (previous === undefined || photo === undefined) return;
    const call = this.#app.client.call('library.readEdits', { photo: previous.id });
    const answer = await this.#app.attempt(call);
    if (answer === undefined || this.#development.photo !== photo) return;
    this.#development.change(editsOfGroups(answer.edits, this.#app.settings.pasteGroups));
    this.#app.toasts.say(batchWords.copiedFrom(previous.name));
  }

  /** Asks which edits of the photo at the cursor the selected ones are given. */
  async sync(): Promise<void> {
    if (this.#app.screen !== 'library' || this.#library.chosen.length < 2) return;
    if (await this.#library.copyEdits()) this.#app.dialog = 'paste';
  }

  /** Gives photos the copied edits, the open photo too. */
  async paste(photos: readonly Photo[]): Promise<void> {
    await this.#development.settle();
    await this.#library.pasteEdits(photos);
    await this.#development.rereadAmong(photos.map(({ id }) => id));
  }
}

export const [commandsOf, provideCommands] = createContext<Commands>();
