/**
 * Limits simultaneous fetches. A browser opens six connections to a host, so large numbers of
 * fetches must leave room for more urgent ones.
 */

interface Waiting {
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
   * @throws DOMException `AbortError` if the signal was aborted before its turn came
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(waiting);
        this.#next();
        reject(new DOMException('aborted', 'AbortError'));
      };
      const waiting = {
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
    for (const waiting of this.#waiting) {
      if (this.#isHeld || this.#running >= this.#atOnce) return;
      this.#waiting.delete(waiting);
      this.#running++;
      waiting.start();
    }
    if (this.#running > 0) return;
    const told = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of told) resolve();
  }
}
