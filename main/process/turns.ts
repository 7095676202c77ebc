/** Limits how many tasks run at once; the others wait in a queue. */

import { Refusal, throwIfCancelled } from '../base/refusal.ts';

interface Waiting {
  readonly rank: number;
  readonly begin: () => void;
}

export class Turns {
  readonly #max: number;
  readonly #waiting: Waiting[] = [];
  #count = 0;

  /** @param max number of tasks at once */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Runs the work when it is its turn.
   * @param rank lower ones go first; among equals, the earlier one
   * @throws Refusal `cancelled` if cancelled before its turn; what `work` throws
   */
  async take<T>(rank: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    throwIfCancelled(signal);
    if (this.#count < this.#max) this.#count += 1;
    else await this.#wait(rank, signal);
    try {
      return await work();
    } finally {
      this.#count -= 1;
      this.#next();
    }
  }

  /** Resolves when a turn is handed over. */
  #wait(rank: number, signal: AbortSignal): Promise<void> {
    return new Promise((begin, reject) => {
      const waiting = { rank, begin };
      this.#waiting.push(waiting);
      const leave = (): void => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        reject(new Refusal('cancelled', 'cancelled'));
      };
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #next(): void {
    const first = Math.min(...this.#waiting.map(({ rank }) => rank));
    const at = this.#waiting.findIndex((waiting) => waiting.rank === first);
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (next === undefined) return;
    this.#count += 1;
    next.begin();
  }
}
