/**
 * A training run as a folder: its description (`run.json`), its state (`checkpoint.ngck`), the best
 * weights so far (`best.ngck`), its log (`log.jsonl`), example pictures (`examples/`), and the models
 * made from it. It can be copied or moved, and any process can continue it.
 *
 * The app and the command line make one with `createRun`, train it with `trainRun` (run-folder →
 * `train()`, in this process) or `Training` (the same in a supervised child), and read it with
 * `readRun` and `readRunLog`. Nothing here loads sharp or ONNX Runtime.
 */

import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { trainingDeviceSchema } from '../../../preload/contract/choices.ts';
import { failureSchema } from '../../process/failure.ts';
import { openOutputFolder, writeAtomically } from '../../base/atomic.ts';
import { describeError, Refusal } from '../../base/refusal.ts';
import { recipeSchema } from '../recipe.ts';
import { encodeCheckpoint, readCheckpoint, type Checkpoint } from './checkpoint.ts';
import { stateOf } from '../step/state.ts';
import { sittingSchema, startedFromSchema } from './provenance.ts';
import { modelTitleSchema } from './model-title.ts';
import { pairSplitsSchema } from '../pairs/pairs.ts';
import { checkPairsFit } from '../pairs/fit.ts';
import { marksOfPairs } from '../pairs/seen.ts';
import { isRunTaken } from './lock.ts';

/**
 * What a run learns from. A new kind gets a member here and a branch in `openDataset`
 * (open-dataset.ts).
 */
export const datasetSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('photos'),
    /** Absolute paths of clean photos and of folders of them. */
    paths: z.array(z.string()).min(1),
    /** File names of photos to leave out. */
    exclude: z.array(z.string()),
    /** Whether training also uses the photos that `evaluate` holds out. */
    withHeldOut: z.boolean(),
    /** How many photos are set aside for validation; as many as fit the dataset if absent. */
    setAside: z.number().int().nonnegative().optional(),
    /**
     * Memory for decoded photos; 1.5 GiB if absent. If they don't all fit, the choice of patches
     * depends on it.
     */
    photoBytesMax: z.number().int().positive().optional(),
    /** Absolute path of a camera profile from `nightglass calibrate`; invented cameras if absent. */
    cameraProfile: z.string().optional(),
  }),
  z.object({
    kind: z.literal('pairs'),
    /** Absolute paths that the pairs were found in. */
    paths: z.array(z.string()).min(1),
    /** Every pair that passed the check, divided by scene. */
    splits: pairSplitsSchema,
  }),
]);
export type Dataset = z.infer<typeof datasetSchema>;

/** How the run is executed, besides the recipe. Nothing here changes what is learned. */
export const runSettingsSchema = z.object({
  device: trainingDeviceSchema,
  /** Processor threads; all of the machine's if absent. The exact bits depend on it. */
  threads: z.number().int().min(1).max(256).optional(),
  /** Steps between checkpoints: the most that a crash can lose. */
  checkpointEvery: z.number().int().min(1),
  /** Steps between validations; the last step has one too. */
  validateEvery: z.number().int().min(1),
  /** Which weights become the model when all steps are done. */
  keep: z.enum(['best', 'last']),
  /** The recipe's teacher: id or absolute path; if absent, the shipped model of its id. */
  teacher: z.string().optional(),
  /** How many times the model looks at each tile. */
  passes: z.literal([1, 2]).default(1),
});
export type RunSettings = z.infer<typeof runSettingsSchema>;

export const pauseReasonSchema = z.enum(['asked', 'dataset', 'disk']);
export type PauseReason = z.infer<typeof pauseReasonSchema>;

/**
 * The state of a run. `running` and `paused` hold only while `Run.isAlive`: without a living process
 * a crash or a power cut ended it, and it continues from the checkpoint.
 */
