/** Shows progress and the time left on one line of a terminal. */

const redrawMs = 100;
const fallbackColumns = 80;
const clearLine = '\r\u001B[K';

/** What ProgressLine writes to: `process.stderr`, or any stream in a test. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Rewrites one line of a terminal at most ten times a second. If the stream is not a terminal (a
 * log file, a pipe), updates are left out and only whole lines are written.
 */
export class ProgressLine {
  readonly #stream: ProgressStream;
  readonly #isEnabled: boolean;
  #lastDrawMs = -Infinity;
  #text = '';
  #isShown = false;

  constructor({
    stream = process.stderr,
    isEnabled,
  }: { stream?: ProgressStream; isEnabled?: boolean } = {}) {
    this.#stream = stream;
    this.#isEnabled = isEnabled ?? stream.isTTY === true;
  }

  /** Replaces the text, cut to the width of the terminal. */
  update(text: string): void {
    if (!this.#isEnabled) return;
    this.#text = text;
    const nowMs = performance.now();
    if (nowMs - this.#lastDrawMs < redrawMs) return;
    this.#lastDrawMs = nowMs;
    this.#draw();
  }

  /** Writes a permanent line above the progress. */
  log(text: string): void {
    const wasShown = this.#isShown;
    this.#clear();
    this.#stream.write(`${text}\n`);
    if (wasShown) this.#draw();
  }

  /** Clears the line, so that further output starts at its left edge. */
  done(): void {
    this.#clear();
    this.#text = '';
    this.#lastDrawMs = -Infinity;
  }

  #draw(): void {
    const columns = this.#stream.columns ?? fallbackColumns;
    this.#stream.write(clearLine + this.#text.slice(0, Math.max(1, columns - 1)));
    this.#isShown = true;
  }

  #clear(): void {
    if (!this.#isShown) return;
    this.#stream.write(clearLine);
    this.#isShown = false;
  }
}

/** A duration in two words: "1 h 02 min", "3 min 10 s", "12 s". */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min ${pad(seconds % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${pad(minutes % 60)} min`;
}

function pad(count: number): string {
  return String(count).padStart(2, '0');
}

/** Weight of the latest speed in the smoothed one. */
const latestShare = 0.1;

/** Estimates the time left from the progress, smoothed over some tens of updates. */
export class Eta {
  #last: { done: number; atMs: number } | undefined;
  #msPerUnit: number | undefined;

  /**
   * Records the progress and returns the time left.
   * @param nowMs a monotonic clock
   * @returns milliseconds, or undefined before anything is done
   */
  remainingMs(done: number, total: number, nowMs = performance.now()): number | undefined {
    const last = this.#last;
    if (last === undefined || done < last.done) {
      this.#last = { done, atMs: nowMs };
    } else if (done > last.done) {
      const latest = (nowMs - last.atMs) / (done - last.done);
      this.#msPerUnit =
        this.#msPerUnit === undefined
          ? latest
          : this.#msPerUnit + (latest - this.#msPerUnit) * latestShare;
      this.#last = { done, atMs: nowMs };
    }
    if (this.#msPerUnit === undefined) return undefined;
    return Math.max(0, total - done) * this.#msPerUnit;
  }
}
