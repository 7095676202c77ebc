/** Holds the decoded pairs in use, and decodes one file after another. */

import { describeError, Refusal } from '../../../base/refusal.ts';
import type { LoadedPair } from './patches.ts';
import type { UsablePair } from '../pairs.ts';
import { loadExposure, loadTarget, type PairTarget } from '../load.ts';

/** Bytes of a pair in memory: two mosaics, or a mosaic and a picture of three colours. */
export function bytesOf({ width, height, target }: UsablePair): number {
  return width * height * 2 * (target === 'raw' ? 2 : 4);
}

/** None of the requested files can be reached at the moment. */
export class Away extends Error {}

/**
 * Holds exactly the requested pairs. Reads one file at a time. Reports a pair whose files can no longer
 * be read once, and leaves it out from then on.
 */
export class PairStore {
  readonly #pairs: readonly UsablePair[];
  readonly #onSkipped: (account: string) => void;
  readonly #loaded = new Map<number, Promise<LoadedPair | undefined>>();
  /** Targets by file, because the exposures of a scene share one. */
  readonly #targets = new Map<
    string,
    { readonly users: Set<number>; target: Promise<PairTarget> }
  >();
  readonly #faulty = new Set<number>();
  /** The reason for each pair that could not be read at the last attempt. */
  readonly #accounts = new Map<number, string>();
  readonly #told = new Set<number>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(pairs: readonly UsablePair[], onSkipped: (account: string) => void) {
    this.#pairs = pairs;
    this.#onSkipped = onSkipped;
  }

  /** Releases all pairs but these, and starts reading them. */
  hold(indices: readonly number[]): void {
    const kept = new Set(indices);
    for (const index of [...this.#loaded.keys()]) {
      if (kept.has(index)) continue;
      this.#loaded.delete(index);
      const file = this.#pairs[index]?.long ?? '';
      const shared = this.#targets.get(file);
      shared?.users.delete(index);
      if (shared?.users.size === 0) this.#targets.delete(file);
    }
    for (const index of indices) void this.#load(index);
  }

  /**
   * The pair of one turn, or, if it cannot be read, the next readable one of its group.
   * @throws Refusal `dataset` if all of them are broken; Away if their disk is missing
   */
  async get(index: number, group: readonly number[]): Promise<LoadedPair> {
    const start = Math.max(0, group.indexOf(index));
    const passed: number[] = [];
    for (let step = 0; step < group.length; step++) {
      const candidate = group[(start + step) % group.length];
      if (candidate === undefined) continue;
      const pair = await this.#load(candidate);
      if (pair === undefined) {
        passed.push(candidate);
        continue;
      }
      this.#tell(passed);
      return pair;
    }
    const { short = '' } = this.#pairs[index] ?? {};
    if (!group.every((each) => this.#faulty.has(each))) {
      throw new Away(`the files of ${group.length} pairs are away, ${short} for one`);
    }
    this.#tell(passed);
    throw new Refusal(
      'dataset',
      `expected the files of ${group.length} pairs, ${short} for one, but none of them can be read any more: check the pairs again`,
    );
  }

  /** Pairs that were replaced by another, each once. */
  #tell(passed: readonly number[]): void {
    for (const index of passed) {
      const account = this.#accounts.get(index);
      if (account === undefined || this.#told.has(index)) continue;
      this.#told.add(index);
      this.#onSkipped(account);
    }
  }

  #load(index: number): Promise<LoadedPair | undefined> {
    const known = this.#loaded.get(index);
    if (known !== undefined) return known;
    const pair = this.#pairs[index];
    if (pair === undefined || this.#faulty.has(index)) return Promise.resolve(undefined);
    const loading = this.#inTurn(async () => {
      // The pair was released before its turn came.
      if (this.#loaded.get(index) !== loading) return undefined;
      const short = await loadExposure(pair.short, undefined);
      const target = await this.#target(index, pair, short);
      checkFit(pair, short, target);
      return { short, target, ratio: pair.ratio };
    }).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      // A missing disk may come back, so only broken files are left out for good.
      if (error.code !== 'disk') this.#faulty.add(index);
      if (this.#loaded.get(index) === loading) this.#loaded.delete(index);
      this.#accounts.set(index, `${pair.id}: ${describeError(error)}`);
      return undefined;
    });
    this.#loaded.set(index, loading);
    return loading;
  }

  #target(index: number, pair: UsablePair, short: LoadedPair['short']): Promise<PairTarget> {
    const known = this.#targets.get(pair.long);
    if (known !== undefined) {
      known.users.add(index);
      return known.target;
    }
    const target = loadTarget(pair, short, undefined);
    this.#targets.set(pair.long, { users: new Set([index]), target });
    target.catch(() => {
      this.#targets.delete(pair.long);
    });
    return target;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** Detects a file that was replaced after the check, before a patch is cut from the wrong picture. */
function checkFit(pair: UsablePair, short: LoadedPair['short'], target: PairTarget): void {
  const { width, height } = target.kind === 'raw' ? target.mosaic : target.picture;
  const fits =
    short.width === pair.width &&
    short.height === pair.height &&
    width === pair.width &&
    height === pair.height &&
    (target.kind === 'picture' || target.mosaic.cfa === short.cfa);
  if (fits) return;
  throw new Refusal('dataset', 'its files are not those that were checked: check the pairs again');
}
