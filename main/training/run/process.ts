/**
 * The app's side of the training process: starts it, and restarts it after a crash in native code.
 */

import { Ended, OddMessage } from '../../process/asking.ts';
import { failureOf, type Failure } from '../../process/failure.ts';
import { forkNode } from '../../process/fork.ts';
import { Peer } from '../../process/peer.ts';
import type { Connect } from '../../process/port.ts';
import { describeError } from '../../base/refusal.ts';
import type { Keep } from './control.ts';
import type { RunEvent } from './events.ts';
import { readRun, runFiles, writeRun, type RunState } from './folder.ts';
import { RunLog } from './log.ts';
import { trainCall, trainingNotes, type TrainingProgress } from './protocol.ts';

/** Starts the training process as a Node process. */
export const spawnNodeTraining: Connect = (listener) =>
  forkNode(new URL('./child.ts', import.meta.url), { env: trainingEnvironment() })(listener);

/**
 * The training process's environment. On Linux it limits glibc to two memory pools. With one pool
 * for each of the many threads, memory that decoding used briefly is retained several times over
 * (measured on the photos of the default models: 670 MB instead of 1.1 GB).
 */
function trainingEnvironment(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return process.env;
  return { MALLOC_ARENA_MAX: '2', ...process.env };
}

export interface TrainingOptions {
  readonly spawn: Connect;
  /**
   * Receives the events of the run's log, plus at most a few of the steps in between per second.
   */
  readonly onEvent: (event: RunEvent) => void;
  /** Called while photos are read for the first time. */
  readonly onLoading?: (loaded: number, total: number) => void;
  /** Called when the process ended unexpectedly and was restarted. */
  readonly onTrouble?: (account: string) => void;
  /** Continues although the photos or pairs have changed since it began. */
  readonly acceptsOtherData?: boolean;
  /** A process that is silent for this long is considered hung and killed. Default: ten minutes. */
  readonly stallMs?: number;
}

/** Far longer than the longest step, during which nothing can be reported. */
const usualStallMs = 10 * 60_000;
/**
 * Numbers of crashes without a checkpoint in between, after which the run is given up, and after
 * which the graphics card is no longer used.
 */
const crashesMax = 3;
const cardCrashesMax = 2;

/**
 * Trains one run in a process of its own. The run's folder comes from `createRun`; once `ended`
 * settles, `readRun` tells the result.
 */
export class Training {
  readonly folder: string;
  /**
   * Settles when the process has released the run; with the failure, unless it ended as requested.
   */
  readonly ended: Promise<Failure | undefined>;
  readonly #options: TrainingOptions;
  readonly #end = Promise.withResolvers<Failure | undefined>();
  #child: Peer;
  #isPaused = false;
  #keep: Keep | undefined;
  #crashes = 0;
  /** Set after repeated crashes, which the card's driver may cause. */
  #withoutCard = false;
  #hasEnded = false;
  #step = 0;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(folder: string, options: TrainingOptions) {
    this.folder = folder;
    this.#options = options;
    this.ended = this.#end.promise;
    this.#child = this.#start();
  }

  /** Pauses after the current step, with a checkpoint. */
  pause(): void {
    this.#isPaused = true;
    this.#child.tell(trainingNotes.pause, undefined);
  }

  /** Continues; also ends a wait for a disk or a folder at once. */
  resume(): void {
    this.#isPaused = false;
    this.#child.tell(trainingNotes.resume, undefined);
  }

  /**
   * Ends after the current step with a checkpoint and, if requested, a model of the best weights so
   * far.
   */
  stop(keep: Keep): void {
    this.#keep ??= keep;
    this.#child.tell(trainingNotes.stop, this.#keep);
  }

  /** Ends at once; progress since the last checkpoint is lost. */
  kill(): void {
    this.#settle(undefined);
    this.#child.close();
  }

  #start(): Peer {
    const child = new Peer('the training process', this.#options.spawn, {
      onHeard: () => {
        this.#watch();
      },
      onExit: (reason) => {
        if (!this.#hasEnded) void this.#recover(reason);
      },
    });
    void this.#train(child);
    if (this.#isPaused) child.tell(trainingNotes.pause, undefined);
    this.#watch();
    return child;
  }

  /** Asks the process to train, and ends it when it has released the run. */
  async #train(child: Peer): Promise<void> {
    const { acceptsOtherData = false } = this.#options;
    const asked = { folder: this.folder, acceptsOtherData, withoutCard: this.#withoutCard };
    try {
      await child.ask(trainCall, asked, {
        onProgress: (progress) => {
          this.#note(progress);
        },
      });
      this.#settle(undefined);
      child.close();
    } catch (error) {
      if (error instanceof Ended || this.#hasEnded) return;
      if (error instanceof OddMessage) {
        // The call lasts for the process's whole life, so an invalid message restarts the process
        // instead of failing the run.
        child.kill(`because ${error.message}`);
        return;
      }
      this.#settle(failureOf(error));
      child.close();
    }
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#hasEnded) return;
    const stallMs = this.#options.stallMs ?? usualStallMs;
    this.#watchdog = setTimeout(() => {
      this.#child.kill(`after ${String(stallMs / 1000)} s of silence`);
    }, stallMs);
    this.#watchdog.unref();
  }

  #note(progress: TrainingProgress): void {
    switch (progress.kind) {
      case 'alive':
        break;
      case 'loading':
        this.#options.onLoading?.(progress.loaded, progress.total);
        break;
      case 'event':
        this.#step = progress.event.step;
        if (progress.event.event === 'checkpoint') this.#crashes = 0;
        this.#options.onEvent(progress.event);
        break;
    }
  }

  async #recover(exitReason: string): Promise<void> {
    this.#crashes += 1;
    const account = `the training process ended ${exitReason}`;
    clearTimeout(this.#watchdog);
    this.#withoutCard ||= this.#crashes >= cardCrashesMax;
    if (this.#keep === undefined && this.#crashes < crashesMax) {
      this.#options.onTrouble?.(`${account}; going on from the last checkpoint`);
      this.#child = this.#start();
      return;
    }
    // A requested stop is fulfilled, with the last checkpoint instead of the last step.
    if (this.#keep !== undefined) {
      this.#options.onTrouble?.(account);
      await this.#writeState({ kind: 'stopped' });
      this.#settle(undefined);
      return;
    }
    const failure: Failure = {
      code: 'device',
      message: `${account}, ${crashesMax} times: close other programs, or train with smaller batches or patches`,
    };
    await this.#writeState({ kind: 'failed', failure });
    const event: RunEvent = { event: 'failed', step: this.#step, failure };
    const log = new RunLog(runFiles(this.folder).log);
    log.write(event);
    await log.end();
    this.#options.onEvent(event);
    this.#settle(failure);
  }

  /** The process is gone, so only this one can write the state. */
  async #writeState(state: RunState): Promise<void> {
    try {
      const { description } = await readRun(this.folder);
      await writeRun(this.folder, { ...description, state, updatedAt: new Date().toISOString() });
    } catch (error) {
      this.#options.onTrouble?.(describeError(error));
    }
  }

  #settle(failure: Failure | undefined): void {
    this.#hasEnded = true;
    clearTimeout(this.#watchdog);
    this.#end.resolve(failure);
  }
}
