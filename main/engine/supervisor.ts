/**
 * Keeps an engine alive: starts it, hands it photos, and when native code takes it down starts it
 * again, with smaller tiles and at last on the processor, so that no photo is lost to a crash.
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
  /** One look at each tile where the model has two. */
  readonly isQuick?: boolean;
  readonly windowAreaMax: number;
  readonly spawn: Connect;
  /** Told when something was mended on the way: a restart, another device. */
  readonly onTrouble?: (account: string) => void;
  /** An engine that says nothing for so long while photos wait is taken for hung. */
  readonly stallMs?: number;
}

export interface EnhanceOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: PhotoProgress) => void;
}

/** What a caller says of a photo; the rest of the job is the supervisor's. */
export type PhotoOrder = Omit<PhotoJob, 'windowAreaMax'>;

/** How often an engine is started for photos that wait, if it dies before it can take them. */
const startsMax = 3;
const defaultStallMs = 10 * 60_000;
/** Far above a tile's time: an engine that has not let go of a cancelled photo by then is hung. */
const cancelStallMs = 30_000;

/** One engine, and the photos it has. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #flights = new Map<number, Flight>();
  readonly #previews = new PreviewFlights();
  #device: Device;
  #process: Peer | undefined;
  /** Whether it still opens its network. */
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
      // Its process would keep the program alive.
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
   * Enhances one photo; several may be under way, the first has the network first.
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
   * Pixels for the app's view; they have the network before any photo.
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

  /** Gets ready for a first `preview`. */
  warm(): void {
    if (this.#isReady) this.#process?.tell(warmNote, undefined);
  }

  /** Ends the engine. Photos under way are refused as cancelled; nothing half-written stays. */
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
   * Gives waiting photos to the engine. One that an engine died under is alone with the next: if
   * that dies too, no other photo is to blame.
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

  /** Has the present engine enhance a photo. If it dies, `#lose` decides what comes of the photo. */
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

  /** Has the present engine make a picture for the view. */
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
      // The engine is told by the request's own signal, and has less time now.
      this.#watch();
    } else {
      this.#land(id)?.reject(new Refusal('cancelled', 'cancelled'));
    }
  }

  /** A device that fails is left for the processor; what fails there fails. */
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

  /** What the engine had waits for the next one; what was to stop anyway has stopped. */
  #takeBack(): void {
    for (const [id, flight] of this.#flights) {
      if (flight.isCancelled) this.#land(id)?.reject(new Refusal('cancelled', 'cancelled'));
      flight.isSent = false;
    }
    this.#previews.takeBack();
  }

  /** The process is gone: whoever was in the network may be why. */
  #lose(reason: string): void {
    this.#process = undefined;
    this.#isReady = false;
    // One that could not open has no photos, and `#start` tells of it.
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

  /** For photos that wait; they are given up if no engine can be had for them. */
  async #restart(): Promise<void> {
    if (this.#isRestarting || this.#isClosed) return;
    this.#isRestarting = true;
    // What the lost engine was writing is no picture.
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
    // It may have died again before it was taken for started.
    this.#dispatch();
  }

  /** Asked after a wait, when what was known before it may no longer be true. */
  #hasClosed(): boolean {
    return this.#isClosed;
  }

  #land(id: number): Flight | undefined {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    if (this.#flights.size === 0) this.#watch();
    return flight;
  }

  /** Whether anyone waits for the engine to say something. */
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
      // What was awaited may have come as the last thing the engine said.
      if (this.#isAwaited) this.#process?.kill(`after ${String(silenceMs / 1000)} s of silence`);
    }, silenceMs);
    this.#watchdog.unref();
  }
}
