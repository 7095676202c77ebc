/** Turns the options of `nightglass train` into a run folder that can be trained. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { trainingDeviceChoiceSchema } from '../../../preload/contract/choices.ts';
import { defaultModelId, placeOfModel, readModel, termsOf } from '../../network/manifest.ts';
import { Refusal } from '../../base/refusal.ts';
import { readCheckpoint } from '../../training/run/checkpoint.ts';
import { readCameraProfile } from '../../darkness/camera-file.ts';
import { digestOfDataset, splitPhotos } from '../../training/photos/dataset.ts';
import { idOfName, type ModelTitle } from '../../training/run/model-title.ts';
import type { Passes } from '../../network/inference-model.ts';
import { modelWeights } from '../../network/model-weights.ts';
import { canWiden, widenedWeights } from '../../training/step/widen.ts';
import { seenByModel } from '../../training/pairs/seen.ts';
import { trainedLoss, type Recipe } from '../../training/recipe.ts';
import type { LossWeights } from '../../training/step/loss.ts';
import {
  createRun,
  expectNoRun,
  runSettingsSchema,
  type Dataset,
  type RunPlan,
  type RunSettings,
} from '../../training/run/folder.ts';
import type { StartedFrom } from '../../training/run/provenance.ts';
import { isRunTaken } from '../../training/run/lock.ts';
import { checkSameTerms, recipeOf, recipeOptionsSchema } from './recipe.ts';

export const trainOptionsSchema = recipeOptionsSchema.extend({
  onlyCamera: z.string().optional(),
  photos: z.array(z.string()).default([]),
  out: z.string(),
  threads: z.number().optional(),
  name: z.string().min(1).max(100).optional(),
  id: z.string().optional(),
  description: z.string().max(2000).optional(),
  licence: z.string().min(1).optional(),
  from: z.string().optional(),
  teacher: z.string().optional(),
  checkpointEvery: z.number().optional(),
  validateEvery: z.number().optional(),
  validationPhotos: z.number().optional(),
  photoMemory: z.number().optional(),
  keep: z.enum(['best', 'last']).optional(),
  passes: runSettingsSchema.shape.passes.unwrap().optional(),
  device: trainingDeviceChoiceSchema.optional(),
  exclude: z.array(z.string()).default([]),
  withHeldOut: z.boolean().default(false),
  resume: z.boolean().default(false),
  otherPhotos: z.boolean().default(false),
  exportOnly: z.boolean().default(false),
  json: z.boolean().default(false),
});

export type TrainOptions = z.infer<typeof trainOptionsSchema>;

const untitled: ModelTitle = {
  id: 'trained-model',
  name: 'Trained model',
  description: 'Trained by nightglass train.',
  licence: 'not stated',
};

export const usualSettings: RunSettings = {
  device: 'cpu',
  checkpointEvery: 250,
  validateEvery: 1000,
  keep: 'best',
  passes: 1,
};

/**
 * The title given by the options.
 * @throws Refusal `bad-argument` for an id that cannot name files
 */
export function titled(options: TrainOptions, before: ModelTitle = untitled): ModelTitle {
  const {
    name = before.name,
    description = before.description,
    licence = before.licence,
  } = options;
  const id = options.id ?? (options.name === undefined ? before.id : idOfName(name));
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) {
    throw new Refusal(
      'bad-argument',
      `expected small letters, digits and hyphens for --id but received "${id}"`,
    );
  }
  return { id, name, description, licence };
}

export function settingsWith(options: TrainOptions, before: RunSettings): RunSettings {
  const { threads = before.threads } = options;
  const teacher = options.teacher === undefined ? before.teacher : placeOfModel(options.teacher);
  // `auto` is decided later by a measurement, which needs the run's recipe (device.ts).
  const device = options.device === 'auto' ? undefined : options.device;
  return {
    ...before,
    checkpointEvery: options.checkpointEvery ?? before.checkpointEvery,
    validateEvery: options.validateEvery ?? before.validateEvery,
    keep: options.keep ?? before.keep,
    passes: options.passes ?? before.passes,
    device: device ?? before.device,
    ...(threads === undefined ? {} : { threads }),
    ...(teacher === undefined ? {} : { teacher }),
  };
}

