/** Turns the options of `nightglass train` into the recipe of a run. */

import { z } from 'zod';
import { firstLevelSchema, optimizerSchema } from '../../../preload/contract/choices.ts';
import { Refusal } from '../../base/refusal.ts';
import {
  checkOptimizer,
  recipeNameSchema,
  recipeSchema,
  recipes,
  stepsOfEpochs,
  withFirstLevel,
  type Recipe,
} from '../../training/recipe.ts';
import { noLoss, type LossWeights } from '../../training/step/loss.ts';
import {
  nightNames,
  nightSharesSchema,
  noNight,
  type NightShares,
} from '../../training/photos/night.ts';

/** `--hot-pixels` and similar options: shares of the patches. */
const nightOptions = z.object({
  hotPixels: z.number().optional(),
  stars: z.number().optional(),
  lamps: z.number().optional(),
  banding: z.number().optional(),
  columnBanding: z.number().optional(),
  clipBlack: z.number().optional(),
  blackOffset: z.number().optional(),
  ampGlow: z.number().optional(),
});

export const recipeOptionsSchema = z.object({
  recipe: recipeNameSchema.optional(),
  steps: z.number().optional(),
  epochs: z.number().optional(),
  loss: z.string().optional(),
  batch: z.number().optional(),
  patch: z.number().optional(),
  deepDark: z.number().optional(),
  base: z.number().optional(),
  firstLevel: firstLevelSchema.optional(),
  learningRate: z.number().optional(),
  learningRateFinal: z.number().optional(),
  optimizer: optimizerSchema.optional(),
  schedule: recipeSchema.shape.schedule.unwrap().optional(),
  warmup: z.number().optional(),
  clipNorm: z.number().optional(),
  teacherShare: z.number().optional(),
  camera: z.string().optional(),
  night: z.boolean().default(true),
  ...nightOptions.shape,
  seed: z.number().optional(),
});

type RecipeOptions = z.input<typeof recipeOptionsSchema>;

/** The option's name on the command line. */
const optionOf = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Effects of the sensor rather than of light; a measured camera's own are known. */
const sensorsOwn: ReadonlySet<keyof NightShares> = new Set(
  nightNames.filter((name) => name !== 'stars' && name !== 'lamps'),
);

/**
 * Night effects of a run on photos: the recipe's shares, changed by the options. With a measured
 * camera, sensor faults come from its profile unless an option sets their share.
 */
function nightOf(options: RecipeOptions, made: NightShares, isMeasured: boolean): NightShares {
  const usual = options.night === false ? noNight : made;
  const entries = nightNames.map((name): readonly [string, number] => [
    name,
    options[name] ?? (isMeasured && sensorsOwn.has(name) ? 0 : usual[name]),
  ]);
  return nightSharesSchema.parse(Object.fromEntries(entries));
}

const lossWeightsSchema = z.strictObject(recipeSchema.shape.loss.shape);

/**
 * The loss that `--loss` asks for: `l1`, `mse`, or terms with their weights (`toned:1,linear:0.2`).
 * @throws Refusal `bad-argument`
 */
function lossOf(text: string): LossWeights {
  if (text === 'l1') return { ...noLoss, linear: 1 };
  if (text === 'mse') return { ...noLoss, squared: 1 };
  const terms = text.split(',').map((part): readonly [string, number] => {
    const [name = '', weight = '', ...more] = part.split(':').map((word) => word.trim());
    return [name, weight === '' || more.length > 0 ? Number.NaN : Number(weight)];
  });
  const weights = lossWeightsSchema.safeParse({ ...noLoss, ...Object.fromEntries(terms) });
  if (weights.success && Object.values(weights.data).some((weight) => weight > 0)) {
    return weights.data;
  }
  throw new Refusal(
    'bad-argument',
    `expected --loss l1, mse, or weights of ${Object.keys(noLoss).join(', ')} such as ` +
      `toned:1,linear:0.2,blocks:0.5 but received ${text}`,
  );
}

/**
 * The recipe for the options.
 * @param pairs number of pairs to train on, for recipes that count in passes over them; undefined
 *   for photos
 * @throws Refusal `bad-argument`
 */
