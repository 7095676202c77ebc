/** Measures how long a queue has worked, and estimates how long it will still take. */

/** Less finished work than this, in photos, is too little for an estimate. */
const unitsMin = 0.1;

export class Clock {
  #elapsedMs = 0;
  #units = 0;
  #sinceMs: number | undefined;

  /** Only time in which something is running counts. */
  run(isRunning: boolean): void {
    const nowMs = performance.now();
    if (this.#sinceMs !== undefined) this.#elapsedMs += nowMs - this.#sinceMs;
    this.#sinceMs = isRunning ? nowMs : undefined;
  }

  get elapsedMs(): number {
    const sinceMs = this.#sinceMs;
    return this.#elapsedMs + (sinceMs === undefined ? 0 : performance.now() - sinceMs);
  }

  /** @param units finished work, in photos */
  worked(units: number): void {
    this.#units += units;
  }

  /**
   * @param left remaining work, in photos
   * @param underWay finished part of the photos in progress
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
