/** One photo's way through the engine: decode, develop, finish, encode, write. */

import path from 'node:path';
import { amplifiedLimit } from '../develop/amplify.ts';
import { autoRatio } from '../develop/brightness.ts';
import { framePicture } from '../develop/crop.ts';
import { develop, type RunNetwork, type TileResult } from '../develop/develop.ts';
import { Finisher } from '../develop/finish.ts';
import { addGrain } from '../develop/grain.ts';
import type { CameraLinearImage } from '../develop/image.ts';
import { frameNoise } from '../develop/noise.ts';
import { packedGrid, type Allocate } from '../develop/pack.ts';
import { limitLongSide } from '../develop/resize.ts';
import { planTiles } from '../develop/tiles.ts';
import { gainsFor } from '../develop/white-balance.ts';
import { writeAtomically } from '../export/atomic.ts';
import { encodePicture, type Exportable } from '../export/export.ts';
import { decodeRaw } from '../raw/decode.ts';
import type { Mosaic, Vector3 } from '../raw/mosaic.ts';
import { remosaic } from '../raw/remosaic.ts';
import { Refusal, throwIfCancelled } from '../refusal.ts';
import type { Edit, PhotoJob, PhotoProgress, PhotoResult, Stages } from './protocol.ts';

export interface PhotoContext {
  readonly run: RunNetwork;
  /** Memory that the network's thread sees too; two windows are in use at any time. */
  readonly allocate: Allocate;
  /** Milliseconds the network has worked for this photo. */
  readonly networkMs: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PhotoProgress) => void;
}

/** No window that keeps a core can be smaller by much; below it, memory is not the trouble. */
const windowAreaMin = 240 * 240;

/** Sums the time of each stage. */
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
 * @returns `taken` if the target's name was taken by another process meanwhile
 * @throws Refusal with the photo's name in its message
 */
export async function enhancePhoto(
  job: PhotoJob,
  { run, allocate, networkMs, signal, onProgress }: PhotoContext,
): Promise<Omit<PhotoResult, 'device'> | 'taken'> {
  const beginMs = performance.now();
  const watch = new Stopwatch();
  onProgress({ stage: 'decode', tilesDone: 0, tilesTotal: 0 });
  const mosaic = await watch.time('decode', () => decode(job.photo, signal));
  const plan = await watch.time('prepare', () => planPhoto(mosaic, job));
  let picture: Exportable | undefined;
  let tilesTotal = 0;
  for (let area = job.windowAreaMax; picture === undefined; area = Math.floor(area / 2)) {
    try {
      const grid = packedGrid(mosaic);
      const tiles = planTiles(grid.width, grid.height, area);
      tilesTotal = tiles.length;
      const canvas = canvasFor(mosaic, job, plan);
      onProgress({ stage: 'network', tilesDone: 0, tilesTotal });
      let tilesDone = 0;
      const { ratio, gains, noise } = plan;
      for await (const tile of develop({ mosaic, ratio, gains, tiles, run, allocate, signal })) {
        await watch.time('finish', () => {
          addGrain(tile, { strength: job.edit.strength, noise: noise.profile, ratio, gains });
          canvas.add(tile);
        });
        tilesDone += 1;
        onProgress({ stage: 'network', tilesDone, tilesTotal });
      }
      picture = canvas.picture;
    } catch (error) {
      const isMemory = error instanceof Refusal && error.code === 'out-of-memory';
      if (!isMemory || area / 2 < windowAreaMin) throw error;
    }
  }

  onProgress({ stage: 'encode', tilesDone: tilesTotal, tilesTotal });
  const encoded = await watch.time('finish', () => framed(picture, job.edit));
  const file = await watch.time('encode', () => encodePicture(encoded, mosaic.shot, { signal }));
  throwIfCancelled(signal);
  const outcome = await watch.time('write', () =>
    writeAtomically(job.target, file.chunks(), { overwrite: job.overwrite, signal }),
  );
  if (outcome === 'taken') return 'taken';
  return {
    photo: job.photo,
    path: job.target,
    bytes: file.byteLength,
    width: encoded.image.width,
    height: encoded.image.height,
    ratio: plan.ratio,
    gains: [...plan.gains],
    noise: { ...plan.noise.profile, source: plan.noise.source },
    tiles: tilesTotal,
    stagesMs: { ...watch.stages, network: networkMs() },
    totalMs: performance.now() - beginMs,
  };
}

