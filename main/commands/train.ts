/** `nightglass train`: a network of one's own, from clean photos. */

import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { readModel } from '../network/manifest.ts';
import { openOutputFolder, writeAtomically } from '../export/atomic.ts';
import { Refusal, throwIfCancelled } from '../refusal.ts';
import {
  encodeCheckpoint,
  readCheckpoint,
  type Checkpoint,
  type TrainingState,
} from '../training/checkpoint.ts';
import { describeDataset, trainingPhotos, type TrainingPhotos } from '../training/dataset.ts';
import { modelWeights } from '../training/model-weights.ts';
import { PatchSource } from '../training/patch-source.ts';
import { defaultRecipe, recipeSchema, type Recipe } from '../training/recipe.ts';
import { freshState, train } from '../training/run.ts';
import { idOfName, writeModel, type ModelTitle } from '../training/trained-model.ts';
import { numberBetween } from './arguments.ts';
import { interruptSignal } from './interrupt.ts';
import { exitStatus } from './outcome.ts';
import { ProgressLine } from './progress-line.ts';
import { TrainingReport } from './training-report.ts';

const whole = { whole: true };

const optionsSchema = z.object({
  photos: z.array(z.string()).default([]),
  out: z.string(),
  steps: z.number().optional(),
  batch: z.number().optional(),
  patch: z.number().optional(),
  base: z.number().optional(),
  learningRate: z.number().optional(),
  seed: z.number().optional(),
  threads: z.number().optional(),
  name: z.string().min(1).max(100),
  id: z.string().optional(),
  description: z.string().max(2000).optional(),
  licence: z.string().min(1),
  from: z.string().optional(),
  checkpointEvery: z.number(),
  exclude: z.array(z.string()).default([]),
  withHeldOut: z.boolean().default(false),
  resume: z.boolean().default(false),
  otherPhotos: z.boolean().default(false),
  exportOnly: z.boolean().default(false),
  json: z.boolean().default(false),
});

type Options = z.infer<typeof optionsSchema>;

export function trainCommand(): Command {
  const { batch, patchPacked, steps, learningRate, seed, unet } = defaultRecipe;
  return new Command('train')
    .description('trains a model from clean photos, in darkness that is simulated')
    .option('--photos <folder...>', 'clean photos: folders (with all below them) or files')
    .requiredOption('--out <folder>', 'where checkpoint, log and model go')
    .option(
      '--steps <number>',
      `steps in all (default: ${steps})`,
      numberBetween(1, 100_000_000, whole),
    )
    .option(
      '--batch <number>',
      `patches in a step (default: ${batch})`,
      numberBetween(1, 64, whole),
    )
    .option(
      '--patch <pixels>',
      `side of a patch in packed pixels, a multiple of 16 (default: ${patchPacked})`,
      numberBetween(32, 512, whole),
    )
    .option(
      '--base <channels>',
      `width of the network: 16 is fast, 32 is quality (default: ${unet.baseChannels})`,
      numberBetween(4, 64, whole),
    )
    .option(
      '--learning-rate <number>',
      `highest learning rate (default: ${learningRate})`,
      numberBetween(1e-8, 1),
    )
    .option(
      '--seed <number>',
      `decides first weights and all patches (default: ${seed})`,
      numberBetween(0, 0xffff_ffff, whole),
    )
    .option('--threads <number>', 'processor threads (default: all)', numberBetween(1, 256, whole))
    .option('--name <text>', "the model's name", 'Trained model')
    .option('--id <id>', 'what --model calls it, and its files (default: made of the name)')
    .option('--description <text>', 'what it is good for, for its manifest')
    .option('--licence <text>', "the model's licence, for its manifest", 'not stated')
    .option(
      '--from <model>',
      'start with the weights of a model (id or file) or a checkpoint, at step 0',
    )
    .option(
      '--checkpoint-every <steps>',
      'steps between checkpoints',
      numberBetween(1, 1_000_000, whole),
      250,
    )
    .option('--exclude <name...>', 'file names of photos to leave out')
    .option('--with-held-out', 'also train on the photos that evaluate is meant for')
    .option(
      '--resume',
      'go on with the run in --out as if it had not stopped (bit for bit on as many threads)',
    )
    .option('--other-photos', 'with --resume: although the photos are not those it began with')
    .option('--export-only', 'write the model of the run in --out as it stands')
    .option('--json', 'print one JSON object a line')
    .action(async (given: unknown) => {
      await runTraining(optionsSchema.parse(given));
    });
}

