/** Which photos a training or an evaluation takes, out of the folders and files it was given. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile } from '../../../preload/contract/camera-profile.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { isHeldOut } from './held-out.ts';
import { findPhotos } from './photos.ts';

/** What a given path leads to. */
interface Found {
  readonly isFolder: boolean;
  readonly files: readonly string[];
}

/** @throws Refusal `dataset` if the path leads nowhere, or to a folder that can't be read */
async function find(given: string): Promise<Found> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(given)).isDirectory();
  } catch (error) {
    throw new Refusal(
      'dataset',
      `expected a photo or a folder of photos at ${given}: ${describeError(error)}`,
      { cause: error },
    );
  }
  return { isFolder, files: isFolder ? await findPhotos(given) : [given] };
}

/** The same file given twice counts once; the order follows from the names alone. */
function unique(files: readonly string[]): string[] {
  return [...new Set(files.map((file) => path.resolve(file)))].sort();
}

/** Photos to train on. */
export interface TrainingPhotos {
  readonly files: readonly string[];
  /** Names left out, because they are kept for evaluation or were named. */
  readonly excluded: readonly string[];
  /** Paths of those that are kept for evaluation. */
  readonly heldOut: readonly string[];
}

/**
 * All photos in folders (and the folders below them) and files, but those with an excluded name.
 * @param exclude file names without folder
 * @throws Refusal `dataset` if a path can't be read or no photo is left
 */
export async function trainingPhotos(
  paths: readonly string[],
  { exclude, withHeldOut }: { readonly exclude: readonly string[]; readonly withHeldOut: boolean },
): Promise<TrainingPhotos> {
  const found = unique((await Promise.all(paths.map(find))).flatMap(({ files }) => files));
  const isExcluded = (file: string): boolean =>
    exclude.includes(path.basename(file)) || (!withHeldOut && isHeldOut(file));
  const files = found.filter((file) => !isExcluded(file));
  if (files.length === 0) {
    const besides = found.length === 0 ? '' : ` besides the ${found.length} left out`;
    throw new Refusal(
      'dataset',
      `expected photos in ${paths.join(', ')} but there are none${besides}`,
    );
  }
  const excluded = found.filter(isExcluded).map((file) => path.basename(file));
  const heldOut = found.filter(
    (file) => !withHeldOut && isHeldOut(file) && !exclude.includes(path.basename(file)),
  );
  return { files, excluded, heldOut };
}

/** Photos to train on and to validate with. */
export interface PhotoSplit {
  readonly training: readonly string[];
  readonly validation: readonly string[];
  /** Whether those are other photos than are trained on. */
  readonly isHeldOut: boolean;
  /** Names left out, because they are kept for evaluation or were named. */
  readonly excluded: readonly string[];
}

/** From so many photos on some are set aside for validation: with fewer each is needed. */
const setAsideFrom = 8;
/** One photo of so many is set aside, and at most so many are. */
const photosPerSetAside = 12;
const validationMax = 8;

/**
 * Which photos of a dataset are for what. Validated is with photos that are kept for evaluation
 * anyway, if there are any; else with some that are set aside, chosen by their names; else, where
 * photos are few, with those that are trained on, in other darkness.
 * @param setAside how many to set aside; as many as fit the dataset if not given
 * @throws Refusal `dataset` if a path can't be read or no photo is left
 */
export async function splitPhotos({
  paths,
  exclude,
  withHeldOut,
  setAside,
}: {
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly withHeldOut: boolean;
  readonly setAside?: number | undefined;
}): Promise<PhotoSplit> {
  const { files, excluded, heldOut } = await trainingPhotos(paths, { exclude, withHeldOut });
  if (heldOut.length > 0 && (setAside ?? 0) === 0) {
    return { training: files, validation: heldOut, isHeldOut: true, excluded };
  }
  const usual =
    files.length < setAsideFrom
      ? 0
      : Math.min(Math.round(files.length / photosPerSetAside) + 1, validationMax);
  const count = Math.min(setAside ?? usual, files.length - 1);
  const shuffled = [...files].sort((a, b) => compare(digestOfName(a), digestOfName(b)));
  const validation = shuffled.slice(0, count);
  if (count === 0) {
    const some = shuffled.slice(0, validationMax);
    return { training: files, validation: some, isHeldOut: false, excluded };
  }
  const training = files.filter((file) => !validation.includes(file));
  return { training, validation, isHeldOut: true, excluded };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function digestOfName(file: string): string {
  return createHash('sha256').update(path.basename(file)).digest('hex');
}

/** Photos to evaluate on. */
export interface EvaluationPhotos {
  readonly files: readonly string[];
  /** True if a folder was narrowed down to the photos that training leaves out. */
  readonly isHeldOutOnly: boolean;
}

/**
 * Files as given, and of each folder the photos that training leaves out if there are any, else all.
 * @throws Refusal `dataset` if a path can't be read or there is no photo
 */
export async function evaluationPhotos(
  paths: readonly string[],
  { all }: { readonly all: boolean },
): Promise<EvaluationPhotos> {
  let isHeldOutOnly = false;
  const files: string[] = [];
  for (const { isFolder, files: found } of await Promise.all(paths.map(find))) {
    const heldOut = found.filter(isHeldOut);
    const narrows = isFolder && !all && heldOut.length > 0;
    isHeldOutOnly ||= narrows;
    files.push(...(narrows ? heldOut : found));
  }
  if (files.length === 0) {
    throw new Refusal('dataset', `expected photos in ${paths.join(', ')} but there are none`);
  }
  return { files: unique(files), isHeldOutOnly };
}

/**
 * One line that tells two sets of photos apart: their number, and a digest of their names and sizes.
 * A folder may move; a photo may not change.
 */
async function describeDataset(files: readonly string[]): Promise<string> {
  const entries = await Promise.all(
    files.map(async (file) => `${path.basename(file)}\0${(await stat(file)).size}`),
  );
  const digest = createHash('sha256').update(entries.sort().join('\n')).digest('hex').slice(0, 16);
  return `${files.length} photos, ${digest}`;
}

/**
 * One line that tells what a run learns from apart from all else: its photos, and the measured camera
 * in whose noise they are darkened, if any.
 */
export async function digestOfDataset(
  training: readonly string[],
  camera: CameraProfile | undefined,
): Promise<string> {
  const photos = await describeDataset(training);
  if (camera === undefined) return photos;
  const digest = createHash('sha256').update(JSON.stringify(camera)).digest('hex').slice(0, 16);
  return `${photos}, in the noise of ${camera.name}, ${digest}`;
}
