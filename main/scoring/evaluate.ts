/**
 * Scores a network on pictures darkened by `simulate`, beside LibRaw's own brightened picture of the
 * same dark file.
 */

import { ranges, ratioSchema } from '../../preload/contract/edits.ts';
import { cameraToOutput } from '../develop/colour.ts';
import { isLinear } from '../develop/dialect.ts';
import { cfaDng } from '../raw/dng.ts';
import { LibRawFile } from '../raw/libraw.ts';
import type { Mosaic } from '../raw/mosaic.ts';
import { Refusal } from '../base/refusal.ts';
import { simulatedCamera, type SimulatedCamera } from '../darkness/cameras.ts';
import {
  score,
  scoreFinished,
  type LinearRgb,
  type LinearScores,
  type Scores,
} from '../training/validation/metrics.ts';
import { networkPicture, type ScoredNetwork } from './network-picture.ts';
import type { LinearPhoto } from '../darkness/linear-photo.ts';
import { Random } from '../darkness/random.ts';
import { simulateMosaic, type Area } from '../darkness/simulate.ts';

/** One kind of darkness. */
export interface Level {
  /** One of `simulatedCameras`, or `mine`. */
  readonly camera: string;
  /** The profile behind `mine`. */
  readonly measured?: SimulatedCamera;
  readonly iso: number;
  readonly ratio: number;
}

/** The levels of the tables in models/README.md. */
export const defaultLevels: readonly Level[] = [
  { camera: 'sony-a7s2', iso: 1600, ratio: 100 },
  { camera: 'sony-a7s2', iso: 6400, ratio: 100 },
  { camera: 'sony-a7s2', iso: 25_600, ratio: 100 },
  { camera: 'sony-a7s2', iso: 6400, ratio: 250 },
  { camera: 'sony-a7s2', iso: 25_600, ratio: 300 },
  { camera: 'nikon-d850-bggr', iso: 800, ratio: 100 },
  { camera: 'nikon-d850-bggr', iso: 3200, ratio: 250 },
];

/** First key of the evaluation's random numbers, so that training never draws the same. */
const evaluationKey = 0x6576_616c;

/** The name, in levels, of a camera measured with `nightglass calibrate`. */
const mine = 'mine';

/** A measured camera's lowest, middle and highest ISO, each at ×100. */
export function levelsOf(measured: SimulatedCamera): Level[] {
  const [least, most] = measured.isoRange;
  const isos = [least, Math.round(Math.sqrt(least * most)), most];
  return [...new Set(isos)].map((iso) => ({ camera: mine, measured, iso, ratio: 100 }));
}

/**
 * Reads `camera:iso:ratio,…`.
 * @param measured the profile behind `mine`
 * @throws Refusal `bad-argument`
 */
export function parseLevels(text: string, measured?: SimulatedCamera): Level[] {
  return text.split(',').map((part) => {
    const [camera = '', isoText = '', ratioText = '', ...more] = part.trim().split(':');
    const [iso, ratio] = [Number(isoText || 'x'), Number(ratioText || 'x')];
    if (more.length > 0 || !Number.isFinite(iso) || !ratioSchema.safeParse(ratio).success) {
      throw new Refusal(
        'bad-argument',
        `expected camera:iso:ratio with a ratio of ${ranges.ratio.min} to ${ranges.ratio.max} for a level but received "${part}"`,
      );
    }
    const own = camera === mine ? measured : undefined;
    const [least, most] = (own ?? simulatedCamera(camera)).isoRange;
    if (!(iso >= least && iso <= most)) {
      throw new Refusal(
        'bad-argument',
        `expected an ISO of ${least} to ${most} for ${camera} but received ${isoText}`,
      );
    }
    return { camera, iso, ratio, ...(own === undefined ? {} : { measured: own }) };
  });
}

/** The level in the form that `parseLevels` reads. */
export function levelName({ camera, iso, ratio }: Level): string {
  return `${camera}:${iso}:${ratio}`;
}

