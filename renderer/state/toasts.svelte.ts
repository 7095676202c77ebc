/** Short messages at the bottom of the window: successes and failures. */

import { createContext } from 'svelte';

export interface Toast {
  readonly id: number;
  readonly kind: 'said' | 'failed';
  readonly words: string;
}

/** Successes disappear after this time; up to three failures stay until they are dismissed. */
const shownMs = 4500;

export class Toasts {
  #next = 1;
  list = $state<readonly Toast[]>([]);

  say(words: string): void {
    const id = this.#add('said', words);
    setTimeout(() => {
      this.dismiss(id);
    }, shownMs);
  }

  fail(words: string): void {
    if (this.list.some((toast) => toast.words === words)) return;
    this.#add('failed', words);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(kind: Toast['kind'], words: string): number {
    const id = this.#next++;
    this.list = [...this.list, { id, kind, words }].slice(-3);
    return id;
  }
}

export const [toastsOf, provideToasts] = createContext<Toasts>();
