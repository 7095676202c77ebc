/** What a run is asked to do while it goes: rest, go on, end. */

/** Whether an end that was asked for makes a model of what has been reached. */
export type Keep = 'nothing' | 'best';

export class RunControl {
  #isPaused = false;
  #keep: Keep | undefined;
  #changed = Promise.withResolvers<undefined>();
  readonly #stopped = new AbortController();

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  /** Aborted when the run is asked to end. */
  get stopSignal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** What the end is to leave; `nothing` until it is asked for. */
  get keep(): Keep {
    return this.#keep ?? 'nothing';
  }

  /** Rests after the step at work, with a checkpoint. */
  pause(): void {
    this.#isPaused = true;
    this.#announce();
  }

  /** Goes on; also at once where it waits for a disk or a folder to come back. */
  resume(): void {
    this.#isPaused = false;
    this.#announce();
  }

  /** Ends after the step at work, with a checkpoint: the run can go on another time. */
  stop(keep: Keep): void {
    this.#keep ??= keep;
    this.#stopped.abort();
    this.#announce();
  }

  /** Waits until the run may go on, or is asked to end. */
  async untilResumed(): Promise<void> {
    while (this.#isPaused && !this.isStopped) await this.#changed.promise;
  }

  /** Waits so long, or until something is asked for. */
  async change(atMostMs: number): Promise<void> {
    if (this.isStopped) return;
    const time = Promise.withResolvers<undefined>();
    const timer = setTimeout(time.resolve, atMostMs);
    await Promise.race([this.#changed.promise, time.promise]);
    clearTimeout(timer);
  }

  /** The work's result, or undefined if the run is asked to end before it comes. */
  async unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.isStopped) return undefined;
    const stop = Promise.withResolvers<undefined>();
    const end = (): void => {
      stop.resolve(undefined);
    };
    this.stopSignal.addEventListener('abort', end, { once: true });
    try {
      return await Promise.race([work, stop.promise]);
    } finally {
      this.stopSignal.removeEventListener('abort', end);
    }
  }

  #announce(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve(undefined);
  }
}
