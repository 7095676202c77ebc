/** Chooses the photos for training or evaluation from the given folders and files. */

import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { CameraProfile } from '../../../preload/contract/camera-profile.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { isHeldOut } from './held-out.ts';
import { findPhotos } from './photos.ts';

/** What a given path refers to. */
interface Found {
  readonly isFolder: boolean;
  readonly files: readonly string[];
}

/** @throws Refusal `dataset` if the path does not exist, or is a folder that can't be read */
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

/** A file given twice counts once; the order depends only on the names. */
function unique(files: readonly string[]): string[] {
  return [...new Set(files.map((file) => path.resolve(file)))].sort();
}

/** Photos to train on. */
export interface TrainingPhotos {
  readonly files: readonly string[];
  /** Names left out, because they are reserved for evaluation or were excluded by the caller. */
  readonly excluded: readonly string[];
  /** Paths of the photos reserved for evaluation. */
  readonly heldOut: readonly string[];
}

/**
 * All photos in folders (and the folders below them) and files, except those with an excluded name.
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
  /** Whether training leaves the validation photos out. */
  readonly isHeldOut: boolean;
  /** Names left out, because they are reserved for evaluation or were excluded by the caller. */
  readonly excluded: readonly string[];
}

/**
 * With at least this many photos, some are set aside for validation; with fewer, training needs
 * all.
 */
const setAsideFrom = 8;
/** One photo in this many is set aside, up to the maximum. */
const photosPerSetAside = 12;
const validationMax = 8;

/**
 * Divides a dataset's photos. Validation uses the photos reserved for evaluation, if there are any;
 * otherwise photos set aside by their names; or, if there are few photos, training photos in other
 * darkness.
 * @param setAside how many to set aside; chosen by the dataset's size if not given
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
  /** True if a folder was reduced to the photos that training leaves out. */
  readonly isHeldOutOnly: boolean;
}

/**
 * The given files, and of each folder the photos that training leaves out, or all if there are
 * none.
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
 * One line that identifies a set of photos: their number, and a digest of their names and sizes.
 * The folder may move, the photos may not change.
 */
async function describeDataset(files: readonly string[]): Promise<string> {
  const entries = await Promise.all(
    files.map(async (file) => `${path.basename(file)}\0${(await stat(file)).size}`),
  );
  const digest = createHash('sha256').update(entries.sort().join('\n')).digest('hex').slice(0, 16);
  return `${files.length} photos, ${digest}`;
}

/**
 * One line that identifies what a run learns from: its photos and, if given, the measured camera
 * whose noise darkens them.
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