/** A dataset of pairs that were already chosen. */
export type ChosenPairs = Extract<Dataset, { kind: 'pairs' }>;

/**
 * Creates the run folder for the options.
 * @param pairs what to learn from, instead of photos
 * @throws Refusal, before anything is written
 */
export async function planRun(given: TrainOptions, pairs?: ChosenPairs): Promise<void> {
  const options =
    given.recipe === 'adapt' && given.from === undefined
      ? { ...given, from: defaultModelId }
      : given;
  await checkOptions(options, pairs !== undefined);
  const count = pairs?.splits.train.length;
  const begun = await begin(options, recipeOf(options, count));
  const { weights, passes } = begun;
  // Derived from a model, it has that one's licence unless another is given.
  const { licence = untitled.licence } =
    begun.startedFrom.kind === 'random' ? {} : begun.startedFrom;
  const title = titled(options, { ...untitled, licence });
  const recipe = await withTeacher(options, begun.recipe);
  const dataset = pairs ?? (await chooseDataset(options, options.validationPhotos)).dataset;
  const plan: RunPlan = {
    title,
    recipe,
    dataset,
    startedFrom: begun.startedFrom,
    ...seenBeforeBy(begun.pairsSeen),
    settings: settingsWith(options, { ...usualSettingsFor(recipe, count), passes }),
  };
  await createRun(options.out, plan, weights);
}

/** Default weight of the teacher's answers in the targets. */
const usualTeacherShare = 0.7;

/**
 * @throws Refusal as `readModel`; `bad-argument` for a teacher with another kind of input or output
 */
async function withTeacher(
  { teacher: which, teacherShare }: TrainOptions,
  recipe: Recipe,
): Promise<Recipe> {
  if (which === undefined) {
    if (teacherShare === undefined) return recipe;
    throw new Refusal('bad-argument', 'expected --teacher with --teacher-share: name a model');
  }
  const model = await readModel(which);
  const { id, sha256 } = model.manifest;
  checkSameTerms(recipe, termsOf(model.manifest), '--teacher', id);
  return { ...recipe, teacher: { id, sha256, share: teacherShare ?? usualTeacherShare } };
}

/**
 * One validation for each pass over pairs, but no more often than every 250 steps, and at least ten
 * in a run.
 */
function usualSettingsFor({ batch, steps }: Recipe, pairs: number | undefined): RunSettings {
  if (pairs === undefined) return usualSettings;
  const pass = Math.round(pairs / batch);
  const validateEvery = Math.min(Math.max(1, Math.ceil(steps / 10)), Math.max(250, pass));
  return { ...usualSettings, validateEvery };
}

/**
 * Checks what does not depend on the pairs, because finding these takes time.
 * @throws Refusal `bad-argument` if --out already holds a run, or a number or name is invalid
 */
export async function checkOptions(options: TrainOptions, hasPairs: boolean): Promise<void> {
  const { out } = options;
  checkAtRest(out);
  titled(options);
  recipeOf(options, hasPairs ? 1 : undefined);
  await expectNoRun(out);
}

/**
 * Refuses a run in training, whose description must not change.
 * @throws Refusal `dataset`
 */
export function checkAtRest(out: string): void {
  if (!isRunTaken(out)) return;
  throw new Refusal(
    'dataset',
    `expected the run in ${out} to be at rest but another process is training it: stop that one first`,
  );
}

export function seenBeforeBy(marks: readonly string[] | undefined): Pick<RunPlan, 'seenBefore'> {
  return marks === undefined ? {} : { seenBefore: [...marks] };
}

/** What training can start from. */
interface Start extends Pick<Recipe, 'unet' | 'domain' | 'whiteBalanced' | 'clamp'> {
  readonly weights: Float32Array;
  readonly passes: Passes;
  readonly loss: LossWeights | undefined;
  readonly pairsSeen: readonly string[] | undefined;
  readonly startedFrom: StartedFrom;
}

