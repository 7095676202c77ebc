/** `nightglass train`: trains a network from clean photos or from pairs of exposures. */

import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import {
  firstLevels,
  optimizers,
  trainingDeviceChoices,
} from '../../../preload/contract/choices.ts';
import { openOutputFolder } from '../../base/atomic.ts';
import { Refusal } from '../../base/refusal.ts';
import { readCheckpoint } from '../../training/run/checkpoint.ts';
import { validationPatchCount } from '../../training/validation/photo-validation.ts';
import { defaultRecipe, recipeNameSchema } from '../../training/recipe.ts';
import { RunControl } from '../../training/run/control.ts';
import { readRun, runFiles } from '../../training/run/folder.ts';
import { writeRunModel } from '../../training/run/model.ts';
import { trainRun } from '../../training/run/train-run.ts';
import { writeModel } from '../../training/run/trained-model.ts';
import { numberBetween } from '../arguments.ts';
import { interruptSignal } from '../interrupt.ts';
import { exitStatus } from '../outcome.ts';
import { ProgressLine } from '../progress-line.ts';
import { chooseTrainingDevice } from './device.ts';
import { choosePairs } from './pairs.ts';
import { checkOptions, planRun, titled, trainOptionsSchema, type TrainOptions } from './plan.ts';
import { planResumption } from './resumption.ts';
import { TrainingReport } from './report.ts';
import { usualNight } from '../../training/photos/night.ts';

const whole = { whole: true };

