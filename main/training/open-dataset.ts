/** From the description of a dataset to the batches that a run trains on. */

import { describeDataset, trainingPhotos } from './dataset.ts';
import { PatchSource } from './patch-source.ts';
import type { Recipe } from './recipe.ts';
import type { BatchSource } from './run.ts';
import type { Dataset } from './run-folder.ts';

export interface OpenDataset {
  /** The next batch is that of `firstStep`. */
  readonly batches: BatchSource;
  /** One line that tells this data from other data: a resumed run must find the same. */
  readonly digest: string;
  /** Photos or pairs that are trained on. */
  readonly count: number;
  /** Names of those left out as asked. */
  readonly excluded: readonly string[];
  close(): Promise<void>;
}

export interface DatasetOptions {
  readonly recipe: Recipe;
  /** Batches are numbered by the step they train, from 1. */
  readonly firstStep: number;
  /** Ends the opening; what is open goes on until it is closed. */
  readonly signal: AbortSignal;
  /** Called while photos are read for the first time. */
  readonly onLoading: (loaded: number, total: number) => void;
  /** A photo or pair that cannot be read was left out. */
  readonly onSkipped: (account: string) => void;
}

/**
 * Opens a dataset.
 * @throws Refusal `dataset` if there is nothing in it to train on; `cancelled`
 */
export async function openDataset(
  dataset: Dataset,
  { recipe, firstStep, signal, onLoading, onSkipped }: DatasetOptions,
): Promise<OpenDataset> {
  const photos = await trainingPhotos(dataset.paths, dataset);
  const digest = await describeDataset(photos.files);
  const { seed, batch, patchPacked } = recipe;
  const source = await PatchSource.open({
    files: photos.files,
    seed,
    batch,
    patchPacked,
    firstStep,
    signal,
    onLoading,
  });
  for (const skipped of source.skipped) onSkipped(skipped);
  return {
    batches: source,
    digest,
    count: source.photos,
    excluded: photos.excluded,
    close: () => source.close(),
  };
}