export function recipeOf(options: RecipeOptions, pairs: number | undefined): Recipe {
  const made = recipes[options.recipe ?? 'raw'];
  if (pairs === undefined && (made.domain === 'srgb' || options.epochs !== undefined)) {
    const what = made.domain === 'srgb' ? `--recipe ${made.name}` : '--epochs';
    throw new Refusal(
      'bad-argument',
      `expected pairs for ${what} but received --photos: name a folder of short and long exposures`,
    );
  }
  if (pairs !== undefined && options.deepDark !== undefined) {
    throw new Refusal(
      'bad-argument',
      'expected --photos for --deep-dark but received pairs, which are as dark as they were taken',
    );
  }
  const [askedNight] = nightNames.filter((name) => options[name] !== undefined);
  if (pairs !== undefined && askedNight !== undefined) {
    throw new Refusal(
      'bad-argument',
      `expected --photos for ${optionOf(askedNight)} but received pairs, which have what the camera saw`,
    );
  }
  const { epochs: madeEpochs, ...rest } = made;
  const batch = options.batch ?? made.batch;
  const epochs = options.steps === undefined ? (options.epochs ?? madeEpochs) : undefined;
  const steps =
    epochs === undefined || pairs === undefined
      ? (options.steps ?? made.steps)
      : stepsOfEpochs({ ...made, batch }, epochs, pairs);
  const learningRate = options.learningRate ?? made.learningRate;
  const parsed = recipeSchema.safeParse({
    ...rest,
    unet: {
      ...withFirstLevel(made.unet, options.firstLevel ?? made.unet.firstLevel),
      baseChannels: options.base ?? made.unet.baseChannels,
    },
    batch,
    patchPacked: options.patch ?? made.patchPacked,
    deepDark: options.deepDark ?? made.deepDark,
    night:
      pairs === undefined ? nightOf(options, made.night, options.camera !== undefined) : noNight,
    steps,
    ...(epochs === undefined ? {} : { epochs }),
    learningRate,
    learningRateFinal: options.learningRateFinal ?? finalRate(made, learningRate),
    optimizer: options.optimizer ?? made.optimizer,
    schedule: options.schedule ?? made.schedule,
    warmupSteps: options.warmup ?? made.warmupSteps,
    clipNorm: options.clipNorm ?? made.clipNorm,
    ...(options.loss === undefined ? {} : { loss: lossOf(options.loss) }),
    seed: options.seed ?? made.seed,
  });
  if (parsed.success) {
    const { domain, loss } = parsed.data;
    checkOptimizer(parsed.data);
    if (domain === 'srgb' && loss.rendered + loss.renderedLog + loss.renderedBlocks > 0) {
      throw new Refusal(
        'bad-argument',
        `expected --loss without rendered, renderedLog and renderedBlocks for --recipe ${made.name}, whose targets are rendered already: use squared and blocks`,
      );
    }
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  const what = issue?.path.join('.') === 'patchPacked' ? '--patch' : issue?.path.join('.');
  throw new Refusal('bad-argument', `bad ${what ?? 'recipe'}: ${issue?.message ?? 'it is wrong'}`);
}

/**
 * Keeps the ratio of the single drop. A cosine keeps its final rate, unless that is above the new
 * initial one.
 */
function finalRate({ schedule, learningRate: from, learningRateFinal: to }: Recipe, rate: number) {
  return schedule === 'halfway' ? (rate * to) / from : Math.min(rate, to);
}

/** Written as `--loss` takes it. */
function said(loss: LossWeights): string {
  const terms = Object.entries(loss).filter(([, weight]) => weight > 0);
  return terms.map(([name, weight]) => `${name}:${weight}`).join(',');
}

/**
 * The run's own recipe; only the number of steps may change.
 * @throws Refusal `bad-argument`
 */
export function resumedRecipe(options: RecipeOptions, recipe: Recipe): Recipe {
  const nothing = options.night === false ? 0 : undefined;
  const given: readonly (readonly [string, number | string | undefined, number | string])[] = [
    ['--recipe', options.recipe, recipe.name],
    ['--batch', options.batch, recipe.batch],
    ['--patch', options.patch, recipe.patchPacked],
    ['--deep-dark', options.deepDark, recipe.deepDark],
    ...nightNames.map(
      (name) => [optionOf(name), options[name] ?? nothing, recipe.night[name]] as const,
    ),
    ['--base', options.base, recipe.unet.baseChannels],
    ['--first-level', options.firstLevel, recipe.unet.firstLevel],
    ['--learning-rate', options.learningRate, recipe.learningRate],
    ['--learning-rate-final', options.learningRateFinal, recipe.learningRateFinal],
    ['--optimizer', options.optimizer, recipe.optimizer],
    ['--schedule', options.schedule, recipe.schedule],
    ['--warmup', options.warmup, recipe.warmupSteps],
    ['--clip-norm', options.clipNorm, recipe.clipNorm],
    ['--teacher-share', options.teacherShare, recipe.teacher?.share ?? 0],
    ['--seed', options.seed, recipe.seed],
    ['--epochs', options.epochs, recipe.epochs ?? 0],
    ['--loss', options.loss && said(lossOf(options.loss)), said(recipe.loss)],
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

/**
 * Checks that weights or a teacher were trained for the same input and output.
 * @param option the option that names them: `--from` or `--teacher`
 * @throws Refusal `bad-argument`
 */
export function checkSameTerms(
  recipe: Recipe,
  model: Pick<Recipe, 'domain' | 'whiteBalanced' | 'clamp'>,
  option: string,
  name: string,
): void {
  const isSame =
    recipe.domain === model.domain &&
    recipe.whiteBalanced === model.whiteBalanced &&
    recipe.clamp === model.clamp;
  if (isSame) return;
  const gives = model.domain === 'srgb' ? 'finished pictures' : 'linear light';
  throw new Refusal(
    'bad-argument',
    `expected ${option} for --recipe ${recipe.name} to take and give what that does, but ${name} gives ${gives}: leave out ${option}, or use --recipe ${model.domain === 'srgb' ? 'sid' : 'raw'}`,
  );
}
