/** Reads facts about the open folder's photos: from all headers at once, then from whole files. */

import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import type { View } from '../view/process.ts';
import type { Known } from './listed.ts';

/** What is wanted: any facts of the shot, or also the ratio, for which the photo is decoded. */
type What = 'shot' | 'ratio';

/** Headers that are read before the window is told of them. */
const headersAtOnce = 100;

export class FactReader<Photo extends Known> {
  readonly #view: View;
  readonly #onHeaders: (photos: readonly Photo[]) => void;
  #reading: Promise<void> = Promise.resolve();
  #stopping = new AbortController();

  /** @param onHeaders called with photos whose facts are new */
  constructor(view: View, onHeaders: (photos: readonly Photo[]) => void) {
    this.#view = view;
    this.#onHeaders = onHeaders;
  }

  /** Begins to read headers, after those that it was given before. */
  begin(photos: readonly Photo[]): void {
    const { signal } = this.#stopping;
    this.#reading = this.#reading.then(() => this.#headers(photos, signal));
  }

  /** Gives up the headers that are still unread: another folder is opened. */
  stop(): void {
    this.#stopping.abort();
    this.#stopping = new AbortController();
  }

  /**
   * Decodes photos that lack what is wanted once the headers were read.
   * @param onPhoto called with each of them, described or failed
   * @throws Refusal `cancelled`
   */
  async describe(
    photos: readonly Photo[],
    what: What,
    signal: AbortSignal,
    onPhoto: (photo: Photo) => void,
  ): Promise<void> {
    await this.#reading;
    throwIfCancelled(signal);
    const isKnown = ({ facts, failure }: Photo): boolean =>
      failure !== undefined || (what === 'shot' ? facts : facts?.autoRatio) !== undefined;
    const wanted = photos.filter((photo) => !isKnown(photo));
    await Promise.all(
      wanted.map(async (photo) => {
        try {
          photo.facts = await this.#view.describe(photo.found.path, signal);
        } catch (error) {
          throwIfCancelled(signal);
          if (error instanceof Refusal && error.code === 'cancelled') return;
          const code = error instanceof Refusal ? error.code : 'bug';
          photo.failure = { code, message: describeError(error) };
        }
        onPhoto(photo);
      }),
    );
  }

  /** Never throws: who asks for a photo's facts is told what is wrong with it. */
  async #headers(photos: readonly Photo[], signal: AbortSignal): Promise<void> {
    const isStopped = (): boolean => signal.aborted;
    for (let at = 0; at < photos.length && !isStopped(); at += headersAtOnce) {
      const batch = photos.slice(at, at + headersAtOnce).filter(({ facts }) => facts === undefined);
      const read = await Promise.all(
        batch.map((photo) => this.#view.header(photo.found.path, signal).catch(() => undefined)),
      );
      if (isStopped()) return;
      const told = batch.filter((photo, index) => {
        const facts = read[index];
        if (facts === undefined || photo.facts !== undefined) return false;
        photo.facts = facts;
        return true;
      });
      if (told.length > 0) this.#onHeaders(told);
    }
  }
}