/** The middle of a photo, both sides even and at most `crop` pixels. */
export function middleOf(photo: LinearPhoto, crop: number): Area {
  const side = (length: number): number => Math.floor(Math.min(length, crop) / 2) * 2;
  const [width, height] = [side(photo.width), side(photo.height)];
  return {
    left: (photo.width - width) >> 1,
    top: (photo.height - height) >> 1,
    width,
    height,
  };
}

export interface EvaluationRequest {
  readonly photo: LinearPhoto;
  readonly level: Level;
  readonly network: ScoredNetwork;
  /** Longest side of the crop from the photo's middle, pixels. */
  readonly crop: number;
  readonly signal?: AbortSignal;
}

/** Scores of one photo at one level. */
export interface Evaluation {
  readonly network: Scores;
  readonly libraw: LinearScores;
}

/**
 * Darkens the photo, develops it both ways and scores both. The noise depends only on the level and
 * the photo's name.
 * @throws Refusal `cancelled`, or as `simulateMosaic`; whatever `run` throws
 */
export async function evaluatePhoto(request: EvaluationRequest): Promise<Evaluation> {
  const { photo, level, network, crop, signal } = request;
  const { measured, iso, ratio } = level;
  const { mosaic: stated, truth } = simulateMosaic(photo, {
    camera: measured ?? level.camera,
    iso,
    ratio,
    random: new Random(evaluationKey, nameKey(photo.name), nameKey(levelName(level))),
    area: middleOf(photo, crop),
  });
  // The develop line knows a measured camera's black; see calibration/kept.ts.
  const black = measured?.blackAt?.(iso);
  const mosaic = black === undefined ? stated : { ...stated, blackLevel: black };
  const cameraToSrgb = cameraToOutput(mosaic.colour, 'srgb');
  const picture = await networkPicture(mosaic, level.ratio, network, signal);
  const libraw = await librawPicture(mosaic, level.ratio);
  const scored = isLinear(network.terms) ? score : scoreFinished;
  return {
    network: scored(picture, truth, cameraToSrgb),
    libraw: score(libraw, truth, cameraToSrgb),
  };
}

/** 32 bits of a name (FNV-1a). */
function nameKey(name: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}

/**
 * LibRaw's picture of the dark file: AHD demosaicing in 16 bits, the file's white balance, LibRaw's
 * black subtraction (which clips below black), brightened linearly by the ratio.
 */
async function librawPicture(mosaic: Mosaic, ratio: number): Promise<LinearRgb> {
  const gains = mosaic.colour.asShotGains;
  const file = await LibRawFile.open(Buffer.concat([...cfaDng(mosaic).chunks()]), {
    userQual: 3,
    outputBps: 16,
    outputColor: 0,
    gamm: [1, 1, 0, 0, 0, 0],
    noAutoBright: true,
    adjustMaximumThr: 0,
    userMul: [gains[0], gains[1], gains[2], gains[1]],
    userFlip: 0,
  });
  const { width, height, samples } = file.readDeveloped();
  if (width !== mosaic.width || height !== mosaic.height) {
    throw new Error(
      `expected ${mosaic.width} × ${mosaic.height} from LibRaw but received ${width} × ${height}`,
    );
  }
  // LibRaw divides the gains by the smallest of them, so that white clips in no channel first.
  const scale = (ratio * Math.min(...gains)) / 65_535;
  return { width, height, samples: Float32Array.from(samples, (value) => value * scale) };
}

/** The mean of each measure over photos; of `raw` only if all photos have it. */
export function meanScores(scores: readonly Scores[]): Scores {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / scores.length;
  const raw = scores.flatMap((one) => one.raw ?? []);
  return {
    rgbP: mean(scores.map(({ rgbP }) => rgbP)),
    ...(raw.length === scores.length ? { raw: mean(raw) } : {}),
    ssim: mean(scores.map(({ ssim }) => ssim)),
    blockDeltaE: mean(scores.map(({ blockDeltaE }) => blockDeltaE)),
  };
}
