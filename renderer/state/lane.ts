/**
 * Limits simultaneous fetches. A browser opens six connections to a host, so large numbers of
 * fetches must leave room for more urgent ones.
 */

interface Waiting {
  readonly rank: () => number;
  readonly start: () => void;
}

export class Lane {
  readonly #atOnce: number;
  readonly #waiting = new Set<Waiting>();
  #whenIdle: (() => void)[] = [];
  #running = 0;
  #isHeld = false;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** While held, running fetches continue but no new ones start. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#next();
  }

  /** Resolves once nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.#waiting.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  /**
   * Waits for its turn, then works.
   * @param rank lower ones go first, whenever a turn is free; among equals, the earlier one
   * @throws DOMException `AbortError` if the signal was aborted before its turn came
   */
  async run<T>(
    signal: AbortSignal,
    work: () => Promise<T>,
    rank: () => number = () => 0,
  ): Promise<T> {
    await this.#turn(signal, rank);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #turn(signal: AbortSignal, rank: () => number): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(waiting);
        this.#next();
        reject(new DOMException('aborted', 'AbortError'));
      };
      const waiting = {
        rank,
        start: () => {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(waiting);
      this.#next();
    });
  }

  #next(): void {
    while (!this.#isHeld && this.#running < this.#atOnce) {
      const first = this.#first();
      if (first === undefined) break;
      this.#waiting.delete(first);
      this.#running++;
      first.start();
    }
    if (this.#waiting.size > 0) return;
    if (this.#running > 0) return;
    const told = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of told) resolve();
  }

  #first(): Waiting | undefined {
    let best: { readonly waiting: Waiting; readonly rank: number } | undefined;
    for (const waiting of this.#waiting) {
      const rank = waiting.rank();
      if (best === undefined || rank < best.rank) best = { waiting, rank };
    }
    return best?.waiting;
  }
}
