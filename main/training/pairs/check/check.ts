/**
 * Checks what training needs of each pair: readable files, one camera and size, one scene, the stated
 * exposure ratio, no movement, no burnt-out light. Says why a pair is left out in a photographer's words.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { ranges } from '../../../../preload/contract/edits.ts';
import { cameraName, isSameCamera, unknownCamera } from '../../../raw/camera-name.ts';
import type { Mosaic, Shot } from '../../../raw/mosaic.ts';
import { describeError, Refusal, throwIfCancelled } from '../../../base/refusal.ts';
import type { Fault, Notice, Pair, PairFacts, PairReport } from '../pairs.ts';
import { exposureRatio } from '../find/exposures.ts';
import { likenessMin, measureLikeness } from './likeness.ts';
import { loadExposure, loadTarget, shotOfTarget, type PairTarget } from '../load.ts';
import {
  cellsOfMosaic,
  cellsOfPicture,
  measureRatio,
  measureShift,
  type Cells,
} from './measure.ts';

/** Ratios that a pair can be trained at: the app's own range and a little more (10 s ÷ 1/30 s). */
const ratioMin = 1.5;
const ratioMax = 1.1 * ranges.ratio.max;
/** If the light contradicts a stated ratio by more than these factors, it is corrected or refused. */
const ratioTrusted = 1.05;
const ratioBelieved = 1.6;
/** Shifts in pixels: beyond the first, fine detail is lost; beyond the second, the pair teaches blur. */
const shiftNoticed = 1;
const shiftMax = 3;
const saturatedNoticed = 0.1;
const saturatedMax = 0.5;
/** The brightest hundredth of a long exposure must reach at least this share of white. */
const lightMin = 0.005;

export interface CheckPairsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each pair. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Ends the check of one pair. */
class Left extends Error {
  readonly code: Fault;