export const runStateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('new') }),
  z.object({ kind: z.literal('running') }),
  z.object({ kind: z.literal('paused'), reason: pauseReasonSchema, account: z.string() }),
  /** Ended on request before its last step; it can continue. */
  z.object({ kind: z.literal('stopped') }),
  /** All steps are done and the model is written; with more steps it can continue. */
  z.object({ kind: z.literal('done') }),
  z.object({ kind: z.literal('failed'), failure: failureSchema }),
]);
export type RunState = z.infer<typeof runStateSchema>;

const scoresSchema = z.object({
  /** Steps done at the time of the measurement. */
  step: z.number().int(),
  psnrDb: z.number(),
  ssim: z.number(),
  loss: z.number(),
});

export const runDescriptionSchema = z.object({
  format: z.literal('nightglass-run'),
  version: z.literal(1),
  title: modelTitleSchema,
  recipe: recipeSchema,
  dataset: datasetSchema,
  startedFrom: startedFromSchema,
  /** Marks of pairs that were seen before this dataset's (pairs/seen.ts); absent where nobody knows. */
  seenBefore: z.array(z.string()).optional(),
  settings: runSettingsSchema,
  /** Every process that trained it, in order; none in older runs. */
  sittings: z.array(sittingSchema).default([]),
  /** ISO 8601, UTC. */
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  state: runStateSchema,
  /** Steps in the checkpoint. */
  step: z.number().int().nonnegative(),
  /** Total time in training over all sittings, without pauses. */
  trainedSeconds: z.number().nonnegative(),
  /** The best validation so far: what `best.ngck` holds. */
  best: scoresSchema.optional(),
  last: scoresSchema.optional(),
  /** Manifests of models made of it, by file name, youngest last. */
  models: z.array(z.string()),
});
/** What `run.json` holds. */
export type RunDescription = z.infer<typeof runDescriptionSchema>;

/** The decisions of whoever starts a run. */
export type RunPlan = Pick<
  RunDescription,
  'title' | 'recipe' | 'dataset' | 'startedFrom' | 'seenBefore' | 'settings'
>;

/** A run folder as read from disk. */
export interface RunFolder {
  readonly folder: string;
  readonly description: RunDescription;
  /** Whether a process on this machine is training it. */
  readonly isAlive: boolean;
}

/** Marks of all pairs that a run's weights have seen. @returns undefined where nobody knows */
export function seenByRun({
  dataset,
  seenBefore,
}: Pick<RunPlan, 'dataset' | 'seenBefore'>): string[] | undefined {
  const own = dataset.kind === 'pairs' ? marksOfPairs(dataset.splits) : [];
  if (own === undefined || seenBefore === undefined) return undefined;
  return [...new Set([...seenBefore, ...own])];
}

/** Paths of what is in a run folder. */
export function runFiles(folder: string) {
  return {
    description: path.join(folder, 'run.json'),
    checkpoint: path.join(folder, 'checkpoint.ngck'),
    best: path.join(folder, 'best.ngck'),
    log: path.join(folder, 'log.jsonl'),
    examples: path.join(folder, 'examples'),
  };
}

/**
 * Makes a run folder that is ready to be trained. Replaces the remains of an earlier run that never
 * reached a checkpoint.
 * @param weights what to start from, [parameters]; random ones by the recipe's seed if not given
 * @throws Refusal `dataset` if the pairs cannot teach the recipe, and as `expectNoRun`, both before
 *   anything is written; `disk`
 */
export async function createRun(
  folder: string,
  plan: RunPlan,
  weights?: Float32Array,
): Promise<RunDescription> {
  const files = runFiles(folder);
  if (plan.dataset.kind === 'pairs') checkPairsFit(plan.recipe, plan.dataset);
  await openOutputFolder(folder);
  await expectNoRun(folder);
  for (const left of [files.description, files.checkpoint, files.log]) {
    await rm(left, { force: true });
  }
  // The description comes last, so that every folder with a description also has weights.
  if (weights !== undefined) {
    const start = { recipe: plan.recipe, dataset: '', state: stateOf(weights) };
    await writeAtomically(files.checkpoint, encodeCheckpoint(start), { overwrite: true });
  }
  const description = descriptionOf(plan, { kind: 'new' }, 0);
  await writeRun(folder, description);
  return description;
}

