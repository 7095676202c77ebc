/** How long a queue has worked, and how long it has to yet. */

/** Shares of a photo below this say nothing about time yet. */
const unitsMin = 0.1;

export class Clock {
  #elapsedMs = 0;
  #units = 0;
  #sinceMs: number | undefined;

  /** Time in which something is at work counts. */
  run(isRunning: boolean): void {
    const nowMs = performance.now();
    if (this.#sinceMs !== undefined) this.#elapsedMs += nowMs - this.#sinceMs;
    this.#sinceMs = isRunning ? nowMs : undefined;
  }

  get elapsedMs(): number {
    const sinceMs = this.#sinceMs;
    return this.#elapsedMs + (sinceMs === undefined ? 0 : performance.now() - sinceMs);
  }

  /** @param units photos' worth of work that has ended */
  worked(units: number): void {
    this.#units += units;
  }

  /**
   * @param left photos' worth of work
   * @param underWay photos' worth done of those at work
   */
  remainingMs(left: number, underWay: number): number | undefined {
    const done = this.#units + underWay;
    return done < unitsMin ? undefined : (this.elapsedMs / done) * left;
  }

  reset(): void {
    this.#elapsedMs = 0;
    this.#units = 0;
    if (this.#sinceMs !== undefined) this.#sinceMs = performance.now();
  }
}