export function trainCommand(): Command {
  const { batch, patchPacked, steps, learningRate, seed, unet } = defaultRecipe;
  return new Command('train')
    .description(
      'trains a model from pairs of short and long exposures, or from clean photos in darkness that is simulated',
    )
    .argument(
      '[pairs...]',
      'a folder with "short" and "long" in it, two such folders, a folder of bracketed exposures, or list files',
    )
    .addOption(
      new Option(
        '--recipe <name>',
        'raw: linear light (default); sid: finished pictures, as "Learning to See in the Dark"; ' +
          'adapt: a shipped model gets used to your camera, with few pairs, in minutes',
      ).choices(recipeNameSchema.options),
    )
    .option('--only-camera <name>', 'the pairs of this camera alone, or "any"')
    .option(
      '--epochs <number>',
      'passes over the pairs, instead of --steps',
      numberBetween(0.01, 1e6),
    )
    .option(
      '--loss <terms>',
      'l1 or mse, or terms with their weights: toned:1,linear:0.2,blocks:0.5 (toned, tonedSquared, linear, squared, blocks, rendered, renderedLog, renderedBlocks; docs/training.md); as what --from names was trained, if not given',
    )
    .option('--photos <folder...>', 'clean photos: folders (with all below them) or files')
    .option(
      '--camera <profile>',
      "darken them with one camera's noise, as nightglass calibrate measured it (.json)",
    )
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
      '--deep-dark <share>',
      'share of the patches drawn from the deep dark (×200 at ISO 6400 and darker), besides those that chance puts there (with --photos; default: 0)',
      numberBetween(0, 1),
    )
    .option('--no-night', 'none of what follows up to --amp-glow, but what is asked for by name')
    .addOption(nightOption('--hot-pixels', 'hot and dead pixels', usualNight.hotPixels))
    .addOption(nightOption('--stars', 'a field of stars', usualNight.stars))
    .addOption(nightOption('--lamps', 'coloured lamps far above white', usualNight.lamps))
    .addOption(nightOption('--banding', 'rows that differ', usualNight.banding))
    .addOption(nightOption('--column-banding', 'columns that differ', usualNight.columnBanding))
    .addOption(nightOption('--clip-black', 'nothing below black', usualNight.clipBlack))
    .addOption(nightOption('--black-offset', 'a black level that is off', usualNight.blackOffset))
    .addOption(nightOption('--amp-glow', "the electronics' warmth", usualNight.ampGlow))
    .option(
      '--base <channels>',
      `width of the network: 16 is fast, 32 is quality (default: ${unet.baseChannels})`,
      numberBetween(4, 64, whole),
    )
    .addOption(
      new Option(
        '--first-level <size>',
        "size of the network's first level: as the packed mosaic, or half of it with more channels, for as much work (default: full)",
      ).choices(firstLevels),
    )
    .option(
      '--learning-rate <number>',
      `highest learning rate (default: ${learningRate})`,
      numberBetween(1e-8, 1),
    )
    .option('--learning-rate-final <number>', 'lowest learning rate', numberBetween(1e-12, 1))
    .addOption(
      new Option(
        '--optimizer <name>',
        'muon: learns faster from random weights; moves hidden convolutions at 10 times the learning rate, and the rest as adam does (default: adam)',
      ).choices(optimizers),
    )
    .addOption(
      new Option('--schedule <kind>', 'how the learning rate falls').choices(['cosine', 'halfway']),
    )
    .option(
      '--warmup <steps>',
      'steps in which the learning rate rises',
      numberBetween(0, 1_000_000, whole),
    )
    .option(
      '--clip-norm <number>',
      'gradients longer than this are shortened',
      numberBetween(1e-6, 1e9),
    )
    .option(
      '--seed <number>',
      `decides first weights and all patches (default: ${seed})`,
      numberBetween(0, 0xffff_ffff, whole),
    )
    .addOption(
      new Option(
        '--device <name>',
        'where steps are made (default: cpu, whose runs can be repeated bit for bit); auto measures which is faster',
      ).choices(trainingDeviceChoices),
    )
    .option('--threads <number>', 'processor threads (default: all)', numberBetween(1, 256, whole))
    .option('--name <text>', "the model's name (default: Trained model)")
    .option('--id <id>', 'what --model calls it, and its files (default: made of the name)')
    .option('--description <text>', 'what it is good for, for its manifest')
    .option('--licence <text>', "the model's licence, for its manifest (default: not stated)")
    .option(
      '--from <model>',
      'start with the weights of a model (id or file) or a checkpoint, at step 0; --base may ask for a multiple of its channels',
    )
    .option(
      '--teacher <model>',
      'a trained model (id or file) whose answers are learned from besides the truth, which helps a small network most in the deep dark; a step of base 16 takes twice as long with quality',
    )
    .option(
      '--teacher-share <share>',
      "how much of what is learned is the teacher's answer (default: 0.7)",
      numberBetween(0.01, 1),
    )
    .option(
      '--checkpoint-every <steps>',
      'steps between checkpoints (default: 250)',
      numberBetween(1, 1_000_000, whole),
    )
    .option(
      '--validate-every <steps>',
      'steps between validations on fixed patches (default: 1000)',
      numberBetween(1, 1_000_000, whole),
    )
    .option(
      '--validation-photos <number>',
      `photos set aside for validation, ${validationPatchCount} at most (default: those kept for evaluation, else a few)`,
      numberBetween(0, validationPatchCount, whole),
    )
    .addOption(
      new Option(
        '--keep <which>',
        'what becomes the model when all steps are made (default: best)',
      ).choices(['best', 'last']),
    )
    .option(
      '--passes <1|2>',
      'how often the model looks at each tile: 2 sees it transposed as well and takes the mean, for twice the work (default: as --from does, else 1)',
      numberBetween(1, 2, whole),
    )
    .option(
      '--photo-memory <megabytes>',
      'for decoded photos; where they do not all fit, they take turns (default: 1610)',
      numberBetween(1, 1_000_000, whole),
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
    .action(async (pairs: string[], given: unknown) => {
      await runTraining(pairs, trainOptions(given));
    });
}

