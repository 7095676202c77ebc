/** The user's settings: one schema, stored by electron-store or in a JSON file of the same form. */

import path from 'node:path';
import { z } from 'zod';
import {
  defaultExportPresets,
  defaultSettings,
  exportChoiceSchema,
  settingsSchema,
  type Settings,
  type SettingsPatch,
} from '../../preload/contract/settings.ts';
import { JsonFile } from '../base/json-file.ts';

/** Stores settings between runs. */
export interface SettingsFile {
  /** Returns the stored value unchecked; `settingsFrom` turns it into settings. */
  read(): Promise<unknown>;
  write(settings: Settings): Promise<void>;
}

/** For hosts without Electron. */
export function jsonSettingsFile(folder: string): SettingsFile {
  return new JsonFile<unknown>(path.join(folder, 'settings.json'), z.unknown(), {});
}

/** Takes each valid field; the others get their default. */
function settingsFrom(unknown: unknown): Settings {
  const stored = typeof unknown === 'object' && unknown !== null ? unknown : {};
  const found = { ...presetsFromBefore(stored), ...stored };
  let settings = defaultSettings;
  const fields: [string, unknown][] = Object.entries(found);
  for (const [name, value] of fields) {
    const parsed = settingsSchema.safeParse({ ...settings, [name]: value });
    if (parsed.success) settings = parsed.data;
  }
  return settings;
}

/** Versions before 0.2 had one choice for all exports: it becomes the first preset. */
function presetsFromBefore(stored: object): Partial<Settings> {
  const fields = new Map<string, unknown>(Object.entries(stored));
  const choice = exportChoiceSchema.safeParse(fields.get('exportChoice'));
  if (!choice.success) return {};
  const own = { name: 'My export', choice: choice.data };
  return { exportPresets: [own, ...defaultExportPresets], oneClick: [own.name] };
}

export class SettingsStore {
  readonly #file: SettingsFile;
  /** Called on every change; set by the owner of the settings. */
  onChange: (settings: Settings, before: Settings) => void = () => undefined;
  #settings: Settings;

  private constructor(file: SettingsFile, settings: Settings) {
    this.#file = file;
    this.#settings = settings;
  }

  static async open(file: SettingsFile): Promise<SettingsStore> {
    return new SettingsStore(file, settingsFrom(await file.read()));
  }

  get current(): Settings {
    return this.#settings;
  }

  /** @throws Refusal `disk` */
  async write(patch: SettingsPatch): Promise<Settings> {
    const before = this.#settings;
    const given = Object.fromEntries(
      Object.entries(patch).filter(([, value]) => value !== undefined),
    );
    this.#settings = settingsSchema.parse({ ...before, ...given });
    this.onChange(this.#settings, before);
    await this.#file.write(this.#settings);
    return this.#settings;
  }
}
