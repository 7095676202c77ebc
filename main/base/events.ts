/** Distributes the app's events to all listening windows. */

import type { EventName, Events } from '../../preload/contract/contract.ts';

export type EventListener = (name: EventName, event: unknown) => void;

export class EventHub {
  readonly #listeners = new Set<EventListener>();

  emit<N extends EventName>(name: N, event: Events[N]): void {
    for (const listener of this.#listeners) listener(name, event);
  }

  /** @returns a function that stops listening */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
