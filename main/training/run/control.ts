/** Controls a run while it trains: pause, continue, end. */

/** What a requested end leaves: a model of the best weights so far, or only the checkpoint. */
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

  /** What the end should leave; `nothing` until an end is requested. */
  get keep(): Keep {
    return this.#keep ?? 'nothing';
  }

  /** Pauses after the current step, with a checkpoint. */
  pause(): void {
    this.#isPaused = true;
    this.#announce();
  }

  /** Continues; also ends a wait for a disk or a folder at once. */
  resume(): void {
    this.#isPaused = false;
    this.#announce();
  }

  /** Ends after the current step, with a checkpoint, so that the run can continue later. */
  stop(keep: Keep): void {
    this.#keep ??= keep;
    this.#stopped.abort();
    this.#announce();
  }

  /** Waits until the run may continue or is asked to end. */
  async untilResumed(): Promise<void> {
    while (this.#isPaused && !this.isStopped) await this.#changed.promise;
  }

  /** Waits this long, or until the next request. */
  async change(atMostMs: number): Promise<void> {
    if (this.isStopped) return;
    const time = Promise.withResolvers<undefined>();
    const timer = setTimeout(time.resolve, atMostMs);
    await Promise.race([this.#changed.promise, time.promise]);
    clearTimeout(timer);
  }

  /** The work's result, or undefined if the run is asked to end first. */
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
