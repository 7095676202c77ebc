/** The develop engine for the present settings: opened when first needed, changed when they change. */

import type { Settings } from '../../preload/settings.ts';
import { defaultWindowArea, testSide } from '../commands/network-options.ts';
import { chooseDevice, deviceVerdicts } from '../engine/devices.ts';
import type { SpawnEngine } from '../engine/process.ts';
import type { Verdict } from '../engine/protocol.ts';
import { Engine } from '../engine/supervisor.ts';
import type { Models } from '../models.ts';
import { readModel } from '../network/manifest.ts';
import { Refusal } from '../refusal.ts';

export interface EngineHostOptions {
  readonly spawn: SpawnEngine;
  readonly models: Models;
  /** Where verdicts on devices are remembered. */
  readonly folder: string;
  readonly settings: () => Settings;
  readonly onTrouble: (account: string) => void;
}

interface Slot {
  readonly key: string;
  readonly engine: Promise<Engine>;
  users: number;
  isRetired: boolean;
}

/** An engine that could not be opened is not tried for every thumbnail anew. */
const failureHoldsMs = 3000;

export class EngineHost {
  readonly #options: EngineHostOptions;
  #slot: Slot | undefined;
  #isClosed = false;

  constructor(options: EngineHostOptions) {
    this.#options = options;
  }

  /**
   * Lends the engine of the present settings for one piece of work; it stays open that long even
   * if they change.
   * @throws Refusal `model`, `device`, `cancelled`; whatever `work` throws
   */
  async use<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    const slot = this.#current();
    slot.users += 1;
    try {
      return await work(await slot.engine);
    } finally {
      slot.users -= 1;
      this.#retireIfDone(slot);
    }
  }

  /** Every device tried with the present model. @throws Refusal `model`, `cancelled` */
  async verdicts(isAfresh: boolean, signal: AbortSignal): Promise<readonly Verdict[]> {
    const { models, settings } = this.#options;
    const question = await this.#question(await models.pathOf(settings().model));
    return deviceVerdicts({ ...question, signal }, { isAfresh });
  }

  close(): void {
    this.#isClosed = true;
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot !== undefined) closeSlot(slot);
  }

  #current(): Slot {
    const { model, device, threads } = this.#options.settings();
    const key = JSON.stringify([model, device, threads]);
    const known = this.#slot;
    if (known?.key === key) return known;
    if (known !== undefined) {
      known.isRetired = true;
      this.#retireIfDone(known);
    }
    const slot: Slot = { key, engine: this.#open(), users: 0, isRetired: false };
    this.#slot = slot;
    slot.engine.catch(() => {
      setTimeout(() => {
        if (this.#slot === slot) this.#slot = undefined;
      }, failureHoldsMs).unref();
    });
    return slot;
  }

  async #open(): Promise<Engine> {
    const { models, settings, spawn, onTrouble } = this.#options;
    const { model: id, device: asked, threads } = settings();
    const model = await models.pathOf(id);
    const question = await this.#question(model);
    const device = asked === 'auto' ? await chooseDevice(question) : asked;
    const engine = await Engine.open({
      model,
      device,
      ...(threads === 0 ? {} : { threads }),
      windowAreaMax: question.windowAreaMax,
      spawn,
      onTrouble,
    });
    if (this.#isClosed) {
      engine.close();
      throw new Refusal('cancelled', 'cancelled');
    }
    return engine;
  }

  async #question(model: string) {
    const { manifest } = await readModel(model);
    const windowAreaMax = defaultWindowArea(manifest);
    const { spawn, folder: memory } = this.#options;
    return {
      model,
      modelSha256: manifest.sha256,
      side: testSide(windowAreaMax),
      spawn,
      memory,
      windowAreaMax,
    };
  }

  #retireIfDone(slot: Slot): void {
    if (slot.isRetired && slot.users === 0) closeSlot(slot);
  }
}

function closeSlot({ engine }: Slot): void {
  engine.then(
    (opened) => opened.close(),
    () => undefined,
  );
}