interface Beginning extends Pick<Start, 'pairsSeen' | 'startedFrom'> {
  readonly recipe: Recipe;
  readonly weights?: Float32Array;
  /**
   * The same number of passes as the starting model, so that the new one is not at a disadvantage.
   */
  readonly passes: Passes;
}

/**
 * Completes the recipe from what training starts from, if anything: its network, possibly widened,
 * and its loss, unless the options choose one.
 */
async function begin(options: TrainOptions, asked: Recipe): Promise<Beginning> {
  if (options.from === undefined) {
    return { recipe: asked, passes: 1, pairsSeen: [], startedFrom: { kind: 'random' } };
  }
  const { passes, pairsSeen, startedFrom, ...from } = await readStart(options.from);
  checkSameTerms(asked, from, '--from', path.basename(options.from));
  const { firstLevel = from.unet.firstLevel } = options;
  if (firstLevel !== from.unet.firstLevel) {
    throw new Refusal(
      'bad-argument',
      `expected --first-level ${from.unet.firstLevel}, as in ${path.basename(options.from)}, but received ${firstLevel}: another first level begins with random weights, without --from`,
    );
  }
  const loss = options.loss === undefined ? (from.loss ?? asked.loss) : asked.loss;
  const recipe = { ...asked, loss };
  const unet = { ...from.unet, baseChannels: options.base ?? from.unet.baseChannels };
  if (unet.baseChannels === from.unet.baseChannels) {
    const same = { ...recipe, unet: from.unet };
    return { recipe: same, weights: from.weights, passes, pairsSeen, startedFrom };
  }
  if (!canWiden(from.unet, unet)) {
    throw new Refusal(
      'bad-argument',
      `expected --base ${from.unet.baseChannels}, as in ${path.basename(options.from)}, or a multiple of it, but received ${unet.baseChannels}`,
    );
  }
  const weights = widenedWeights(from.weights, from.unet, unet, recipe.seed);
  return { recipe: { ...recipe, unet }, weights, passes, pairsSeen, startedFrom };
}

/** Weights to start from: a checkpoint's or a model's. */
async function readStart(from: string): Promise<Start> {
  if (from.endsWith('.ngck')) {
    const { recipe, state } = await readCheckpoint(from);
    return {
      ...recipe,
      weights: state.weights,
      passes: 1,
      loss: recipe.loss,
      pairsSeen: undefined,
      startedFrom: { kind: 'checkpoint', which: from, sha256: await sha256Of(from) },
    };
  }
  const model = await readModel(from);
  const { unet, passes, sha256, licence } = model.manifest;
  const loss = trainedLoss(model.manifest);
  const pairsSeen = seenByModel(model.manifest);
  return {
    unet,
    passes,
    loss,
    pairsSeen,
    ...termsOf(model.manifest),
    startedFrom: { kind: 'model', which: from, sha256, licence },
    weights: modelWeights(model),
  };
}

async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

/**
 * Finds the data that the options name, before anything is written.
 * @param setAside photos to set aside for validation; chosen by the dataset's size if not given
 */
export async function chooseDataset(
  { photos, camera, exclude, withHeldOut, photoMemory }: TrainOptions,
  setAside: number | undefined,
) {
  if (photos.length === 0) {
    throw new Refusal(
      'bad-argument',
      'expected --photos with a folder of clean photos, or a folder of pairs',
    );
  }
  const dataset: Dataset = {
    kind: 'photos',
    paths: photos.map((given) => path.resolve(given)),
    exclude,
    withHeldOut,
    ...(setAside === undefined ? {} : { setAside }),
    ...(camera === undefined ? {} : { cameraProfile: path.resolve(camera) }),
    ...(photoMemory === undefined ? {} : { photoBytesMax: Math.round(photoMemory * 1e6) }),
  };
  const { training } = await splitPhotos(dataset);
  const profile = camera === undefined ? undefined : await readCameraProfile(camera);
  return { dataset, digest: await digestOfDataset(training, profile) };
}
