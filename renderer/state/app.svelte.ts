/**
 * State shared by all screens: the wire, the settings, the current screen and dialog, and error
 * messages.
 */

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
export type DialogName = 'none' | 'export' | 'merge' | 'paste' | 'settings' | 'help';
export type SettingsPage = 'general' | 'export' | 'devices' | 'models' | 'sessions' | 'about';

/** First-time hints; each stays away once it was closed or its advice was followed. */
export type HintName = 'library' | 'develop' | 'compare';

/** A request for a folder from the window's own chooser. */
export interface FolderQuestion {
  /** Folder to start in; undefined starts with the available roots. */
  readonly start: string | undefined;
  /** Called with undefined if the chooser was closed without a choice. */
  readonly answer: (path: string | undefined) => void;
}

export class App {
  readonly client: Client;
  readonly pixels: PixelBase;
  readonly info: Outputs['app.info'];
  readonly toasts: Toasts;
  /** Lanes for thumbnails: the cameras' previews, and pictures brightened by the network. */
  readonly thumbs = new Lane(2);
  readonly brights = new Lane(1);
  settings = $state.raw<Settings>()!;
  screen = $state<Screen>('library');
  dialog = $state<DialogName>('none');
  folderQuestion = $state.raw<FolderQuestion>();
  question = $state.raw<Question & { readonly answer: (isAgreed: boolean) => void }>();
  settingsPage = $state<SettingsPage>('general');
  isQueueShown = $state(false);
  /** Whether only the photos are shown: no bars and no panels. */
  arePanelsHidden = $state(false);
  /** Set once the app can no longer be reached. */
  closedBecause = $state<ClosedBecause>();
  /** Writes pending edits to their sidecars, from which an export reads them. */
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

  /** Awaits a call. Shows its failure, but not a cancellation; returns undefined in both cases. */
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
      // If the app is gone, the whole window says so.
      if (error.code === 'cancelled' || error.code === 'closed') return;
    }
    this.toasts.fail(error instanceof Error ? error.message : String(error));
  }

  async set(patch: SettingsPatch): Promise<void> {
    const settings = await this.attempt(this.client.call('settings.write', patch));
    if (settings !== undefined) this.settings = settings;
  }

  /**
   * Asks for a folder with the system's dialog if there is one, otherwise with the window's own.
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

  /** The whole screen for the photos, or back to the window. */
  async toggleFullScreen(): Promise<void> {
    const { fullscreenElement, documentElement } = document;
    await this.attempt(
      fullscreenElement === null ? documentElement.requestFullscreen() : document.exitFullscreen(),
    );
  }

  openSettings(page: SettingsPage): void {
    this.settingsPage = page;
    this.dialog = 'settings';
  }

  get isMac(): boolean {
    return this.info.platform === 'darwin';
  }

  /** The key of a command, for its button's tip. */
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