  constructor(code: Fault, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/**
 * Checks pairs one after another. Decodes one file at a time and holds only the current pair in
 * memory. Reports come in the order of the pairs. Decoding starts threads and finished pictures load
 * sharp, so under Electron this must run in a child process.
 * @throws Refusal `cancelled`; a fault of a pair is in its report
 */
export async function* checkPairs(
  pairs: readonly Pair[],
  { signal, onProgress }: CheckPairsOptions = {},
): AsyncGenerator<PairReport> {
  const checker = new Checker(signal);
  for (const [index, pair] of pairs.entries()) {
    throwIfCancelled(signal);
    const report = await checker.check(pair);
    onProgress?.(index + 1, pairs.length);
    yield report;
  }
}

interface Seen {
  readonly target: PairTarget;
  readonly shot: Shot;
  readonly cells: Cells;
  readonly digest: string;
}

class Checker {
  readonly #signal: AbortSignal | undefined;
  /** The last target, because consecutive pairs often share it. */
  #last: { readonly file: string; readonly seen: Seen } | undefined;
  /** Kept pairs by the content of their short exposures, and scenes by the content of their long ones. */
  readonly #shorts = new Map<string, Pair>();
  readonly #scenes = new Map<string, string>();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  async check(pair: Pair): Promise<PairReport> {
    const notices: PairReport['notices'] = [];
    const notice = (code: Notice, sentence: string): void => {
      notices.push({ code, sentence });
    };
    const known: Pick<PairReport, 'pair' | 'found' | 'facts'> = { pair };
    try {
      const short = await readable(loadExposure(pair.short, this.#signal));
      const seen = await this.#target(pair, short);
      const { target, cells: long } = seen;
      fitTogether(short, target, pair);
      const digest = digestOf(short.samples);
      this.#checkOnce(pair, digest, seen);
      known.found = { scene: pair.scene, longDigest: seen.digest };
      known.pair = this.#inItsScene(pair, seen, notice);
      const shortCells = cellsOfMosaic(short);
      const facts = measure(pair, short, seen, shortCells);
      known.facts = facts;
      if (long.saturated > saturatedMax) {
        throw new Left(
          'saturated',
          `${percent(long.saturated)} of ${name(pair.long)} are burnt out: nothing can be learned there`,
        );
      }
      if (brightest(long) < lightMin) {
        throw new Left('dark', `${name(pair.long)} is nearly black itself: it shows no scene`);
      }
      // If the camera moved, the shift describes the fault more exactly.
      settleShift(facts, pair, notice);
      settleScene(facts, pair);
      known.facts = { ...facts, ...settleRatio(facts, pair, notice) };
      if (long.saturated > saturatedNoticed) {
        notice(
          'partly-saturated',
          `${percent(long.saturated)} of ${name(pair.long)} are burnt out`,
        );
      }
      this.#shorts.set(digest, pair);
      this.#scenes.set(seen.digest, known.pair.scene);
      return { ...known, notices };
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      const fault = { code: error.code, sentence: error.message };
      return { ...known, notices, fault };
    }
  }

  async #target(pair: Pair, short: Mosaic): Promise<Seen> {
    if (this.#last?.file === pair.long) return this.#last.seen;
    this.#last = undefined;
    const target = await readable(loadTarget(pair, short, this.#signal));
    const cells =
      target.kind === 'raw' ? cellsOfMosaic(target.mosaic) : cellsOfPicture(target.picture);
    const seen = {
      target,
      shot: await shotOfTarget(pair.long, target),
      cells,
      digest: digestOf(target.kind === 'raw' ? target.mosaic.samples : target.picture.samples),
    };
    this.#last = { file: pair.long, seen };
    return seen;
  }

  #checkOnce(pair: Pair, digest: string, { digest: longDigest }: Seen): void {
    if (digest === longDigest) {
      throw new Left(
        'duplicate',
        `${name(pair.long)} is the very same picture as the short exposure`,
      );
    }
    const twin = this.#shorts.get(digest);
    if (twin === undefined) return;
    throw new Left(
      'duplicate',
      `${name(pair.short)} is the very same picture as ${name(twin.short)}, which is paired with ${name(twin.long)} already`,
    );
  }

  /** The pair, moved to the scene of an earlier pair with the same long exposure. */
  #inItsScene(
    pair: Pair,
    { digest }: Seen,
    notice: (code: Notice, sentence: string) => void,
  ): Pair {
    const scene = this.#scenes.get(digest) ?? pair.scene;
    if (scene === pair.scene) return pair;
    notice(
      'scene-joined',
      `its long exposure is also that of scene ${scene}: both count as one, so that it is not tested on what it was trained on`,
    );
    return { ...pair, scene };
  }
}

/** Turns a file's refusal into the pair's fault. A cancellation is passed on. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'cancelled') throw error;
    const isPlain = error.message.includes("sensor's mosaic");
    throw new Left(isPlain ? 'no-mosaic' : 'unreadable', describeError(error));
  }
}

function fitTogether(short: Mosaic, target: PairTarget, pair: Pair): void {
  const { width, height } = short;
  const size = `${width} × ${height}`;
  if (target.kind === 'picture') {
    const { picture } = target;
    if (picture.width === width && picture.height === height) return;
    throw new Left(
      'size-differs',
      `${name(pair.long)} has ${picture.width} × ${picture.height} pixels, ${name(pair.short)} ${size}: export it uncropped and at full size`,
    );
  }
  const { mosaic: long } = target;
  if (!isSameCamera(short.shot, long.shot)) {
    const [a, b] = [short, long].map(({ shot }) => cameraName(shot) ?? unknownCamera);
    throw new Left('camera-differs', `the short exposure is from ${a}, the long one from ${b}`);
  }
  if (width !== long.width || height !== long.height) {
    throw new Left(
      'size-differs',
      `${name(pair.long)} has ${long.width} × ${long.height} pixels, ${name(pair.short)} ${size}`,
    );
  }
  if (short.cfa !== long.cfa) {
    throw new Left(
      'layout-differs',
      `the sensor's colours stand as ${short.cfa} in ${name(pair.short)} and as ${long.cfa} in ${name(pair.long)}`,
    );
  }
}

function measure(
  pair: Pair,
  short: Mosaic,
  { target, shot, cells: long }: Seen,
  cells: Cells,
): PairFacts {
  const camera = cameraName(short.shot) ?? unknownCamera;
  const { iso } = short.shot;
  const { cfa, width, height } = short;
  const statedRatio = statedRatioOf(pair, short.shot, shot);
  // The tones of a finished picture are its maker's choice, so they give a ratio only as a last resort.
  const isAsked = target.kind === 'raw' || statedRatio === undefined;
  const measured = isAsked ? measureRatio(cells, long) : undefined;
  const known = statedRatio ?? measured?.ratio;
  const ratio = known ?? 1;
  const shift = measureShift(cells, long, ratio);
  const likeness = measureLikeness(cells, long, target.kind === 'picture' ? undefined : known);
  return {
    camera,
    ...(iso === undefined ? {} : { iso }),
    cfa,
    width,
    height,
    ratio,
    ...(statedRatio === undefined ? {} : { statedRatio }),
    ...(measured === undefined
      ? {}
      : { measuredRatio: measured.ratio, measuredRatioError: measured.error }),
    ...(shift === undefined ? {} : { shift }),
    ...(likeness === undefined ? {} : { likeness }),
    saturated: long.saturated,
  };
}

/** The ratio by EXIF (time, aperture and ISO), else by the names. */
function statedRatioOf(pair: Pair, short: Shot, long: Shot): number | undefined {
  const ratio = exposureRatio(short, long);
  // A picture with the short exposure's own EXIF was made from it, so it says nothing about a longer one.
  const isOwn = pair.target === 'picture' && ratio !== undefined && Math.abs(ratio - 1) < 0.01;
  return isOwn ? pair.statedRatio : (ratio ?? pair.statedRatio);
}

/** The ratio for amplification, or why there is none. */
function settleRatio(
  { statedRatio, measuredRatio, measuredRatioError = 0 }: PairFacts,
  pair: Pair,
  notice: (code: Notice, sentence: string) => void,
): { readonly ratio: number } {
  const times = (ratio: number): string =>
    `×${ratio < 1 ? ratio.toPrecision(1) : ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)}`;
  if (statedRatio === undefined && measuredRatio === undefined) {
    throw new Left(
      'ratio-unknown',
      'neither EXIF nor names say how much longer the long exposure is, and the light is too faint to measure it',
    );
  }
  const ratio = ((): number => {
    if (statedRatio === undefined) {
      const how = pair.target === 'raw' ? 'measured' : "a guess from the picture's tones";
      notice(
        'ratio-measured',
        `${times(measuredRatio ?? 1)}, ${how}: neither EXIF nor names say it`,
      );
      return measuredRatio ?? 1;
    }
    // No measurement contradicts it.
    if (pair.target === 'picture') return statedRatio;
    if (measuredRatio === undefined) {
      notice(
        'ratio-unchecked',
        `${times(statedRatio)} is taken on trust: the light is too faint to measure it`,
      );
      return statedRatio;
    }
    const factor = Math.max(measuredRatio / statedRatio, statedRatio / measuredRatio);
    const doubt = 1 + 2.5 * measuredRatioError;
    if (factor > ratioBelieved * doubt) {
      throw new Left(
        'ratio-differs',
        `by its exposure times it should be ${times(statedRatio)}, by its light it is ${times(measuredRatio)}: the light changed, or these two are not of one scene`,
      );
    }
    if (factor <= ratioTrusted * doubt) return statedRatio;
    notice(
      'ratio-corrected',
      `${times(measuredRatio)} by its light, ${times(statedRatio)} by its exposure times`,
    );
    return measuredRatio;
  })();
  if (ratio < ratioMin) {
    throw new Left(
      'ratio-out-of-range',
      `${name(pair.long)} is hardly brighter than ${name(pair.short)} (${times(ratio)}): are they the wrong way round?`,
    );
  }
  if (ratio > ratioMax) {
    throw new Left(
      'ratio-out-of-range',
      `the long exposure is ${times(ratio)}, more than the ×${ranges.ratio.max} that pictures are brightened by`,
    );
  }
  return { ratio };
}

function settleShift(
  { shift }: PairFacts,
  pair: Pair,
  notice: (code: Notice, sentence: string) => void,
): void {
  if (shift === undefined) return;
  const pixels = Math.hypot(shift.x, shift.y);
  const moved = `${name(pair.long)} is shifted by ${pixels.toFixed(1)} pixels against ${name(pair.short)}`;
  if (pixels - shift.precision > shiftMax) {
    throw new Left('misaligned', `${moved}: the camera moved between them`);
  }
  if (pixels - shift.precision > shiftNoticed) notice('slightly-misaligned', moved);
}

function settleScene({ likeness }: PairFacts, pair: Pair): void {
  if (likeness === undefined || likeness >= likenessMin) return;
  throw new Left(
    'scene-differs',
    `${name(pair.short)} and ${name(pair.long)}: these two do not show the same scene`,
  );
}

/** The 99 % quantile of the cells. */
function brightest({ values }: Cells): number {
  const step = Math.max(1, Math.floor(values.length / 50_000));
  const some = Float32Array.from(
    { length: Math.ceil(values.length / step) },
    (_, index) => values[index * step] ?? 0,
  ).sort();
  return some[Math.floor(0.99 * (some.length - 1))] ?? 0;
}

function digestOf(samples: Uint16Array): string {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  return createHash('sha1').update(bytes).digest('hex');
}

function name(file: string): string {
  return path.basename(file);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
