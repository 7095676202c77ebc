/** Takes one photo through the engine: decode, develop, finish, encode, write. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { blackShift, moveBlack } from '../develop/black.ts';
import { autoRatio } from '../develop/brightness.ts';
import { framePicture } from '../develop/crop.ts';
import { develop, type RunNetwork } from '../develop/develop.ts';
import { checkLinear, fitted, isLinear, type NetworkTerms } from '../develop/dialect.ts';
import { Finisher } from '../develop/finish.ts';
import { addGrain } from '../develop/grain.ts';
import { clippedWhite, keepWhite } from '../develop/highlights.ts';
import { LinearCanvas } from '../develop/linear-canvas.ts';
import { greyed } from '../develop/monochrome.ts';
import { frameNoise } from '../develop/noise.ts';
import { noiseMaps } from '../develop/noise-map.ts';
import { clippingLevel } from '../develop/normalise.ts';
import { packedGrid, type Allocate } from '../develop/pack.ts';
import { withoutLonePixels } from '../develop/lone-pixels.ts';
import { limitLongSide } from '../develop/resize.ts';
import { planTiles } from '../develop/tiles.ts';
import type { DevelopedTile } from '../develop/unpack.ts';
import { straightenerOf } from '../develop/warp.ts';
import { gainsFor } from '../develop/white-balance.ts';
import { holds, writeAtomically } from '../base/atomic.ts';
import { keptRecords } from '../export/kept-records.ts';
import { encodePicture, type Exportable } from '../export/export.ts';
import { decodeRaw } from '../raw/decode.ts';
import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { remosaic } from '../raw/remosaic.ts';
import { Refusal, throwIfCancelled } from '../base/refusal.ts';
import { writeMergedInto } from './burst.ts';
import { burstResultOf, mergeInEngine } from './burst-job.ts';
import { calibratedFrame } from '../calibration/kept.ts';
import type {
  BurstResult,
  Edit,
  PhotoJob,
  PhotoProgress,
  PhotoResult,
  Stages,
} from './protocol.ts';

export interface PhotoContext {
  readonly run: RunNetwork;
  readonly terms: NetworkTerms;
  /**
   * Allocates memory that the network's thread can access too; two windows are in use at any time.
   */
  readonly allocate: Allocate;
  /** Allocates memory for one developed tile. */
  readonly allocateCore: Allocate;
  /** Milliseconds the network has worked for this photo. */
  readonly networkMs: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PhotoProgress) => void;
}

/**
 * Windows cannot get much smaller and still keep a core. If memory runs out at this size, tiles are
 * not the cause.
 */
const windowAreaMin = 240 * 240;

/** Adds up the time of each stage. */
class Stopwatch {
  readonly stages: Stages = { decode: 0, prepare: 0, network: 0, finish: 0, encode: 0, write: 0 };

  async time<T>(stage: keyof Stages, work: () => T | Promise<T>): Promise<T> {
    const beginMs = performance.now();
    try {
      return await work();
    } finally {
      this.stages[stage] += performance.now() - beginMs;
    }
  }
}

/**
 * Enhances one photo.
 * @returns `taken` if another process took the target's name in the meantime
 * @throws Refusal with the photo's name in its message
 */
