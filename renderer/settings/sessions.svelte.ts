/** The windows connected to the served app, for the settings page. */

import type { Session } from '../../preload/contract/sessions.ts';
import type { App } from '../state/app.svelte.ts';

export class Sessions {
  readonly #app: App;
  readonly #stop: () => void;
  list = $state.raw<readonly Session[]>([]);
  /** Id of this window's session. */
  own = $state<string>();
  /** A link for a new window, made on request. */
  link = $state<string>();

  constructor(app: App) {
    this.#app = app;
    this.#stop = app.client.on('sessions.changed', ({ sessions }) => {
      // The shown link was used, or a session was ended, which invalidates links.
      if (idsOf(sessions) !== idsOf(this.list)) this.link = undefined;
      this.list = sessions;
    });
    void this.#read();
  }

  close(): void {
    this.#stop();
  }

  get hasOthers(): boolean {
    return this.list.some(({ id }) => id !== this.own);
  }

  async end(session: string): Promise<void> {
    await this.#app.attempt(this.#app.client.call('sessions.end', { session }));
  }

  async endOthers(): Promise<void> {
    await this.#app.attempt(this.#app.client.call('sessions.endOthers', {}));
  }

  async makeLink(): Promise<void> {
    this.link = (await this.#app.attempt(this.#app.client.call('sessions.newLink', {})))?.address;
  }

  async #read(): Promise<void> {
    const answer = await this.#app.attempt(this.#app.client.call('sessions.read', {}));
    if (answer === undefined) return;
    this.own = answer.own;
    this.list = answer.sessions;
  }
}

function idsOf(sessions: readonly Session[]): string {
  return sessions.map(({ id }) => id).join(' ');
}
