/** Profiles of the cameras measured here, as files in the app's data. */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile } from '../../preload/contract/camera-profile.ts';
import type { Camera } from '../../preload/contract/training.ts';
import { cameraName } from '../raw/camera-name.ts';
import { Refusal } from '../base/refusal.ts';
import { readCameraProfile, writeCameraProfile } from '../darkness/camera-file.ts';

export class Cameras {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The latest first. Files that cannot be read are skipped. */
  async list(): Promise<Camera[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const cameras = await Promise.all(
      names
        .filter((name) => /^[0-9a-f]{16}\.json$/.test(name))
        .map(async (name) => {
          const id = name.slice(0, 16);
          const profile = await readCameraProfile(this.#fileOf(id)).catch(() => undefined);
          return profile === undefined ? [] : [cameraOf(id, profile)];
        }),
    );
    return cameras.flat().sort((a, b) => (a.measuredAt < b.measuredAt ? 1 : -1));
  }

  /** @throws Refusal `bad-argument` if there is none, or it is damaged */
  async read(id: string): Promise<{ readonly camera: Camera; readonly profile: CameraProfile }> {
    const profile = await readCameraProfile(this.#fileOf(id)).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === 'disk')
        throw new Refusal(
          'bad-argument',
          'expected a measured camera but there is none: measure it again',
        );
      throw error;
    });
    return { camera: cameraOf(id, profile), profile };
  }

  /** @throws Refusal `disk` */
  async add(profile: CameraProfile): Promise<Camera> {
    const id = randomBytes(8).toString('hex');
    await mkdir(this.#folder, { recursive: true });
    await writeCameraProfile(this.#fileOf(id), profile);
    return cameraOf(id, profile);
  }

  /** Reads the profile and returns its path. @throws Refusal as `read` */
  async fileOf(id: string): Promise<string> {
    await this.read(id);
    return this.#fileOf(id);
  }

  #fileOf(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}

function cameraOf(id: string, { name, make, model, measuredAt, isos }: CameraProfile): Camera {
  return {
    id,
    name,
    camera: cameraName({ make, model }) ?? name,
    measuredAt,
    isos: isos.map(({ iso }) => iso),
  };
}
