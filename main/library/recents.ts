/** Recently opened folders, latest first. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { JsonFile } from '../base/json-file.ts';

const countMax = 12;
const recentsSchema = z.array(z.string()).max(1000);

export interface Recent {
  readonly path: string;
  readonly name: string;
  readonly isThere: boolean;
}

export class Recents {
  readonly #file: JsonFile<string[]>;
  #folders: readonly string[];

  private constructor(file: JsonFile<string[]>, folders: readonly string[]) {
    this.#file = file;
    this.#folders = folders;
  }

  static async open(dataFolder: string): Promise<Recents> {
    const file = new JsonFile(path.join(dataFolder, 'recent.json'), recentsSchema, []);
    return new Recents(file, await file.read());
  }

  get paths(): readonly string[] {
    return this.#folders;
  }

  async list(): Promise<Recent[]> {
    return Promise.all(
      this.#folders.map(async (folder) => ({
        path: folder,
        name: path.basename(folder) || folder,
        isThere: (await stat(folder).catch(() => undefined))?.isDirectory() === true,
      })),
    );
  }

  async add(folder: string): Promise<void> {
    await this.#set([folder, ...this.#folders.filter((one) => one !== folder)].slice(0, countMax));
  }

  async forget(folder: string): Promise<void> {
    await this.#set(this.#folders.filter((one) => one !== folder));
  }

  /** Failing to store the list is not an error. */
  async #set(folders: readonly string[]): Promise<void> {
    this.#folders = folders;
    await this.#file.write([...folders]).catch(() => undefined);
  }
}
