/** The cameras that the user measured: one profile a make and model, in the app's own data. */

import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile } from '../preload/camera-profile.ts';
import { appFolder } from './app-folder.ts';
import { readCameraProfile, writeCameraProfile } from './training/camera-file.ts';
import { Refusal } from './refusal.ts';

type Named = Pick<CameraProfile, 'make' | 'model'>;

/** Where the profiles are whose cameras' photos are developed with them. */
export const camerasFolder = (): string => path.join(appFolder(), 'cameras');

export class Cameras {
  readonly #folder: string;

  constructor(folder: string = camerasFolder()) {
    this.#folder = folder;
  }

  /** By name; what can't be read is passed over. */
  async list(): Promise<CameraProfile[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const profiles: CameraProfile[] = [];
    for (const name of names.filter((candidate) => candidate.endsWith('.json')).sort()) {
      const profile = await readCameraProfile(path.join(this.#folder, name)).catch(() => undefined);
      if (profile !== undefined) profiles.push(profile);
    }
    return profiles;
  }

  /**
   * Keeps a profile for its camera's photos, in place of an earlier one.
   * @returns where
   * @throws Refusal `bad-argument` if the frames did not name their camera; `disk`
   */
  async keep(profile: CameraProfile): Promise<string> {
    const file = this.fileOf(profile);
    if (file === undefined) {
      throw new Refusal(
        'bad-argument',
        `expected the frames of ${profile.name} to name their camera, so that its photos are known, but they don't`,
      );
    }
    await mkdir(this.#folder, { recursive: true }).catch((error: unknown) => {
      throw new Refusal('disk', `could not make ${this.#folder}`, { cause: error });
    });
    await writeCameraProfile(file, profile);
    return file;
  }

  /** @throws Refusal `bad-argument` if there is none */
  async remove(camera: Named): Promise<void> {
    const file = this.fileOf(camera);
    if (file === undefined || !(await stat(file).catch(() => undefined))) {
      throw new Refusal('bad-argument', `no profile is kept for ${camera.model}`);
    }
    await unlink(file);
  }

  /** Undefined for a camera without a name. */
  fileOf({ make, model }: Named): string | undefined {
    const slug = `${make} ${model}`
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '');
    return slug === '' ? undefined : path.join(this.#folder, `${slug.slice(0, 100)}.json`);
  }
}
