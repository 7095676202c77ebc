/**
 * Keeps an engine alive: starts it, hands it photos, and when native code takes it down starts it
 * again, with smaller tiles and at last on the processor, so that no photo is lost to a crash.
 */

import path from 'node:path';
import type { Device } from '../network/session.ts';
import { Refusal } from '../refusal.ts';
import type { EngineProcess, SpawnEngine } from './process.ts';
import {
  errorOf,
  type Failure,
  type PhotoJob,
  type PhotoProgress,
  type PhotoResult,
  type Reply,
} from './protocol.ts';

export interface EngineOptions {
  readonly model: string;
  readonly device: Device;
  readonly threads?: number;
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

export interface Enhanced {
  readonly result: PhotoResult;
  /** Largest memory the engine's process has had so far. */
  readonly peakRssBytes: number;
}

/** What a caller says of a photo; the rest of the job is the supervisor's. */
export type PhotoOrder = Omit<PhotoJob, 'id' | 'windowAreaMax'>;

interface Flight {
  job: PhotoJob;
  crashes: number;
  stage: PhotoProgress['stage'];
  readonly resolve: (outcome: Enhanced | 'taken') => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: ((progress: PhotoProgress) => void) | undefined;
}

/** How often an engine may die under a photo before the photo is given up. */
const crashesMax = 3;
const defaultStallMs = 10 * 60_000;

/** One engine, and the photos it has. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #flights = new Map<number, Flight>();
  #device: Device;
  #process: EngineProcess | undefined;
  #opening: PromiseWithResolvers<void> | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #nextId = 1;
  #isClosed = false;

  private constructor(options: EngineOptions) {
    this.#options = options;
    this.#device = options.device;
  }

  /**
   * Starts an engine.
   * @throws Refusal `model` or `device` if it cannot open its network
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    await engine.#start();
    return engine;
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
    if (signal?.aborted === true) throw new Refusal('cancelled', 'cancelled');
    const id = this.#nextId++;
    const cancel = (): void => this.#process?.send({ kind: 'cancel', id });
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<Enhanced | 'taken'>((resolve, reject) => {
        const job = { ...order, id, windowAreaMax: this.#options.windowAreaMax };
        this.#flights.set(id, { job, crashes: 0, stage: 'decode', resolve, reject, onProgress });
        this.#process?.send({ kind: 'enhance', job });
        this.#watch();
      });
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Ends the engine. Photos under way are refused as cancelled; nothing half-written stays. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#watchdog);
    for (const flight of this.#flights.values()) flight.reject(new Refusal('cancelled', 'cancelled'));
    this.#flights.clear();
    this.#process?.kill();
  }

  async #start(): Promise<void> {
    const { model, threads, spawn } = this.#options;
    const opening = Promise.withResolvers<void>();
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
    engine.send({
      kind: 'open',
      model,
      device: this.#device,
      ...(threads === undefined ? {} : { threads }),
    });
    await opening.promise;
  }

  #receive(reply: Reply): void {
    this.#watch();
    switch (reply.kind) {
      case 'opened':
        this.#opening?.resolve();
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
      case 'tested':
        break;
    }
  }

  /** A device that fails is left for the processor; what fails there fails. */
  #fail(id: number, failure: Failure): void {
    const isDeviceTrouble = failure.code === 'device' || failure.code === 'out-of-memory';
    if (isDeviceTrouble && this.#device !== 'cpu') {
      this.#options.onTrouble?.(`${failure.message}; going on with the processor`);
      this.#device = 'cpu';
      const engine = this.#process;
      this.#process = undefined;
      engine?.kill();
      void this.#restart();
      return;
    }
    this.#land(id)?.reject(errorOf(failure));
  }

  /** The process is gone: whoever was in the network may be why. */
  #lose(reason: string): void {
    this.#process = undefined;
    if (this.#isClosed) return;
    for (const [id, flight] of this.#flights) {
      flight.crashes += 1;
      if (flight.crashes >= crashesMax) {
        const name = path.basename(flight.job.photo);
        this.#land(id)?.reject(
          new Refusal(
            'out-of-memory',
            `${name}: the engine ended ${String(flight.crashes)} times while this photo was in it (${reason}): close other programs or choose a smaller --tile`,
          ),
        );
      } else if (flight.stage === 'network') {
        flight.job = { ...flight.job, windowAreaMax: Math.ceil(flight.job.windowAreaMax / 2) };
        if (flight.crashes === crashesMax - 1) this.#device = 'cpu';
      }
    }
    this.#options.onTrouble?.(`the engine ended ${reason}; starting it again`);
    this.#opening?.reject(new Refusal('device', `the engine ended ${reason}`));
    void this.#restart();
  }

  async #restart(): Promise<void> {
    try {
      await this.#start();
      for (const { job } of this.#flights.values()) this.#process?.send({ kind: 'enhance', job });
    } catch (error) {
      for (const id of [...this.#flights.keys()]) this.#land(id)?.reject(error);
    }
  }

  #land(id: number): Flight | undefined {
    const flight = this.#flights.get(id);
    this.#flights.delete(id);
    if (this.#flights.size === 0) clearTimeout(this.#watchdog);
    return flight;
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#flights.size === 0 || this.#isClosed) return;
    this.#watchdog = setTimeout(() => this.#process?.kill(), this.#options.stallMs ?? defaultStallMs);
    this.#watchdog.unref();
  }
}
