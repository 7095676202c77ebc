/**
 * Keeps an engine alive: starts it and sends it photos. When native code crashes it, restarts it
 * with smaller tiles and finally on the processor, so that no photo is lost to a crash.
 */

import path from 'node:path';
import { sweepTemporaries } from '../base/atomic.ts';
import type { Device } from '../network/session.ts';
import { Ended } from '../process/asking.ts';
import { Peer } from '../process/peer.ts';
import type { Connect } from '../process/port.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import { crash, type Flight } from './flight.ts';
import { PreviewFlights, type PreviewFlight } from './previews/flights.ts';
import {
  engineCalls,
  warmNote,
  type Enhanced,
  type PhotoJob,
  type PhotoProgress,
  type Picture,
  type PreviewJob,
} from './protocol.ts';

export interface EngineOptions {
  readonly model: string;
  readonly device: Device;
  readonly threads?: number;
  /** Uses one pass per tile for models that have two. */
  readonly isQuick?: boolean;
  readonly windowAreaMax: number;
  readonly spawn: Connect;
  /** Called when something was repaired on the way, such as by a restart or a change of device. */
  readonly onTrouble?: (account: string) => void;
  /** An engine that is silent for this long while photos wait is considered hung. */
  readonly stallMs?: number;
}

export interface EnhanceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: PhotoProgress) => void;
}

/** The caller's part of a photo's job; the supervisor adds the rest. */
export type PhotoOrder = Omit<PhotoJob, 'windowAreaMax'>;

/** Number of attempts to start an engine for waiting photos if it dies before it is ready. */
const startsMax = 3;
const defaultStallMs = 10 * 60_000;
/**
 * Far longer than a tile takes: an engine that still works on a cancelled photo by then is hung.
 */
const cancelStallMs = 30_000;