export async function enhancePhoto(
  job: PhotoJob,
  context: PhotoContext,
): Promise<Omit<PhotoResult, 'device'> | 'taken'> {
  const { networkMs, signal, onProgress } = context;
  const beginMs = performance.now();
  const watch = new Stopwatch();
  const taken = await takePhoto(job, context, watch);
  const burst = taken.burst === undefined ? {} : { burst: taken.burst };
  if (taken.kept !== undefined) {
    return {
      ...taken.kept,
      ...burst,
      stagesMs: watch.stages,
      totalMs: performance.now() - beginMs,
    };
  }
  const { picture, said, plan, tiles } = await developPhoto(taken.mosaic, job, context, watch);

  onProgress({ stage: 'encode', tilesDone: tiles, tilesTotal: tiles });
  const finished = await watch.time('finish', () => framed(picture, job.edit));
  const file = await watch.time('encode', () =>
    encodePicture(finished, said.shot, { signal, records: said.records }),
  );
  throwIfCancelled(signal);
  const outcome = await watch.time('write', () =>
    writeAtomically(job.target, file.chunks(), { overwrite: job.overwrite, signal }),
  );
  // The name may be taken by this very picture, if an earlier engine wrote it and died before it
  // could report.
  if (outcome === 'taken' && !(await holds(job.target, file.chunks()))) return 'taken';
  return {
    photo: job.photo,
    path: job.target,
    bytes: file.byteLength,
    width: finished.image.width,
    height: finished.image.height,
    ratio: plan.ratio,
    gains: [...plan.gains],
    noise: { ...plan.noise.profile, source: plan.noise.source },
    tiles,
    stagesMs: { ...watch.stages, network: networkMs() },
    totalMs: performance.now() - beginMs,
    ...burst,
  };
}

type Taken =
  | { readonly mosaic: () => Mosaic; readonly burst?: BurstResult; readonly kept?: undefined }
  | { readonly kept: Kept; readonly burst: BurstResult };

/** The result of a merged frame that is written as it is: nothing of it is developed. */
type Kept = Omit<PhotoResult, 'device' | 'burst' | 'stagesMs' | 'totalMs'>;

/** Decodes the photo, or merges the burst in its place. */
async function takePhoto(
  job: PhotoJob,
  { terms, signal, onProgress }: PhotoContext,
  watch: Stopwatch,
): Promise<Taken> {
  if (job.output.format === 'dng' && job.burst?.isKept !== true) checkLinear(terms);
  onProgress({ stage: 'decode', tilesDone: 0, tilesTotal: 0 });
  const { burst: order } = job;
  if (order === undefined) {
    return { mosaic: onceOf(await watch.time('decode', () => decode(job.photo, signal))) };
  }
  const merged = await watch.time('decode', () => mergeInEngine(order, { signal, onProgress }));
  const burst = burstResultOf(merged, order.frames);
  if (!order.isKept) return { mosaic: onceOf(merged.mosaic), burst };
  onProgress({ stage: 'encode', tilesDone: 0, tilesTotal: 0 });
  const folder = path.dirname(job.target);
  const file = await watch.time('write', () =>
    writeMergedInto(merged, folder, { isAgain: true, signal }),
  );
  return { kept: await keptOf(job, merged.mosaic, file), burst };
}

async function keptOf({ photo }: PhotoJob, mosaic: Mosaic, file: string): Promise<Kept> {
  const { profile, source } = frameNoise(mosaic);
  const { size } = await stat(file);
  return {
    photo,
    path: file,
    bytes: size,
    width: mosaic.width,
    height: mosaic.height,
    ratio: 1,
    gains: [...mosaic.colour.asShotGains],
    noise: { ...profile, source },
    tiles: 0,
  };
}

/** Hands a mosaic on without keeping it, so that its memory is free before encoding begins. */
function onceOf(mosaic: Mosaic): () => Mosaic {
  let kept: Mosaic | undefined = mosaic;
  return () => {
    if (kept === undefined) throw new Error('expected to hand on the mosaic once');
    const given = kept;
    kept = undefined;
    return given;
  };
}

