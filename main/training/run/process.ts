/** The app's side of the training process: starts it, and again when native code took it down. */

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
 * The training process's environment. On Linux glibc is held to two pools of memory: with one for each
 * of its many threads, what decoding took for a moment is kept several times over (measured on the
 * photos of the default models: 670 MB instead of 1.1 GB).
 */
function trainingEnvironment(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return process.env;
  return { MALLOC_ARENA_MAX: '2', ...process.env };
}

export interface TrainingOptions {
  readonly spawn: Connect;
  /** As in the run's log, and of the steps in between at most a few a second. */
  readonly onEvent: (event: RunEvent) => void;
  /** Photos are read for the first time. */
  readonly onLoading?: (loaded: number, total: number) => void;
  /** The process ended by itself and was started again. */
  readonly onTrouble?: (account: string) => void;
  /** Goes on although the photos or pairs are not those it began with. */
  readonly acceptsOtherData?: boolean;
  /** A process that says nothing for so long is taken for hung, and ended. Ten minutes if not given. */
  readonly stallMs?: number;
}

/** Far above the time of the longest step, in which nothing can be said. */
const usualStallMs = 10 * 60_000;
/** Crashes without a checkpoint in between, after which the run is given up; and before that, its graphics card. */
const crashesMax = 3;
const cardCrashesMax = 2;

/**
 * One run being trained in a process of its own. Make it with a folder from `createRun`; what it came
 * to stands in `readRun` when `ended` settles.
 */
export class Training {
  readonly folder: string;
  /** Settles when the process has let go of the run; with why, if that was not as asked. */
  readonly ended: Promise<Failure | undefined>;
  readonly #options: TrainingOptions;
  readonly #end = Promise.withResolvers<Failure | undefined>();
  #child: Peer;
  #isPaused = false;
  #keep: Keep | undefined;
  #crashes = 0;
  /** A card's driver may take the process down each time. */
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

  /** Rests after the step at work, with a checkpoint. */
  pause(): void {
    this.#isPaused = true;
    this.#child.tell(trainingNotes.pause, undefined);
  }

  /** Goes on; also at once where it waits for a disk or a folder to come back. */
  resume(): void {
    this.#isPaused = false;
    this.#child.tell(trainingNotes.resume, undefined);
  }

  /** Ends after the step at work, with a checkpoint, and with a model of the best so far if asked. */
  stop(keep: Keep): void {
    this.#keep ??= keep;
    this.#child.tell(trainingNotes.stop, this.#keep);
  }

  /** Ends at once: what was learned since the last checkpoint is lost. */
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

  /** Asks the process to train, and ends it when it has let go of the run. */
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
        // It has one request for all its life: it is started again rather than the run given up.
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
    // Asked to stop, it has: with the last checkpoint instead of the last step.
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

  /** Nobody else can any more. */
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
