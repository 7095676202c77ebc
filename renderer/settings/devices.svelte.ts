/** The devices that the network can use here, with their test results. */

import { createContext } from 'svelte';
import { deviceChoices } from '../../preload/contract/choices.ts';
import type { DeviceVerdict } from '../../preload/contract/contract.ts';
import type { Settings } from '../../preload/contract/settings.ts';
import type { App } from '../state/app.svelte.ts';

type DeviceChoice = Settings['device'];

export class Devices {
  readonly #app: App;
  /** Undefined until they were tested or remembered results were read. */
  verdicts = $state.raw<readonly DeviceVerdict[]>();
  isTesting = $state(false);

  /** The devices to choose from: auto, the current choice, and all that passed the test. */
  readonly offered: readonly DeviceChoice[] = $derived.by(() => {
    const { device } = this.#app.settings;
    return deviceChoices.filter(
      (name) =>
        name === 'auto' ||
        name === 'cpu' ||
        name === device ||
        this.verdicts?.some((verdict) => verdict.device === name && verdict.isTrusted) === true,
    );
  });
  /** The device that auto means; undefined until it is known. */
  readonly quickest: DeviceVerdict['device'] | undefined = $derived.by(() => {
    const trusted = this.verdicts?.filter(({ isTrusted }) => isTrusted) ?? [];
    const time = (verdict: DeviceVerdict): number => verdict.msPerMegapixel ?? Infinity;
    return trusted.toSorted((a, b) => time(a) - time(b))[0]?.device;
  });

  constructor(app: App) {
    this.#app = app;
  }

  /** @param isAfresh repeats all tests; otherwise remembered results are used */
  async test(isAfresh: boolean, signal?: AbortSignal): Promise<void> {
    this.isTesting = true;
    const answer = await this.#app.attempt(
      this.#app.client.call('devices.test', { isAfresh }, { signal }),
    );
    if (answer !== undefined) this.verdicts = answer.verdicts;
    this.isTesting = false;
  }

  async choose(name: string): Promise<void> {
    const device = deviceChoices.find((choice) => choice === name);
    if (device !== undefined) await this.#app.set({ device });
  }
}

export const [devicesOf, provideDevices] = createContext<Devices>();