/** Develops. The mosaic becomes unreachable when this returns, before encoding begins. */
async function developPhoto(
  taken: () => Mosaic,
  job: PhotoJob,
  context: PhotoContext,
  watch: Stopwatch,
) {
  const { terms, allocate, allocateCore, signal, onProgress } = context;
  const { mosaic, ...plan } = await watch.time('prepare', () => planPhoto(taken(), job));
  const { ratio, gains, noise, maps, balance } = plan;
  const grain = {
    strength: job.edit.strength,
    noise: noise.profile,
    ratio,
    gains,
    map: maps.profile,
  };
  const grid = packedGrid(mosaic);
  const run = fitted(context.run, terms, mosaic.colour);
  const straightener = straightenerOf(mosaic);
  const shift = blackShift(job.edit.black ?? 0, { mosaic, ratio, gains });
  const white = clippedWhite(ratio * clippingLevel(mosaic), gains);
  for (let area = job.windowAreaMax; ; area = Math.floor(area / 2)) {
    const tiles = planTiles(grid.width, grid.height, area);
    const sources = straightener ? tiles.map((tile) => straightener.sourceTile(tile)) : tiles;
    const tilesTotal = tiles.length;
    const canvas = canvasFor(mosaic, job, balance);
    try {
      let tilesDone = 0;
      onProgress({ stage: 'network', tilesDone, tilesTotal });
      const light = { mosaic, ratio, gains };
      const known = isLinear(terms) ? { noise: noise.ceiling, map: maps.ceiling } : {};
      const memory = { allocate, allocateCore };
      const asked = { ...light, ...known, tiles: sources, run, ...memory, signal };
      for await (const tile of develop(asked)) {
        await watch.time('finish', () => {
          addGrain(tile, grain);
          greyed(tile.samples, mosaic);
          moveBlack(tile.samples, shift);
          keepWhite(tile.samples, white, balance);
          canvas.add(straightener?.straighten(tile, tiles[tilesDone]!) ?? tile);
        });
        tilesDone += 1;
        onProgress({ stage: 'network', tilesDone, tilesTotal });
      }
      const said = keptRecords(mosaic.shot, mosaic.records, job.records);
      return { picture: canvas.picture, said, plan, tiles: tilesTotal };
    } catch (error) {
      const isMemory = error instanceof Refusal && error.code === 'out-of-memory';
      if (!isMemory || area / 2 < windowAreaMin) throw error;
    }
  }
}

async function decode(photo: string, signal: AbortSignal): Promise<Mosaic> {
  const decoded = await decodeRaw(photo, { signal });
  return decoded.kind === 'mosaic' ? calibratedFrame(decoded.mosaic) : remosaic(decoded.frame);
}

/** Decisions that need the whole frame, made before its first tile. */
function planPhoto(taken: Mosaic, { edit, photo }: PhotoJob) {
  const noise = frameNoise(taken);
  const mosaic = withoutLonePixels(taken, noise.ceiling);
  const gains = mosaic.colour.asShotGains;
  const ratio = edit.ratio === 'auto' ? autoRatio(mosaic, gains) : edit.ratio;
  if (!(ratio >= 1)) throw new Error(`expected a ratio of at least 1 for ${path.basename(photo)}`);
  const maps = noiseMaps(mosaic, noise);
  const chosen = gainsFor(edit.whiteBalance, mosaic);
  const balance: Vector3 = [chosen[0] / gains[0], chosen[1] / gains[1], chosen[2] / gains[2]];
  return { mosaic, gains, ratio, noise, maps, balance };
}

/** Collects tiles into a picture. */
interface Canvas {
  add(tile: DevelopedTile): void;
  readonly picture: Exportable;
}

function canvasFor(mosaic: Mosaic, { edit, output }: PhotoJob, balance: Vector3): Canvas {
  const frame = { ...mosaic, grid: packedGrid(mosaic) };

  if (output.format === 'dng') {
    const canvas = new LinearCanvas(frame, balance);
    return {
      add: (tile) => {
        canvas.add(tile);
      },
      picture: { ...output, image: canvas.image, tone: edit.tone, framing: edit.framing },
    };
  }
  const look = { space: edit.space, balance, tone: edit.tone };
  const finisher = new Finisher(frame, look);
  return {
    add: (tile) => {
      finisher.add(tile);
    },
    picture: { ...output, image: finisher.image },
  };
}

/**
 * A DNG keeps the whole frame at full size, because programs that open one do their own cropping.
 */
function framed(picture: Exportable, { framing, longSide }: Edit): Exportable {
  if (picture.format === 'dng') return picture;
  const whole = framing === undefined ? picture.image : framePicture(picture.image, framing);
  const image = longSide === undefined ? whole : limitLongSide(whole, longSide);
  return { ...picture, image };
}
