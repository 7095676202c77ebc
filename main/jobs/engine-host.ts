/**
 * Keeps the engines for the current settings: opens them when first needed, and replaces them when
 * settings change.
 */

import type { Settings } from '../../preload/contract/settings.ts';
import { defaultWindowArea, testSide } from '../engine/window-area.ts';
import {
  chooseDevice,
  deviceVerdicts,
  knownDevice,
  type DeviceQuestion,
} from '../engine/devices.ts';
import type { Verdict } from '../engine/protocol.ts';
import { Engine } from '../engine/supervisor.ts';
import type { Device } from '../network/session.ts';
import type { Models } from '../network/models.ts';
import { readModel } from '../network/manifest.ts';
import type { Connect } from '../process/port.ts';
import { Refusal } from '../base/refusal.ts';

export interface EngineHostOptions {
  readonly spawn: Connect;
  readonly models: Models;
  /** Folder for verdicts on devices. */
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

/** Two, so that photos of two cameras with a model each don't open an engine for every picture. */
const slotsMax = 2;

/**
 * After an engine failed to open, how long before it is tried again; otherwise every thumbnail
 * would try.
 */
const failureHoldsMs = 3000;

export class EngineHost {
  readonly #options: EngineHostOptions;
  /** By model; the most recently used comes last. */
  readonly #slots = new Map<string, Slot>();
  /** By a model's SHA-256: the device that is to develop with it. */
  readonly #proved = new Map<string, Device>();
  /** Models that devices are being tested with. */
  readonly #proving = new Set<string>();
  readonly #closing = new AbortController();
  #isClosed = false;

  constructor(options: EngineHostOptions) {
    this.#options = options;
  }

  /**
   * Lends the engine of a model, with the current settings, for one piece of work. It stays open
   * until that is done, even if settings change.
   * @throws Refusal `model`, `device`, `cancelled`; whatever `work` throws
   */
  async use<T>(model: string, work: (engine: Engine) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Refusal('cancelled', 'cancelled');
    const slot = this.#current(model);
    slot.users += 1;
    try {
      return await work(await slot.engine);
    } finally {
      slot.users -= 1;
      this.#retireIfDone(slot);
    }
  }

  /**
   * Opens a model's engine before the first picture is requested. Never throws; the request for the
   * picture gets the error.
   */
  async warm(model: string): Promise<void> {
    await this.use(model, (engine) => {
      engine.warm();
      return Promise.resolve();
    }).catch(() => undefined);
  }

  /**
   * Tests every device with the current model.
   * @throws Refusal `model`, `cancelled`
   */
  async verdicts(isAfresh: boolean, signal: AbortSignal): Promise<readonly Verdict[]> {
    const { models, settings } = this.#options;
    const question = await this.#question(await models.pathOf(settings().model));
    const verdicts = await deviceVerdicts({ ...question, signal }, { isAfresh });
    this.#proved.delete(question.modelSha256);
    return verdicts;
  }

  /** The model's weights have changed, so the next use opens it again. */
  forget(model: string): void {
    const slot = this.#slots.get(model);
    if (slot !== undefined) this.#retire(model, slot);
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort();
    for (const slot of this.#slots.values()) closeSlot(slot);
    this.#slots.clear();
  }

  #current(model: string): Slot {
    const { device, threads } = this.#options.settings();
    const key = JSON.stringify([device, threads]);
    for (const [name, slot] of this.#slots) if (slot.key !== key) this.#retire(name, slot);
    const known = this.#slots.get(model);
    this.#slots.delete(model);
    const slot = known ?? { key, engine: this.#open(model), users: 0, isRetired: false };
    this.#slots.set(model, slot);
    if (known !== undefined) return slot;
    const [oldest] = this.#slots;
    if (this.#slots.size > slotsMax && oldest !== undefined) this.#retire(...oldest);
    slot.engine.catch(() => {
      setTimeout(() => {
        if (this.#slots.get(model) === slot) this.#slots.delete(model);
      }, failureHoldsMs).unref();
    });
    return slot;
  }

  #retire(model: string, slot: Slot): void {
    this.#slots.delete(model);
    slot.isRetired = true;
    this.#retireIfDone(slot);
  }

  async #open(id: string): Promise<Engine> {
    const { models, settings, spawn, onTrouble } = this.#options;
    const { device: asked, threads } = settings();
    const model = await models.pathOf(id);
    const question = await this.#question(model);
    const device = asked === 'auto' ? await this.#deviceFor(id, question) : asked;
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

  /** The processor develops at once; the other devices are tested meanwhile, where nobody has yet. */
  async #deviceFor(id: string, question: DeviceQuestion): Promise<Device> {
    const key = question.modelSha256;
    const known = this.#proved.get(key) ?? (await knownDevice(question));
    if (known !== undefined) return known;
    if (!this.#proving.has(key)) {
      this.#proving.add(key);
      void this.#prove(id, question);
    }
    return 'cpu';
  }

  /** Never throws: what cannot be proved is not used. */
  async #prove(id: string, question: DeviceQuestion): Promise<void> {
    const { signal } = this.#closing;
    const device = await chooseDevice({ ...question, signal }).catch(() => 'cpu' as const);
    this.#proving.delete(question.modelSha256);
    this.#proved.set(question.modelSha256, device);
    // What is under way ends where it began; the next picture is developed on the device.
    if (device !== 'cpu' && this.#options.settings().device === 'auto') this.forget(id);
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