/**
 * Checks that a run may be made in a folder.
 * @throws Refusal `bad-argument` if it holds a checkpoint (also if only `best.ngck`) or a living run
 */
export async function expectNoRun(folder: string): Promise<void> {
  const { description, checkpoint, best } = runFiles(folder);
  const isFree =
    !existsSync(best) &&
    (!existsSync(checkpoint) || (!existsSync(description) && (await isUntrained(checkpoint))));
  if (isFree && !isRunTaken(folder)) return;
  throw new Refusal(
    'bad-argument',
    `${folder} already holds a run: go on with it by --resume, or choose another folder`,
  );
}

/** Whether the checkpoint holds no training yet: `createRun` was cut off right after writing it. */
async function isUntrained(file: string): Promise<boolean> {
  const found = await readCheckpoint(file).catch(() => undefined);
  return found?.state.step === 0 && found.dataset === '';
}

/**
 * The checkpoint that a run continues from.
 * @throws Refusal `dataset` if it is missing or damaged; says what can be done
 */
export async function readRunCheckpoint(folder: string): Promise<Required<Checkpoint>> {
  const { checkpoint, best } = runFiles(folder);
  const advice = existsSync(best)
    ? 'best.ngck beside it, copied to that name, goes on from the best validation'
    : 'put a copy of it back, or begin a new run in another folder';
  return readWithAdvice(checkpoint, advice);
}

/**
 * The checkpoint of the best validation so far.
 * @throws Refusal `dataset` if it is missing or damaged; says what can be done
 */
export async function readBestCheckpoint(folder: string): Promise<Required<Checkpoint>> {
  const advice = `delete it in ${folder} and go on: the model is then made of the last step`;
  return readWithAdvice(runFiles(folder).best, advice);
}

async function readWithAdvice(file: string, advice: string): Promise<Required<Checkpoint>> {
  try {
    return await readCheckpoint(file);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.code, `${error.message}: ${advice}`);
  }
}

/**
 * Describes a folder of the older form, which holds only a checkpoint and a log.
 * @param step of its checkpoint
 * @throws Refusal `disk`
 */
export async function adoptRun(folder: string, plan: RunPlan, step: number): Promise<void> {
  await writeRun(folder, descriptionOf(plan, { kind: 'stopped' }, step));
}

function descriptionOf(plan: RunPlan, state: RunState, step: number): RunDescription {
  const now = new Date().toISOString();
  return {
    format: 'nightglass-run',
    version: 1,
    ...plan,
    createdAt: now,
    updatedAt: now,
    state,
    step,
    sittings: [],
    trainedSeconds: 0,
    models: [],
  };
}

/**
 * Reads a run folder.
 * @throws Refusal `dataset` if the folder holds no run or its `run.json` is damaged
 */
export async function readRun(folder: string): Promise<RunFolder> {
  const file = runFiles(folder).description;
  const refuse = (what: string): Refusal =>
    new Refusal('dataset', `expected a training run in ${folder} but ${what}`);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw refuse(`run.json cannot be read: ${describeError(error)}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw refuse('run.json is damaged');
  }
  const parsed = runDescriptionSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`run.json is not one: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  return { folder, description: parsed.data, isAlive: isRunTaken(folder) };
}

/**
 * Replaces `run.json`. Only the process that holds the run's lock may call it, or anyone while the
 * lock is free.
 * @throws Refusal `disk`
 */
export async function writeRun(folder: string, description: RunDescription): Promise<void> {
  const json = Buffer.from(`${JSON.stringify(description, undefined, 2)}\n`);
  await writeAtomically(runFiles(folder).description, [json], { overwrite: true });
}