/** One engine and the photos it works on. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #flights = new Map<number, Flight>();
  readonly #previews = new PreviewFlights();
  #device: Device;
  #process: Peer | undefined;
  /** Whether it is still opening its network. */
  #isOpening = false;
  #isReady = false;
  #isRestarting = false;
  #watchdog: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isClosed = false;

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.#device = options.device;
  }

  /**
   * Starts an engine.
   * @throws Refusal `model` or `device` if it cannot open its network; `cancelled`
   */
  static async open(
    options: EngineOptions,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Engine> {
    throwIfCancelled(signal);
    const engine = new Engine(options);
    const cancel = (): void => {
      engine.close();
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await engine.#start();
      return engine;
    } catch (error) {
      // The process would keep the program running.
      engine.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  get device(): Device {
    return this.#device;
  }

  /**
   * Enhances one photo. Several may be under way; the earliest gets the network first.
   * @returns `taken` if another process took the target's name meanwhile: nothing was written
   * @throws Refusal with the photo's name; `cancelled` once the signal is aborted
   */
  async enhance(
    order: PhotoOrder,
    { signal, onProgress }: EnhanceOptions = {},
  ): Promise<Enhanced | 'taken'> {
    throwIfCancelled(signal);
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    const id = this.#nextId++;
    const cancel = (): void => {
      this.#cancel(id);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<Enhanced | 'taken'>((resolve, reject) => {
        this.#flights.set(id, {
          job: { ...order, windowAreaMax: this.#options.windowAreaMax },
          signal,
          crashes: 0,
          stage: 'decode',
          isSent: false,
          isCancelled: false,
          resolve,
          reject,
          onProgress,
        });
        this.#dispatch();
      });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /**
   * Pixels for the app's view, which get the network before any photo.
   * @throws Refusal with the photo's name; `cancelled` at once when the signal is aborted
   */
  async preview(
    job: PreviewJob,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Picture> {
    throwIfCancelled(signal);
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    return this.#previews.add(job, signal, () => {
      this.#dispatch();
    });
  }

  /** Prepares for the first `preview`. */
  warm(): void {
    if (this.#isReady) this.#process?.tell(warmNote, undefined);
  }

  /** Ends the engine. Photos under way are rejected as cancelled and leave no partial files. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#watchdog);
    const cancelled = new Refusal('cancelled', 'cancelled');
    for (const flight of this.#flights.values()) flight.reject(cancelled);
    this.#flights.clear();
    this.#previews.rejectAll(cancelled);
    this.#process?.close(cancelled);
  }

  async #start(): Promise<void> {
    const { model, threads, isQuick = false, spawn } = this.#options;
    const device = this.#device;
    const engine = new Peer('the engine', spawn, {
      onHeard: () => {
        this.#watch();
      },
      onExit: (reason) => {
        if (this.#process === engine) this.#lose(reason);
      },
    });
    this.#process = engine;
    this.#isOpening = true;
    this.#watch();
    try {
      const limit = threads === undefined ? {} : { threads };
      await engine.ask(engineCalls.open, { model, device, isQuick, ...limit });
      this.#isReady = true;
    } catch (error) {
      if (this.#process === engine) this.#process = undefined;
      engine.close();
      if (!(error instanceof Ended)) throw error;
      throw new Refusal(
        'device',
        `expected to open the model ${path.basename(model)} on ${device} but the engine ended ${error.reason}`,
      );
    } finally {
      this.#isOpening = false;
    }
  }

  /**
   * Sends waiting photos to the engine. A photo whose engine crashed is sent alone, so that another
   * crash is clearly its fault.
   */
  #dispatch(): void {
    const flights = [...this.#flights];
    const waiting = flights.filter(([, { isSent }]) => !isSent);
    if (waiting.length === 0 && !this.#previews.isWaiting) return;
    if (!this.#isReady) {
      void this.#restart();
      return;
    }
    for (const preview of this.#previews.take()) void this.#show(preview);
    const suspect = flights.find(([, { crashes }]) => crashes > 0);
    const isBusy = waiting.length < flights.length;
    for (const [id, flight] of suspect === undefined ? waiting : isBusy ? [] : [suspect]) {
      flight.isSent = true;
      flight.stage = 'decode';
      void this.#fly(id, flight);
    }
    this.#watch();
  }

  /**
   * Sends a photo to the current engine. If the engine dies, `#lose` decides what happens to the
   * photo.
   */
  async #fly(id: number, { job, signal }: Flight): Promise<void> {
    const engine = this.#process;
    if (engine === undefined) return;
    try {
      const outcome = await engine.ask(engineCalls.enhance, job, {
        signal,
        waitsForEnd: true,
        onProgress: (progress) => {
          const flight = this.#flights.get(id);
          if (flight === undefined) return;
          flight.stage = progress.stage;
          flight.onProgress?.(progress);
        },
      });
      this.#land(id)?.resolve(outcome);
    } catch (error) {
      if (this.#process !== engine) return;
      if (!this.#isLeavingDevice(error)) this.#land(id)?.reject(error);
    }
    this.#dispatch();
  }

  /** Asks the current engine for a picture of the view. */
  async #show(flight: PreviewFlight): Promise<void> {
    const { job, signal, resolve, reject } = flight;
    const engine = this.#process;
    if (engine === undefined) return;
    try {
      resolve(await engine.ask(engineCalls.preview, job, { signal }));
    } catch (error) {
      if (this.#process !== engine) return;
      if (!this.#isLeavingDevice(error)) reject(error);
    }
    this.#dispatch();
  }

  #cancel(id: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.isCancelled = true;
    if (flight.isSent) {
      // The request's own signal tells the engine, which now has less time before it counts as
      // hung.
      this.#watch();
    } else {
      this.#land(id)?.reject(new Refusal('cancelled', 'cancelled'));
    }
  }

  /** Switches to the processor if a device fails. Errors on the processor are final. */
  #isLeavingDevice(error: unknown): boolean {
    if (this.#device === 'cpu' || !(error instanceof Refusal)) return false;
    if (error.code !== 'device' && error.code !== 'out-of-memory') return false;
    this.#leaveDevice(error.message);
    const engine = this.#process;
    this.#process = undefined;
    this.#isReady = false;
    engine?.close();
    this.#takeBack();
    return true;
  }

  #leaveDevice(reason: string): void {
    this.#options.onTrouble?.(`${reason}; going on with the processor`);
    this.#device = 'cpu';
  }

  /** Marks the engine's photos as waiting for the next engine; cancelled ones end here. */
  #takeBack(): void {
    for (const [id, flight] of this.#flights) {
      if (flight.isCancelled) this.#land(id)?.reject(new Refusal('cancelled', 'cancelled'));
      flight.isSent = false;
    }
    this.#previews.takeBack();
  }

  /** The process is gone. Photos that were in the network may be the cause. */
  #lose(reason: string): void {
    this.#process = undefined;
    this.#isReady = false;
    // While opening it had no photos, and `#start` reports the failure.
    if (this.#isClosed || this.#isOpening) return;
    for (const [id, flight] of this.#flights) {
      if (!flight.isSent || flight.isCancelled) continue;
      const consequence = crash(flight, reason);
      if (consequence.kind === 'give-up') this.#land(id)?.reject(consequence.refusal);
      if (consequence.kind === 'try-on-processor') this.#device = 'cpu';
    }
    this.#previews.crash(reason);
    this.#takeBack();
    if (this.#flights.size > 0 || !this.#previews.isEmpty)
      this.#options.onTrouble?.(`the engine ended ${reason}; starting it again`);
    this.#dispatch();
  }

  /** Starts an engine for waiting photos, which are rejected if none can be started. */
  async #restart(): Promise<void> {
    if (this.#isRestarting || this.#isClosed) return;
    this.#isRestarting = true;
    // Files that the lost engine was writing are incomplete.
    const folders = new Set([...this.#flights.values()].map(({ job }) => path.dirname(job.target)));
    try {
      await Promise.all([...folders].map((folder) => sweepTemporaries(folder)));
      for (let starts = 1; ; starts++) {
        try {
          await this.#start();
          break;
        } catch (error) {
          if (this.#hasClosed()) return;
          if (this.#device !== 'cpu') this.#leaveDevice(describeError(error));
          else if (starts >= startsMax) throw error;
        }
      }
    } catch (error) {
      for (const id of [...this.#flights.keys()]) this.#land(id)?.reject(error);
      this.#previews.rejectAll(error);
    } finally {
      this.#isRestarting = false;
    }
    // The engine may have died again before the restart was marked as finished.
    this.#dispatch();
  }

  /** For use after an await, where the compiler would assume that the value has not changed. */
  #hasClosed(): boolean {
    return this.#isClosed;
  }

  #land(id: number): Flight | undefined {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    if (this.#flights.size === 0) this.#watch();
    return flight;
  }

  /** Whether anyone is waiting for a message of the engine. */
  get #isAwaited(): boolean {
    return this.#flights.size > 0 || !this.#previews.isEmpty || this.#isOpening;
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    if (!this.#isAwaited || this.#isClosed) return;
    const stallMs = this.#options.stallMs ?? defaultStallMs;
    const isLeaving = [...this.#flights.values()].some(({ isCancelled }) => isCancelled);
    const silenceMs = isLeaving ? Math.min(stallMs, cancelStallMs) : stallMs;
    this.#watchdog = setTimeout(() => {
      // The last message may have been the awaited one.
      if (this.#isAwaited) this.#process?.kill(`after ${String(silenceMs / 1000)} s of silence`);
    }, silenceMs);
    this.#watchdog.unref();
  }
}
