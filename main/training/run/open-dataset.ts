/** From the description of a dataset to the batches that a run trains on. */

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
  /** The next batch is that of `firstStep`. */
  readonly batches: BatchSource;
  /** One line that tells this data from other data: a resumed run must find the same. */
  readonly digest: string;
  /** Photos or pairs that are trained on. */
  readonly count: number;
  /** Names of those left out as asked. */
  readonly excluded: readonly string[];
  readonly validation: ValidationSet;
  close(): Promise<void>;
}

/** What validations try the network on. */
export interface ValidationSet {
  /** All of one size; none where no picture could be read. */
  readonly patches: readonly ValidationPatch[];
  /** Whether they are of pictures that are not trained on. */
  readonly isHeldOut: boolean;
  /** For people: "12 fixed patches of 3 photos in simulated darkness". */
  readonly about: string;
}

export interface DatasetOptions {
  readonly recipe: Recipe;
  /** Batches are numbered by the step they train, from 1. */
  readonly firstStep: number;
  /** Ends the opening; what is open goes on until it is closed. */
  readonly signal: AbortSignal;
  /** Called while photos are read for the first time. */
  readonly onLoading: (loaded: number, total: number) => void;
  /** A photo or pair that cannot be read was left out, at first or later. */
  readonly onSkipped: (account: string) => void;
  /** A batch waits for a folder that is away, and (undefined) no more. */
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
  const { seed, batch, patchPacked, deepDark } = recipe;
  const source = await PatchSource.open({
    // A folder may be moved; which photo is drawn must not depend on where it is.
    files: [...training].sort((a, b) => order(path.basename(a), path.basename(b))),
    seed,
    batch,
    patchPacked,
    deepDark,
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
