/** Decides how long to wait before a crashed page is reloaded, and when to give up. */

/** Reloads in a row before the user is asked. */
const reloadsMax = 5;

/** A page that ran this long has recovered, so its next crash counts as the first. */
const recoveredMs = 60_000;

const firstDelayMs = 250;

export class BackOff {
  #reloads = 0;
  #lastCrashMs = -Infinity;

  /**
   * Counts a crash.
   * @param nowMs a monotonic clock
   * @returns how long to wait before the next reload: 250 ms, then twice as long each time;
   *   undefined after the fifth crash in a row
   */
  crashed(nowMs: number): number | undefined {
    const lastDelayMs = firstDelayMs * 2 ** (this.#reloads - 1);
    if (nowMs - this.#lastCrashMs > lastDelayMs + recoveredMs) this.#reloads = 0;
    this.#lastCrashMs = nowMs;
    if (this.#reloads === reloadsMax) return undefined;
    this.#reloads += 1;
    return firstDelayMs * 2 ** (this.#reloads - 1);
  }

  /** Called when the user wants another try. */
  reset(): void {
    this.#reloads = 0;
  }
}