async function runTraining(options: Options): Promise<void> {
  const signal = interruptSignal();
  const title = titleOf(options);
  const files = filesIn(options.out);
  if (options.exportOnly) {
    await openOutputFolder(options.out);
    await exportModel(options, await readCheckpoint(files.checkpoint), title, undefined);
    return;
  }
  const begun = await beginOrResume(options, files.checkpoint);
  if (begun.state.step >= begun.recipe.steps) {
    await openOutputFolder(options.out);
    await exportModel(options, begun, title, undefined);
    return;
  }
  const photos = await choosePhotos(options);
  const dataset = await describeDataset(photos.files);
  checkDataset(options, begun, dataset);
  await openOutputFolder(options.out);

  const line = new ProgressLine({ ...(options.json ? { isEnabled: false } : {}) });
  const source = await openPatches(photos, begun, signal, line);
  for (const skipped of source.skipped) line.log(`left out: ${skipped}`);
  const run: Checkpoint = { ...begun, dataset };
  const report = new TrainingReport(run, { isJson: options.json, line, logFile: files.log });
  await report.begin(source.photos, photos.excluded);
  const write = async (checkpoint: Checkpoint): Promise<void> => {
    await writeAtomically(files.checkpoint, encodeCheckpoint(checkpoint), { overwrite: true });
  };
  try {
    const state = await train(run.recipe, run.state, source, {
      // ONNX Runtime would count the machine's cores, whatever share of them is ours.
      threads: options.threads ?? availableParallelism(),
      checkpointEvery: options.checkpointEvery,
      signal,
      onCheckpoint: (reached) => write({ ...run, state: reached }),
      onProgress: (progress) => {
        report.step(progress);
      },
    });
    await report.end();
    if (state.step < run.recipe.steps) {
      report.stopped(state.step, files.checkpoint);
      exitStatus.current = 130;
      return;
    }
    await exportModel(options, { ...run, state }, title, {
      photos: source.photos,
      excluded: [...photos.excluded],
    });
  } finally {
    line.done();
    await source.close();
  }
}

function filesIn(folder: string) {
  return {
    checkpoint: path.join(folder, 'checkpoint.ngck'),
    log: path.join(folder, 'log.jsonl'),
  };
}

/** @throws Refusal `bad-argument` for an id that cannot name files */
function titleOf({ name, id = idOfName(name), description, licence }: Options): ModelTitle {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) {
    throw new Refusal(
      'bad-argument',
      `expected small letters, digits and hyphens for --id but received "${id}"`,
    );
  }
  return { id, name, description: description ?? 'Trained by nightglass train.', licence };
}

/** The recipe that the options ask for. */
function recipeOf(options: Options): Recipe {
  const recipe = {
    ...defaultRecipe,
    unet: { ...defaultRecipe.unet, baseChannels: options.base ?? defaultRecipe.unet.baseChannels },
    batch: options.batch ?? defaultRecipe.batch,
    patchPacked: options.patch ?? defaultRecipe.patchPacked,
    steps: options.steps ?? defaultRecipe.steps,
    learningRate: options.learningRate ?? defaultRecipe.learningRate,
    seed: options.seed ?? defaultRecipe.seed,
  };
  const parsed = recipeSchema.safeParse(recipe);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const what = issue?.path.join('.') === 'patchPacked' ? '--patch' : issue?.path.join('.');
  throw new Refusal('bad-argument', `bad ${what ?? 'recipe'}: ${issue?.message ?? 'it is wrong'}`);
}

