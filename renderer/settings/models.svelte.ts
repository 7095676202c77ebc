/** The available models, shipped and imported. */

import { createContext } from 'svelte';
import type { ModelSummary } from '../../preload/contract/contract.ts';
import type { App } from '../state/app.svelte.ts';
import { strings } from '../strings.ts';

export class Models {
  readonly #app: App;
  list = $state.raw<readonly ModelSummary[]>([]);

  constructor(app: App) {
    this.#app = app;
  }

  async read(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('models.list', {}));
    if (answer !== undefined) this.list = answer.models;
  }

  /** @param path of a manifest or the ONNX file beside it */
  async add(path: string): Promise<boolean> {
    const model = await this.#app.attempt(this.#app.client.call('models.import', { path }));
    if (model !== undefined) await this.read();
    return model !== undefined;
  }

  /** Opens the system's dialog; only for hosts that have one. */
  async choose(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('models.choose', {}));
    if (answer?.path !== undefined) await this.add(answer.path);
  }

  async rename(model: string, name: string): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('models.rename', { model, name }));
    if (answer !== undefined) await this.read();
  }

  /** Copies a model's files into a folder. */
  async export(model: string, folder: string): Promise<void> {
    const answer = await this.#app.attempt(
      this.#app.client.call('models.export', { model, folder }),
    );
    if (answer !== undefined) this.#app.toasts.say(strings.modelExported(answer.path));
  }

  async remove(model: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('models.remove', { model }));
    await this.read();
  }
}

export const [modelsOf, provideModels] = createContext<Models>();
