/** What there is to learn from, looked at file by file; and its pictures, for as long as it is the last check. */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Check, Dataset } from '../../preload/training.ts';
import { ByteCache } from '../byte-cache.ts';
import type { View } from '../engine/preview-process.ts';
import type { Picture } from '../engine/protocol.ts';
import { describeError, Refusal, throwIfCancelled } from '../refusal.ts';
import { survey, type SpawnSurvey } from './survey.ts';

export interface ChecksParts {
  readonly view: View;
  readonly spawn: SpawnSurvey;
}

export interface CheckOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Of its pictures, in pixels. */
const glanceSide = 320;
const cacheBytes = 64e6;
/** The library's own thumbnails come in between. */
const atOnce = 3;

/** A picture of the last check. */
interface Shown {
  readonly file: string;
  readonly ratio?: number;
}

export class Checks {
  readonly #parts: ChecksParts;
  readonly #cache = new ByteCache<Picture>(() => cacheBytes);
  #id = '';
  #shown: readonly Shown[] = [];

  constructor(parts: ChecksParts) {
    this.#parts = parts;
  }

  /**
   * @param dataset with paths that the window may name
   * @throws Refusal `dataset` where there is nothing to learn from; `cancelled`
   */
  async check(dataset: Dataset, options: CheckOptions): Promise<Check> {
    const { signal } = options;
    const { spawn } = this.#parts;
    const { files, excluded } = await survey(
      { kind: 'photos', folders: [...dataset.folders] },
      'photos',
      { spawn, signal },
    );
    const id = randomBytes(8).toString('hex');
    const shown = files.map((file) => ({ file }));
    const faults = await this.#lookAt(id, shown, options);
    this.#id = id;
    this.#shown = shown;
    return {
      kind: 'photos',
      check: id,
      photos: files.map((file, index) => {
        const fault = faults.get(index);
        return { index, name: path.basename(file), ...(fault === undefined ? {} : { fault }) };
      }),
      heldOut: [...excluded],
    };
  }

  /** @throws Refusal as `decodeRaw`; `bad-argument` for a picture of an earlier check; `cancelled` */
  async picture(check: string, index: number, signal: AbortSignal): Promise<Picture> {
    const shown = this.#shown[index];
    if (check !== this.#id || shown === undefined) {
      throw new Refusal('bad-argument', 'expected a picture of the last check');
    }
    return this.#picture(`${check} ${index}`, shown, signal);
  }

  async #picture(key: string, { file, ratio }: Shown, signal: AbortSignal): Promise<Picture> {
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const picture = await this.#parts.view.picture(
      {
        kind: 'glance',
        photo: file,
        longSide: glanceSide,
        ...(ratio === undefined ? {} : { ratio }),
      },
      signal,
    );
    this.#cache.set(key, picture);
    return picture;
  }

  /** Every file once. @returns why, for those that cannot be read */
  async #lookAt(
    id: string,
    shown: readonly Shown[],
    { signal, onProgress }: CheckOptions,
  ): Promise<ReadonlyMap<number, string>> {
    const faults = new Map<number, string>();
    const waiting = [...shown.entries()].reverse();
    let done = 0;
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        const [index, one] = next;
        try {
          await this.#picture(`${id} ${index}`, one, signal);
        } catch (error) {
          throwIfCancelled(signal);
          if (!(error instanceof Refusal)) throw error;
          faults.set(index, describeError(error).replaceAll(one.file, path.basename(one.file)));
        }
        done += 1;
        onProgress(done, shown.length);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return faults;
  }
}
