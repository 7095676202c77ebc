/** Stars, flags, colour labels and the trash: what the keys of a cull do, in the library and in develop. */

import { createContext } from 'svelte';
import type { Inputs, Photo } from '../../preload/contract/contract.ts';
import { labels } from '../../preload/contract/culling.ts';
import { batchWords } from '../batch-words.ts';
import { labelDigits, type CullCommand } from '../keys.ts';
import { cullWords } from '../cull-words.ts';
import type { App } from './app.svelte.ts';
import type { Library } from './library.svelte.ts';

type Marks = Omit<Inputs['library.mark'], 'photos'>;
type Mark = { readonly rating: number } | Marks;

export class Culling {
  readonly #app: App;
  readonly #library: Library;
  readonly #show: (photo: Photo) => void;

  /** @param show brings a photo to the cursor, or into develop if that is seen */
  constructor(app: App, library: Library, show: (photo: Photo) => void) {
    this.#app = app;
    this.#library = library;
    this.#show = show;
  }

  /** @param key of the press: a digit for stars and labels */
  async act(command: CullCommand, key: string): Promise<void> {
    switch (command) {
      case 'rate':
        return this.markTargets({ rating: Number(key) });
      case 'pick':
        return this.markTargets({ flag: 'pick' });
      case 'reject':
        return this.markTargets({ flag: 'reject' });
      case 'unflag':
        return this.markTargets({ flag: 'none' });
      case 'label':
        return this.#label(key);
      case 'trash':
        return this.trash();
    }
  }

  /** Marks the targets; asks first if nobody selected them. One photo alone may lead to the next. */
  async markTargets(mark: Mark): Promise<void> {
    const library = this.#library;
    const { targets } = library;
    const isMeant = library.chosen.length > 0 || targets.length < 2;
    if (!isMeant) {
      const question = batchWords.markQuestion(targets.length, wordsOf(mark));
      if (!(await this.#app.confirm(question))) return;
    }
    // A filter may hide the photo once it is marked.
    const next = this.#nextOf(targets);
    const ids = targets.map(({ id }) => id);
    if ('rating' in mark) await library.rate(ids, mark.rating);
    else await library.mark(ids, mark);
    if (next !== undefined) this.#show(next);
  }

  /** Asks, then moves the targets to the trash; the photo after them is shown. */
  async trash(): Promise<void> {
    const app = this.#app;
    const { targets } = this.#library;
    const last = targets.at(-1);
    if (last === undefined) return;
    if (!app.info.canTrash) {
      app.toasts.fail(cullWords.noTrash);
      return;
    }
    if (!(await app.confirm(batchWords.trashQuestion(targets.length)))) return;
    const next =
      this.#library.neighbour(last.id, 1) ?? this.#library.neighbour(targets[0]?.id ?? '', -1);
    await app.flush();
    const photos = targets.map(({ id }) => id);
    const answer = await app.attempt(app.client.call('library.trash', { photos }));
    if (answer === undefined) return;
    app.toasts.say(cullWords.trashed(answer.trashed));
    if (next === undefined) app.screen = 'library';
    else this.#show(next);
  }

  /** The label that all targets have already is taken away. */
  #label(key: string): Promise<void> {
    const label = labels[labelDigits.findIndex((digit) => digit === key)];
    if (label === undefined) return Promise.resolve();
    const has = this.#library.targets.every((photo) => photo.label === label);
    return this.markTargets({ label: has ? 'none' : label });
  }

  #nextOf(targets: readonly Photo[]): Photo | undefined {
    const [only] = targets;
    if (!this.#app.settings.autoAdvance || targets.length !== 1 || only === undefined)
      return undefined;
    return this.#library.neighbour(only.id, 1);
  }
}

function wordsOf(mark: Mark): string {
  if ('rating' in mark) return batchWords.stars(mark.rating);
  return [
    ...(mark.flag === undefined ? [] : [cullWords.flags[mark.flag]]),
    ...(mark.label === undefined ? [] : [cullWords.labels[mark.label]]),
  ].join(', ');
}

export const [cullingOf, provideCulling] = createContext<Culling>();