async function decode(photo: string, signal: AbortSignal): Promise<Mosaic> {
  const decoded = await decodeRaw(photo, { signal });
  return decoded.kind === 'mosaic' ? decoded.mosaic : remosaic(decoded.frame);
}

/** What is decided from the frame as a whole, before its first tile. */
function planPhoto(mosaic: Mosaic, { edit, photo }: PhotoJob) {
  const gains = mosaic.colour.asShotGains;
  const ratio = edit.ratio === 'auto' ? autoRatio(mosaic, gains) : edit.ratio;
  if (!(ratio >= 1)) throw new Error(`expected a ratio of at least 1 for ${path.basename(photo)}`);
  const noise = frameNoise(mosaic);
  const chosen = gainsFor(edit.whiteBalance, mosaic);
  const balance: Vector3 = [chosen[0] / gains[0], chosen[1] / gains[1], chosen[2] / gains[2]];
  return { gains, ratio, noise, balance };
}

/** Where tiles go, and what they make. */
interface Canvas {
  add(tile: TileResult): void;
  readonly picture: Exportable;
}

function canvasFor(
  mosaic: Mosaic,
  { edit, output }: PhotoJob,
  { balance }: { readonly balance: Vector3 },
): Canvas {
  if (output.format === 'dng') return linearCanvas(mosaic, balance);
  const frame = { ...mosaic, grid: packedGrid(mosaic) };
  const finisher = new Finisher(frame, { space: edit.space, balance, tone: edit.tone });
  return {
    add: (tile) => {
      finisher.add(tile);
    },
    picture: { ...output, image: finisher.image },
  };
}

/** A DNG keeps the whole frame at its own size: programs that open one crop it themselves. */
function framed(picture: Exportable | undefined, { framing, longSide }: Edit): Exportable {
  if (picture === undefined) throw new Error('expected a developed picture');
  if (picture.format === 'dng') return picture;
  const whole = framing === undefined ? picture.image : framePicture(picture.image, framing);
  const image = longSide === undefined ? whole : limitLongSide(whole, longSide);
  return { ...picture, image };
}

/** A DNG keeps camera colour: a white balance other than the camera's becomes its AsShotNeutral. */
function linearCanvas(mosaic: Mosaic, balance: Vector3): Canvas {
  const { width, height, orientation, colour } = mosaic;
  const grid = packedGrid(mosaic);
  const [red, green, blue] = colour.asShotGains;
  const asShotGains: Vector3 = [red * balance[0], green * balance[1], blue * balance[2]];
  const samples = new Float32Array(width * height * 3);
  const image: CameraLinearImage = {
    width,
    height,
    samples,
    orientation,
    colour: { ...colour, asShotGains },
  };
  return {
    add: (tile) => {
      const [left, top] = [tile.area.x - grid.columnsBefore, tile.area.y - grid.rowsBefore];
      const firstX = Math.max(0, -left);
      const lastX = Math.min(tile.area.width, width - left);
      for (let y = Math.max(0, -top); y < Math.min(tile.area.height, height - top); y++) {
        let from = (y * tile.area.width + firstX) * 3;
        let to = ((top + y) * width + left + firstX) * 3;
        for (let x = firstX; x < lastX; x++) {
          for (let c = 0; c < 3; c++, from++, to++) {
            const value = tile.samples[from]! * balance[c]!;
            samples[to] = value > amplifiedLimit * 2 ? amplifiedLimit * 2 : value;
          }
        }
      }
    },
    picture: { format: 'dng', image },
  };
}
