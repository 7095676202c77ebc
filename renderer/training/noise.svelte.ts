/**
 * The noise that darkens clean photos: that of invented cameras, of a camera measured before, or of
 * one measured now.
 */

import type { Camera, CameraNoise } from '../../preload/contract/training.ts';
import type { App } from '../state/app.svelte.ts';

export type NoiseSource = 'general' | 'measure' | { readonly camera: string };

export interface MeasuredCamera {
  readonly camera: Camera;
  readonly profile: CameraNoise;
}

export class Noise {
  readonly #app: App;
  readonly #changed: () => void;
  source = $state.raw<NoiseSource>('general');
  darkFolder = $state<string>();
  flatFolder = $state<string>();
  /** Cameras measured before. */
  cameras = $state.raw<readonly Camera[]>([]);
  /** The measured or chosen camera. */
  measured = $state.raw<MeasuredCamera>();
  isMeasuring = $state(false);

  /** Whether the folder of dark frames is still missing. */
  readonly isMissing: boolean = $derived(
    this.source === 'measure' && this.darkFolder === undefined,
  );

  /** @param changed called after every change of the choice */
  constructor(app: App, changed: () => void) {
    this.#app = app;
    this.#changed = changed;
  }

  /** Id of the measured camera, if its noise is used. */
  get camera(): string | undefined {
    return this.source === 'general' ? undefined : this.measured?.camera.id;
  }

  choose(source: NoiseSource): void {
    this.source = source;
    this.#forget();
  }

  setDark(folder: string): void {
    this.darkFolder = folder;
    this.#forget();
  }

  /** @param folder undefined if there are no flat frames */
  setFlat(folder: string | undefined): void {
    this.flatFolder = folder;
    this.#forget();
  }

  async readCameras(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('training.cameras', {}));
    if (answer !== undefined) this.cameras = answer.cameras;
  }

  /**
   * Measures the camera, or reads its measurement, unless that is already done.
   * @throws CallFailure
   */
  async learn(
    signal: AbortSignal,
    onProgress: (progress: { readonly done: number; readonly total: number }) => void,
  ): Promise<void> {
    const { source, darkFolder: dark, flatFolder: flat } = this;
    const { client } = this.#app;
    if (source === 'general' || this.measured !== undefined) return;
    if (source !== 'measure') {
      this.measured = await client.call('training.camera', source, { signal });
      return;
    }
    if (dark === undefined) return;
    this.isMeasuring = true;
    try {
      const frames = { dark, ...(flat === undefined ? {} : { flat }) };
      this.measured = await client.call('training.measureCamera', frames, { signal, onProgress });
    } finally {
      this.isMeasuring = false;
    }
    void this.readCameras();
  }

  #forget(): void {
    this.measured = undefined;
    this.#changed();
  }
}
