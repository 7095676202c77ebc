/** The model card of a trained model, as Markdown: how it was made, for whoever receives it. */

import type { Passes } from '../../network/inference-model.ts';
import { unetWords } from '../../network/unet.ts';
import { nightNames, type NightShares } from '../photos/night.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { ModelTitle } from './model-title.ts';

/** What is known about the run besides its checkpoint. */
export interface CardFacts {
  /** Number of photos or pairs in training, and names of those left out; absent where unknown. */
  readonly count?: number;
  readonly excluded?: readonly string[];
  /** For people: where the first weights came from. */
  readonly startedFrom: string;
  /** The program and its threads, in words, and the command line; absent where unknown. */
  readonly making?: string;
  readonly command?: string;
  readonly trainedHours: number;
  readonly passes: Passes;
  readonly validation?: {
    readonly psnrDb: number;
    readonly ssim: number;
    readonly loss: number;
    /** What it was measured on, in words. */
    readonly about: string;
    readonly isHeldOut: boolean;
  };
}

export function modelCard(
  { recipe, dataset, state }: Checkpoint,
  title: ModelTitle,
  facts: CardFacts,
): string {
  const { unet, batch, patchPacked, learningRate, learningRateFinal, seed, steps } = recipe;
  const { making, command } = facts;
  const { count, excluded = [], startedFrom, trainedHours, passes, validation } = facts;
  const lines = [
    `# ${title.name}`,
    '',
    title.description,
    '',
    `Use it with \`nightglass enhance PHOTO --model ${title.id}.json\`, or import it in the app. \`${title.id}.onnx\` and`,
    `\`${title.id}.json\` belong together; copied as two files they work anywhere.`,
    '',
    '| | |',
    '| --- | --- |',
    `| network | ${unetWords(unet)} |`,
    ...(passes === 1
      ? []
      : ['| passes | 2: it looks at each tile as it is and transposed, and gives the mean |']),
    `| learned from | ${dataset} |`,
    ...(excluded.length === 0 ? [] : [`| left out | ${excluded.join(', ')} |`]),
    ...(count === undefined ? [] : [`| trained on | ${count} |`]),
    `| recipe | ${recipe.name}: gives ${recipe.domain === 'srgb' ? 'finished pictures in sRGB' : 'linear light'} |`,
    `| started from | ${startedFrom} |`,
    ...(making === undefined ? [] : [`| made by | ${making} |`]),
    ...(command === undefined ? [] : [`| command | \`${command}\` |`]),
    `| steps | ${state.step} of ${steps}, ${batch} patches of ${patchPacked}² packed pixels each |`,
    ...(recipe.teacher === undefined
      ? []
      : [
          `| taught by | ${recipe.teacher.id} (SHA-256 ${recipe.teacher.sha256}), whose answers count ${recipe.teacher.share} beside the truth |`,
        ]),
    ...(recipe.deepDark === 0
      ? []
      : [
          `| deep dark | ${recipe.deepDark} of the patches, besides those that chance puts there |`,
        ]),
    ...nightLines(recipe.night),
    `| learning rate | ${learningRate} to ${learningRateFinal}, seed ${seed} |`,
    `| time | ${trainedHours.toFixed(trainedHours < 1 ? 2 : 1)} h |`,
    ...(validation === undefined ? [] : validationLines(validation)),
    `| licence | ${title.licence} |`,
    '',
    ...(validation === undefined ? [] : [caution(validation), '']),
    'The whole recipe stands in the manifest.',
    '',
  ];
  return lines.join('\n');
}

function nightLines(night: NightShares): string[] {
  const shares = nightNames
    .filter((name) => night[name] > 0)
    .map((name) => `${name} ${night[name]}`);
  return shares.length === 0 ? [] : [`| of the night | ${shares.join(', ')} of the patches |`];
}

function validationLines(validation: NonNullable<CardFacts['validation']>): string[] {
  const { psnrDb, ssim, loss } = validation;
  return [
    `| validation | ${psnrDb.toFixed(2)} dB PSNR, SSIM ${ssim.toFixed(4)}, loss ${loss.toFixed(4)} |`,
  ];
}

function caution({ about, isHeldOut }: NonNullable<CardFacts['validation']>): string {
  const measured = `Validation is measured on ${about}, rendered with sRGB's curve`;
  return isHeldOut
    ? `${measured}: pictures that were not trained on, though the step was chosen by them.`
    : `${measured}: the very pictures it was trained on, so that new ones will come out worse.`;
}
