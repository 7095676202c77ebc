/** How long to wait before a crashed page is loaded again, and when to stop trying. */

/** Reloads in a row before the user is asked. */
const reloadsMax = 5;

/** A page that ran this long has recovered: its next crash counts as a first one. */
const recoveredMs = 60_000;

const firstDelayMs = 250;

export class BackOff {
  #reloads = 0;
  #lastCrashMs = -Infinity;

  /**
   * Told of each crash.
   * @param nowMs a clock that only goes forward
   * @returns how long to wait before the next reload: 250 ms, then twice as long each time; undefined
   *   after the fifth crash in a row
   */
  crashed(nowMs: number): number | undefined {
    const lastDelayMs = firstDelayMs * 2 ** (this.#reloads - 1);
    if (nowMs - this.#lastCrashMs > lastDelayMs + recoveredMs) this.#reloads = 0;
    this.#lastCrashMs = nowMs;
    if (this.#reloads === reloadsMax) return undefined;
    this.#reloads += 1;
    return firstDelayMs * 2 ** (this.#reloads - 1);
  }

  /** The user wants it tried again. */
  reset(): void {
    this.#reloads = 0;
  }
}