/** What the run starts from; its dataset is empty where none binds it. */
async function beginOrResume(options: Options, file: string): Promise<Checkpoint> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (options.resume) {
    if (options.from !== undefined) {
      throw new Refusal('bad-argument', 'expected --resume or --from but received both');
    }
    if (!isThere) {
      throw new Refusal(
        'bad-argument',
        `expected a run to go on with in ${options.out} but there is none`,
      );
    }
    const checkpoint = await readCheckpoint(file);
    return { ...checkpoint, recipe: resumedRecipe(options, checkpoint.recipe) };
  }
  if (isThere) {
    throw new Refusal(
      'bad-argument',
      `${options.out} already holds a run: go on with it by --resume, or choose another folder`,
    );
  }
  const recipe = recipeOf(options);
  if (options.from === undefined) return { recipe, dataset: '', state: freshState(recipe) };
  const from = await readStart(options.from);
  if (options.base !== undefined && options.base !== from.unet.baseChannels) {
    throw new Refusal(
      'bad-argument',
      `expected --base ${from.unet.baseChannels}, as in ${path.basename(options.from)}, but received ${options.base}`,
    );
  }
  const continued = { ...recipe, unet: from.unet };
  return {
    recipe: continued,
    dataset: '',
    state: { ...freshState(continued), weights: from.weights },
  };
}

/** Weights to start with: a checkpoint's, or a model's. */
async function readStart(
  from: string,
): Promise<Pick<TrainingState, 'weights'> & Pick<Recipe, 'unet'>> {
  if (from.endsWith('.ngck')) {
    const { recipe, state } = await readCheckpoint(from);
    return { unet: recipe.unet, weights: state.weights };
  }
  const model = await readModel(from);
  return { unet: model.manifest.unet, weights: modelWeights(model) };
}

/** The checkpoint's own recipe; only the number of steps may be given anew. */
function resumedRecipe(options: Options, recipe: Recipe): Recipe {
  const given: readonly (readonly [string, number | undefined, number])[] = [
    ['--batch', options.batch, recipe.batch],
    ['--patch', options.patch, recipe.patchPacked],
    ['--base', options.base, recipe.unet.baseChannels],
    ['--learning-rate', options.learningRate, recipe.learningRate],
    ['--seed', options.seed, recipe.seed],
  ];
  for (const [name, asked, had] of given) {
    if (asked !== undefined && asked !== had) {
      throw new Refusal(
        'bad-argument',
        `expected ${name} ${had}, as the run began, but received ${asked}`,
      );
    }
  }
  return { ...recipe, steps: options.steps ?? recipe.steps };
}

async function choosePhotos(options: Options): Promise<TrainingPhotos> {
  if (options.photos.length === 0) {
    throw new Refusal('bad-argument', 'expected --photos with a folder of clean photos');
  }
  return trainingPhotos(options.photos, options);
}

function checkDataset(options: Options, { dataset: had }: Checkpoint, dataset: string): void {
  if (!options.resume || options.otherPhotos || had === dataset) return;
  throw new Refusal(
    'dataset',
    `expected the photos the run began with (${had}) but found ${dataset}: it would not go on as it ` +
      'was; --other-photos goes on all the same',
  );
}

/**
 * Opens the patches. Ctrl-C ends the loading of photos, but not the making of patches after it: the
 * step at work is finished and saved.
 */
async function openPatches(
  photos: TrainingPhotos,
  { recipe, state }: Checkpoint,
  signal: AbortSignal,
  line: ProgressLine,
): Promise<PatchSource> {
  throwIfCancelled(signal);
  const loading = new AbortController();
  const stop = (): void => {
    loading.abort();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await PatchSource.open({
      files: photos.files,
      seed: recipe.seed,
      batch: recipe.batch,
      patchPacked: recipe.patchPacked,
      // Batches are numbered by the step they train.
      firstStep: state.step + 1,
      signal: loading.signal,
      onLoading: (loaded, total) => {
        line.update(`reading photos: ${loaded}/${total}`);
      },
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function exportModel(
  options: Options,
  checkpoint: Checkpoint,
  title: ModelTitle,
  facts: Record<string, number | string[]> | undefined,
): Promise<void> {
  const paths = await writeModel(options.out, checkpoint, title, facts);
  const { step } = checkpoint.state;
  if (options.json) {
    const result = { event: 'result', step, steps: checkpoint.recipe.steps, ...paths };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  process.stdout.write(
    `Wrote ${paths.manifest} and ${path.basename(paths.onnx)} at step ${step}.\n`,
  );
}
