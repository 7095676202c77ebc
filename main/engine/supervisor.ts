/**
 * Keeps an engine alive: starts it, hands it photos, and when native code takes it down starts it
 * again, with smaller tiles and at last on the processor, so that no photo is lost to a crash.
 */

import path from 'node:path';
import { sweepTemporaries } from '../base/atomic.ts';
import type { Device } from '../network/session.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import { crash, type Enhanced, type Flight } from './flight.ts';
import { PreviewFlights } from './previews/flights.ts';
import type { EngineProcess, SpawnEngine } from './process.ts';
import {
  errorOf,
  type Failure,
  type PhotoJob,
  type PhotoProgress,
  type Picture,
  type PreviewJob,
  type Reply,
} from './protocol.ts';

export interface EngineOptions {
  readonly model: string;
  readonly device: Device;
  readonly threads?: number;
  /** One look at each tile where the model has two. */
  readonly isQuick?: boolean;
  readonly windowAreaMax: number;
  readonly spawn: SpawnEngine;
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
export type PhotoOrder = Omit<PhotoJob, 'id' | 'windowAreaMax'>;

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
  #process: EngineProcess | undefined;
  /** Settled by the answer to "open"; undefined when none is awaited. */
  #opening: PromiseWithResolvers<undefined> | undefined;
  #isReady = false;
  #isRestarting = false;
  #watchdog: NodeJS.Timeout | undefined;
  /** What the watchdog killed the engine for. */
  #silence: string | undefined;
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
          job: { ...order, id, windowAreaMax: this.#options.windowAreaMax },
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
    const id = this.#nextId++;
    const cancel = (): void => {
      this.#previews.cancel(id, (request) => this.#process?.send(request));
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const picture = this.#previews.add(id, job);
      this.#dispatch();
      return await picture;
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Gets ready for a first `preview`. */
  warm(): void {
    if (this.#isReady) this.#process?.send({ kind: 'warm' });
  }

  /** Ends the engine. Photos under way are refused as cancelled; nothing half-written stays. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#watchdog);
    const cancelled = new Refusal('cancelled', 'cancelled');
    this.#opening?.reject(cancelled);
    for (const flight of this.#flights.values()) flight.reject(cancelled);
    this.#flights.clear();
    this.#previews.rejectAll(cancelled);
    this.#process?.kill();
  }

  async #start(): Promise<void> {
    const { model, threads, isQuick = false, spawn } = this.#options;
    const opening = Promise.withResolvers<undefined>();
    this.#opening = opening;
    const engine = spawn({
      reply: (reply) => {
        if (this.#process === engine) this.#receive(reply);
      },
      exit: (reason) => {
        if (this.#process === engine) this.#lose(reason);
      },
    });
    this.#process = engine;
    this.#watch();
    engine.send({
      kind: 'open',
      model,
      device: this.#device,
      isQuick,
      ...(threads === undefined ? {} : { threads }),
    });
    try {
      await opening.promise;
    } catch (error) {
      if (this.#process === engine) this.#process = undefined;
      engine.kill();
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  /**
   * Gives waiting photos to the engine. One that an engine died under is alone with the next: if
   * that dies too, no other photo is to blame.
   */
  #dispatch(): void {
    const flights = [...this.#flights.values()];
    const waiting = flights.filter(({ isSent }) => !isSent);
    if (waiting.length === 0 && !this.#previews.isWaiting) return;
    if (!this.#isReady) {
      void this.#restart();
      return;
    }
    this.#previews.dispatch((request) => this.#process?.send(request));
    const suspect = flights.find(({ crashes }) => crashes > 0);
    const isBusy = waiting.length < flights.length;
    for (const flight of suspect === undefined ? waiting : isBusy ? [] : [suspect]) {
      flight.isSent = true;
      flight.stage = 'decode';
      this.#process?.send({ kind: 'enhance', job: flight.job });
    }
    this.#watch();
  }

  #cancel(id: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.isCancelled = true;
    if (flight.isSent) {
      this.#process?.send({ kind: 'cancel', id });
      this.#watch();
    } else {
      this.#land(id)?.reject(new Refusal('cancelled', 'cancelled'));
    }
  }

  #receive(reply: Reply): void {
    this.#watch();
    switch (reply.kind) {
      case 'opened':
        this.#isReady = true;
        this.#opening?.resolve(undefined);
        break;
      case 'not-opened':
        this.#opening?.reject(errorOf(reply.failure));
        break;
      case 'progress': {
        const flight = this.#flights.get(reply.id);
        if (flight === undefined) break;
        flight.stage = reply.progress.stage;
        flight.onProgress?.(reply.progress);
        break;
      }
      case 'done':
        this.#land(reply.id)?.resolve({ result: reply.result, peakRssBytes: reply.peakRssBytes });
        break;
      case 'taken':
        this.#land(reply.id)?.resolve('taken');
        break;
      case 'failed':
        this.#fail(reply.id, reply.failure);
        break;
      case 'previewed':
        this.#previews.land(reply.id, reply.picture);
        break;
      case 'preview-failed':
        if (!this.#isLeavingDevice(reply.failure)) this.#previews.fail(reply.id, reply.failure);
        break;
      case 'tested':
        break;
    }
    this.#dispatch();
  }

  /** A device that fails is left for the processor; what fails there fails. */
  #fail(id: number, failure: Failure): void {
    if (!this.#isLeavingDevice(failure)) this.#land(id)?.reject(errorOf(failure));
  }

  #isLeavingDevice(failure: Failure): boolean {
    const isDeviceTrouble = failure.code === 'device' || failure.code === 'out-of-memory';
    if (!isDeviceTrouble || this.#device === 'cpu') return false;
    this.#leaveDevice(failure.message);
    const engine = this.#process;
    this.#process = undefined;
    this.#isReady = false;
    engine?.kill();
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
  #lose(exitReason: string): void {
    const reason = this.#silence ?? exitReason;
    this.#silence = undefined;
    this.#process = undefined;
    this.#isReady = false;
    if (this.#isClosed) return;
    if (this.#opening !== undefined) {
      const model = path.basename(this.#options.model);
      this.#opening.reject(
        new Refusal(
          'device',
          `expected to open the model ${model} on ${this.#device} but the engine ended ${reason}`,
        ),
      );
      return;
    }
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

  #watch(): void {
    clearTimeout(this.#watchdog);
    const isAwaited =
      this.#flights.size > 0 || !this.#previews.isEmpty || this.#opening !== undefined;
    if (!isAwaited || this.#isClosed) return;
    const stallMs = this.#options.stallMs ?? defaultStallMs;
    const isLeaving = [...this.#flights.values()].some(({ isCancelled }) => isCancelled);
    const silenceMs = isLeaving ? Math.min(stallMs, cancelStallMs) : stallMs;
    this.#watchdog = setTimeout(() => {
      if (this.#process === undefined) return;
      this.#silence = `after ${String(silenceMs / 1000)} s of silence`;
      this.#process.kill();
    }, silenceMs);
    this.#watchdog.unref();
  }
}
