/** What every screen shares: the wire, the settings, which screen and dialog is up, and words for failures. */

import { createContext } from 'svelte';
import type { Outputs } from '../../preload/contract/contract.ts';
import type { PixelBase } from '../../preload/contract/pixel-url.ts';
import type { Settings, SettingsPatch } from '../../preload/contract/settings.ts';
import { CallFailure, type Client, type ClosedBecause } from '../../preload/contract/wire.ts';
import type { Question } from '../batch-words.ts';
import type { Bridge } from '../bridge.ts';
import { tipOf, type Command } from '../keys.ts';
import { Lane } from './lane.ts';
import type { Toasts } from './toasts.svelte.ts';

export type Screen = 'library' | 'develop' | 'train';
export type DialogName = 'none' | 'export' | 'paste' | 'settings' | 'help';
export type SettingsPage = 'general' | 'export' | 'devices' | 'models' | 'sessions' | 'about';

/** Words for the first time; each goes away for good once it is closed, or done. */
export type HintName = 'library' | 'develop' | 'compare';

/** A folder asked for, by the window's own chooser. */
export interface FolderQuestion {
  /** Where to begin; undefined: at the folders there are. */
  readonly start: string | undefined;
  /** Undefined: closed without a choice. */
  readonly answer: (path: string | undefined) => void;
}

export class App {
  readonly client: Client;
  readonly pixels: PixelBase;
  readonly info: Outputs['app.info'];
  readonly toasts: Toasts;
  /** Fetches of the cameras' own thumbnails, and of those the network brightens. */
  readonly thumbs = new Lane(2);
  readonly brights = new Lane(1);
  settings = $state.raw<Settings>()!;
  screen = $state<Screen>('library');
  dialog = $state<DialogName>('none');
  folderQuestion = $state.raw<FolderQuestion>();
  question = $state.raw<Question & { readonly answer: (isAgreed: boolean) => void }>();
  settingsPage = $state<SettingsPage>('general');
  isQueueShown = $state(false);
  /** Set once the app cannot be reached any more. */
  closedBecause = $state<ClosedBecause>();
  /** Writes what is still on its way to a sidecar; an export reads it from there. */
  flush: () => Promise<void> = () => Promise.resolve();

  constructor(
    { client, pixels }: Bridge,
    info: Outputs['app.info'],
    settings: Settings,
    toasts: Toasts,
  ) {
    this.client = client;
    this.pixels = pixels;
    this.info = info;
    this.settings = settings;
    this.toasts = toasts;
    client.on('settings.changed', (next) => {
      this.settings = next;
    });
    client.on('app.trouble', ({ account }) => {
      toasts.say(account);
    });
    client.onClose((why) => {
      this.closedBecause = why;
    });
  }

  /** Waits for a call; a failure is shown, a cancellation is not. Undefined in both cases. */
  async attempt<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this.report(error);
      return undefined;
    }
  }

  report(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    if (error instanceof CallFailure) {
      // Of an app that is gone the whole window speaks.
      if (error.code === 'cancelled' || error.code === 'closed') return;
    }
    this.toasts.fail(error instanceof Error ? error.message : String(error));
  }

  async set(patch: SettingsPatch): Promise<void> {
    const settings = await this.attempt(this.client.call('settings.write', patch));
    if (settings !== undefined) this.settings = settings;
  }

  /**
   * Asks for a folder: by the system's dialog where there is one, else by the window's own.
   * @returns undefined if none was chosen
   */
  async chooseFolder(start?: string): Promise<string | undefined> {
    if (this.info.hasDialogs) {
      return (await this.attempt(this.client.call('library.chooseFolder', {})))?.path;
    }
    return new Promise((resolve) => {
      this.folderQuestion?.answer(undefined);
      const answer = (path: string | undefined): void => {
        this.folderQuestion = undefined;
        resolve(path);
      };
      this.folderQuestion = { start, answer };
    });
  }

  /** @returns whether the user agrees */
  confirm(question: Question): Promise<boolean> {
    return new Promise((resolve) => {
      this.question?.answer(false);
      const answer = (isAgreed: boolean): void => {
        this.question = undefined;
        resolve(isAgreed);
      };
      this.question = { ...question, answer };
    });
  }

  openSettings(page: SettingsPage): void {
    this.settingsPage = page;
    this.dialog = 'settings';
  }

  get isMac(): boolean {
    return this.info.platform === 'darwin';
  }

  /** The key that does the same, for a button's tip. */
  keyOf(command: Command): string {
    return tipOf(command, this.isMac);
  }

  hasSeen(hint: HintName): boolean {
    return this.settings.hintsSeen.includes(hint);
  }

  async closeHint(hint: HintName): Promise<void> {
    if (!this.hasSeen(hint)) await this.set({ hintsSeen: [...this.settings.hintsSeen, hint] });
  }
}

export const [appOf, provideApp] = createContext<App>();