/** An option for the share of patches with a night effect. */
function nightOption(name: string, what: string, usual: number): Option {
  return new Option(
    `${name} <share>`,
    `share of the patches with ${what} (with --photos; default: ${usual})`,
  ).argParser(numberBetween(0, 1));
}

/** @throws Refusal `bad-argument` */
function trainOptions(given: unknown): TrainOptions {
  const parsed = trainOptionsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const option = String(issue?.path[0] ?? '').replace(
    /[A-Z]/g,
    (letter) => `-${letter.toLowerCase()}`,
  );
  throw new Refusal('bad-argument', `bad --${option}: ${issue?.message ?? 'it is wrong'}`);
}

async function runTraining(paths: readonly string[], options: TrainOptions): Promise<void> {
  const signal = interruptSignal();
  if (paths.length > 0 && options.photos.length > 0) {
    throw new Refusal('bad-argument', 'expected pairs or --photos but received both');
  }
  if (paths.length > 0 && options.camera !== undefined) {
    throw new Refusal(
      'bad-argument',
      "expected --photos for --camera: pairs have their camera's own noise (--only-camera chooses among theirs)",
    );
  }
  if (options.exportOnly || (await isFinishedOfOld(options))) {
    await exportModel(options);
    return;
  }
  const control = new RunControl();
  signal.addEventListener('abort', () => {
    control.stop('nothing');
  });
  if (signal.aborted) control.stop('nothing');
  const line = new ProgressLine({ ...(options.json ? { isEnabled: false } : {}) });
  try {
    if (!options.resume) await checkOptions(options, paths.length > 0);
    const pairs =
      paths.length === 0
        ? undefined
        : await choosePairs(paths, {
            camera: options.onlyCamera,
            isJson: options.json,
            line,
            signal,
          });
    if (options.resume) await planResumption(options, pairs);
    else await planRun(options, pairs);
    if (options.device === 'auto') {
      await chooseTrainingDevice(options.out, { isJson: options.json, line, signal });
    }
  } finally {
    line.done();
  }
  const report = new TrainingReport({ isJson: options.json, line });
  try {
    const outcome = await trainRun(options.out, {
      control,
      acceptsOtherData: options.otherPhotos,
      command: process.argv.slice(2),
      onEvent: (event, isLogged) => {
        report.tell(event, isLogged);
      },
      onLoading: (loaded, total) => {
        line.update(`reading photos: ${loaded}/${total}`);
      },
    });
    line.done();
    if (outcome.kind === 'stopped') exitStatus.current = 130;
    else if (outcome.model !== undefined) report.wrote(outcome.model, outcome.step);
  } finally {
    line.done();
  }
}

/**
 * Whether this is a finished run of the older form, of which only the checkpoint is known, so that
 * nothing says what to train on.
 */
async function isFinishedOfOld({ resume, out, photos, steps }: TrainOptions): Promise<boolean> {
  const files = runFiles(out);
  if (!resume || photos.length > 0 || existsSync(files.description)) return false;
  if (!existsSync(files.checkpoint)) return false;
  const { recipe, state } = await readCheckpoint(files.checkpoint);
  return state.step >= (steps ?? recipe.steps);
}

/** Writes a model of the checkpoint as it is. */
async function exportModel(options: TrainOptions): Promise<void> {
  const files = runFiles(options.out);
  const checkpoint = await readCheckpoint(files.checkpoint);
  const before = existsSync(files.description)
    ? (await readRun(options.out)).description
    : undefined;
  const title = titled(options, before?.title);
  await openOutputFolder(options.out);
  const passes = options.passes ?? before?.settings.passes ?? 1;
  const paths =
    before === undefined
      ? await writeModel(options.out, checkpoint, title, { passes })
      : await writeRunModel(
          options.out,
          { ...before, title, settings: { ...before.settings, passes } },
          checkpoint,
        );
  new TrainingReport({ isJson: options.json, line: new ProgressLine() }).wrote(
    paths,
    checkpoint.state.step,
  );
}
