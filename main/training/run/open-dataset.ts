/** Opens a described dataset as the batches that a run trains on. */

import path from 'node:path';
import { cameraDarkness } from '../../darkness/camera-darkness.ts';
import { readCameraProfile } from '../../darkness/camera-file.ts';
import { digestOfDataset, splitPhotos } from '../photos/dataset.ts';
import { PairSource } from '../pairs/patches/source.ts';
import { pairValidation } from '../validation/pair-validation.ts';
import { describePairs } from '../pairs/digest.ts';
import { checkPairsFit } from '../pairs/fit.ts';
import { PatchSource } from '../photos/patch-source.ts';
import { photoValidation } from '../validation/photo-validation.ts';
import type { Recipe } from '../recipe.ts';
import type { BatchSource } from './run.ts';
import type { Dataset } from './folder.ts';
import type { ValidationPatch } from '../validation/validation.ts';

export interface OpenDataset {
  /** The next batch is the one for `firstStep`. */
  readonly batches: BatchSource;
  /** One line that identifies the data; a resumed run must find the same. */
  readonly digest: string;
  /** Number of photos or pairs in training. */
  readonly count: number;
  /** Names left out on request. */
  readonly excluded: readonly string[];
  readonly validation: ValidationSet;
  close(): Promise<void>;
}

/** The patches of validation. */
export interface ValidationSet {
  /** All of one size; none where no picture could be read. */
  readonly patches: readonly ValidationPatch[];
  /** Whether training leaves out the pictures they come from. */
  readonly isHeldOut: boolean;
  /** In words: "12 fixed patches of 3 photos in simulated darkness". */
  readonly about: string;
}

export interface DatasetOptions {
  readonly recipe: Recipe;
  /** Batches are numbered from 1 by the step that uses them. */
  readonly firstStep: number;
  /** Cancels the opening. An opened dataset stays open until it is closed. */
  readonly signal: AbortSignal;
  /** Called while photos are read for the first time. */
  readonly onLoading: (loaded: number, total: number) => void;
  /** Called when a photo or pair that cannot be read is left out, now or later. */
  readonly onSkipped: (account: string) => void;
  /** Called with a folder's path while a batch waits for it to return, then with undefined. */
  readonly onAway: (account: string | undefined) => void;
}

/**
 * Opens a dataset.
 * @throws Refusal `dataset` if there is nothing in it to train on; `cancelled`
 */
export async function openDataset(dataset: Dataset, options: DatasetOptions): Promise<OpenDataset> {
  return dataset.kind === 'pairs' ? openPairs(dataset, options) : openPhotos(dataset, options);
}

async function openPhotos(
  dataset: Extract<Dataset, { kind: 'photos' }>,
  { recipe, firstStep, signal, onLoading, onSkipped, onAway }: DatasetOptions,
): Promise<OpenDataset> {
  const { training, validation, isHeldOut, excluded } = await splitPhotos(dataset);
  const { cameraProfile } = dataset;
  const camera = cameraProfile === undefined ? undefined : await readCameraProfile(cameraProfile);
  const digest = await digestOfDataset(training, camera);
  const { seed, batch, patchPacked, deepDark, night } = recipe;
  const source = await PatchSource.open({
    // The choice of photos must not depend on where the folder is: it may be moved.
    files: [...training].sort((a, b) => order(path.basename(a), path.basename(b))),
    seed,
    batch,
    patchPacked,
    deepDark,
    night,
    camera,
    firstStep,
    signal,
    ...(dataset.photoBytesMax === undefined ? {} : { photoBytesMax: dataset.photoBytesMax }),
    onLoading,
    onSkipped,
    onAway,
  });
  for (const skipped of source.skipped) onSkipped(skipped);
  const darkness = camera === undefined ? undefined : cameraDarkness(camera);
  const patches = await photoValidation(validation, darkness, onSkipped);
  const photos = new Set(patches.map(({ name }) => name)).size;
  return {
    batches: source,
    digest,
    count: source.photos,
    excluded,
    validation: {
      patches,
      isHeldOut,
      about: `${patches.length} fixed patches of ${photos} photos in simulated darkness`,
    },
    close: () => source.close(),
  };
}

async function openPairs(
  dataset: Extract<Dataset, { kind: 'pairs' }>,
  { recipe, firstStep, signal, onLoading, onSkipped, onAway }: DatasetOptions,
): Promise<OpenDataset> {
  checkPairsFit(recipe, dataset);
  const { splits } = dataset;
  const { train: pairs } = splits;
  const digest = await describePairs(pairs);
  const isHeldOut = splits.validation.length > 0;
  const watched = isHeldOut ? splits.validation : pairs;
  const patches = await pairValidation(watched, recipe, { signal, onSkipped });
  const batches = await PairSource.open({
    pairs,
    recipe,
    firstStep,
    signal,
    onLoading,
    onSkipped,
    onAway,
  });
  const scenes = new Set(watched.map(({ scene }) => scene)).size;
  return {
    batches,
    digest,
    count: pairs.length,
    excluded: [],
    validation: {
      patches,
      isHeldOut,
      about: `${patches.length} fixed patches of pairs of ${scenes} scenes`,
    },
    close: () => batches.close(),
  };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
