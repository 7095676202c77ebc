/** Checks training data file by file, and serves the pictures of the last check. */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Check, Dataset } from '../../preload/contract/training.ts';
import { ByteCache } from '../base/byte-cache.ts';
import type { View } from '../view/process.ts';
import type { Picture } from '../engine/protocol.ts';
import { describeError, Refusal, throwIfCancelled } from '../base/refusal.ts';
import type { FoundPairs, PairReport } from '../training/pairs/pairs.ts';
import { isTakeable } from './pair-choice.ts';
import type { Connect } from '../process/port.ts';
import { survey } from './survey.ts';
import { surveyCalls } from './survey-protocol.ts';

export interface ChecksParts {
  readonly view: View;
  readonly spawn: Connect;
}

export interface CheckOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Long side of the pictures, in pixels. */
const smallSide = 320;
const cacheBytes = 64e6;
/** Few at a time, so that the library's thumbnails get their turn. */
const atOnce = 3;

/** A picture of the last check. */
interface Shown {
  readonly file: string;
  /** The ratio that brightens a RAW file. */
  readonly ratio?: number;
}

export class Checks {
  readonly #parts: ChecksParts;
  readonly #cache = new ByteCache<Picture>(() => cacheBytes);
  #id = '';
  #shown: readonly Shown[] = [];
  /** Results of the last check of pairs, by its folders. */
  #pairs: { readonly key: string; readonly reports: readonly PairReport[] } | undefined;

  constructor(parts: ChecksParts) {
    this.#parts = parts;
  }

  /**
   * @param dataset with paths that the window is allowed to name
   * @throws Refusal `dataset` where there is nothing to learn from; `cancelled`
   */
  async check(dataset: Dataset, options: CheckOptions): Promise<Check> {
    return dataset.kind === 'photos'
      ? this.#checkPhotos(dataset.folders, options)
      : this.#checkPairs(dataset.folders, options);
  }

  /** Reports of a finished check, or of a new one. @throws Refusal as `check` */
  async pairReports(
    folders: readonly string[],
    options: CheckOptions,
  ): Promise<readonly PairReport[]> {
    if (this.#pairs?.key !== keyOf(folders)) await this.#checkPairs(folders, options);
    return this.#pairs?.reports ?? [];
  }

  /** @throws Refusal as `decodeRaw`; `bad-argument` for a picture of an earlier check; `cancelled` */
  async picture(check: string, index: number, signal: AbortSignal): Promise<Picture> {
    const shown = this.#shown[index];
    if (check !== this.#id || shown === undefined) {
      throw new Refusal('bad-argument', 'expected a picture of the last check');
    }
    return this.#picture(`${check} ${index}`, shown, signal);
  }

  async #checkPhotos(folders: readonly string[], options: CheckOptions): Promise<Check> {
    const { signal } = options;
    const { spawn } = this.#parts;
    const { files, excluded } = await survey(
      surveyCalls.photos,
      { folders: [...folders] },
      { spawn, signal },
    );
    const id = newId();
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

  async #checkPairs(
    folders: readonly string[],
    { signal, onProgress }: CheckOptions,
  ): Promise<Check> {
    const { spawn } = this.#parts;
    const { found, reports } = await survey(
      surveyCalls.pairs,
      { folders: [...folders] },
      {
        spawn,
        signal,
        onProgress: ({ done, total }) => {
          onProgress(done, total);
        },
      },
    );
    this.#id = newId();
    this.#shown = reports.flatMap(({ pair, facts }) => [
      { file: pair.short, ratio: facts?.ratio ?? pair.statedRatio ?? 1 },
      { file: pair.long, ratio: 1 },
    ]);
    this.#pairs = { key: keyOf(folders), reports };
    return pairsCheck(this.#id, found, reports);
  }

  async #picture(key: string, { file, ratio }: Shown, signal: AbortSignal): Promise<Picture> {
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const picture = await this.#parts.view.picture(
      {
        kind: 'small',
        photo: file,
        longSide: smallSide,
        ...(ratio === undefined ? {} : { ratio }),
      },
      signal,
    );
    this.#cache.set(key, picture);
    return picture;
  }

  /** Reads every file once. @returns the reasons for those that cannot be read */
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
          const name = path.basename(one.file);
          faults.set(index, describeError(error).replaceAll(one.file, name));
        }
        done += 1;
        onProgress(done, shown.length);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return faults;
  }
}

function newId(): string {
  return randomBytes(8).toString('hex');
}

function keyOf(folders: readonly string[]): string {
  return folders.join('\n');
}

function pairsCheck(id: string, found: FoundPairs, reports: readonly PairReport[]): Check {
  return {
    kind: 'pairs',
    check: id,
    layout: found.layout,
    pairs: reports.map((report, index) => {
      const { pair, facts, fault, notices } = report;
      const { ratio, measuredRatio, shift, camera } = facts ?? {};
      const statedRatio = facts?.statedRatio ?? pair.statedRatio;
      return {
        id: pair.id,
        scene: pair.scene,
        short: { name: path.basename(pair.short), index: 2 * index },
        long: { name: path.basename(pair.long), index: 2 * index + 1 },
        ...(camera === undefined ? {} : { camera }),
        ...(ratio === undefined ? {} : { ratio }),
        ...(statedRatio === undefined ? {} : { statedRatio }),
        ...(measuredRatio === undefined ? {} : { measuredRatio }),
        ...(shift === undefined ? {} : { shift: { x: shift.x, y: shift.y } }),
        ...(fault === undefined ? {} : { fault: fault.sentence }),
        canBeTaken: isTakeable(report),
        notices: notices.map(({ sentence }) => sentence),
      };
    }),
    unpaired: found.unpaired.map(({ file, reason }) => ({ name: path.basename(file), reason })),
  };
}
