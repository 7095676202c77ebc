/** `nightglass train --resume`: prepares a run folder to continue with the given options. */

import { existsSync } from 'node:fs';
import { Refusal } from '../../base/refusal.ts';
import { describePairs } from '../../training/pairs/digest.ts';
import { checkPairsFit } from '../../training/pairs/fit.ts';
import type { Recipe } from '../../training/recipe.ts';
import {
  adoptRun,
  readRun,
  readRunCheckpoint,
  runFiles,
  seenByRun,
  writeRun,
  type Dataset,
  type RunDescription,
  type RunPlan,
} from '../../training/run/folder.ts';
import { readTeacher } from '../../training/run/teacher.ts';
import {
  checkAtRest,
  chooseDataset,
  seenBeforeBy,
  settingsWith,
  titled,
  usualSettings,
  type ChosenPairs,
  type TrainOptions,
} from './plan.ts';
import { resumedRecipe } from './recipe.ts';

/**
 * Prepares the run folder to continue with the given options.
 * @throws Refusal, before anything is written
 */
export async function planResumption(options: TrainOptions, pairs?: ChosenPairs): Promise<void> {
  checkAtRest(options.out);
  const files = runFiles(options.out);
  const hasCheckpoint = existsSync(files.checkpoint);
  const hasDescription = existsSync(files.description);
  if (!hasCheckpoint && !hasDescription) {
    throw new Refusal(
      'bad-argument',
      `expected a run to go on with in ${options.out} but there is none`,
    );
  }
  const had = hasDescription ? (await readRun(options.out)).description : undefined;
  checkBeginning(options, had);
  const checkpoint = hasCheckpoint ? await readRunCheckpoint(options.out) : undefined;
  const before = checkpoint?.recipe ?? had?.recipe;
  if (before === undefined) throw new Error('expected a recipe');
  const recipe = resumedRecipe(
    options,
    had === undefined ? before : { ...before, steps: had.recipe.steps },
  );
  if (options.teacher !== undefined) await readTeacher(recipe, options.teacher);
  let dataset: Dataset | undefined = had?.dataset;
  if (pairs !== undefined) {
    dataset = pairs;
    checkPairsFit(recipe, pairs);
    checkDataset(options, checkpoint?.dataset ?? '', await describePairs(pairs.splits.train));
  } else if (asksForPhotos(options) || dataset === undefined) {
    checkTakesPhotos(recipe);
    const chosen = await chooseDataset(...photosAsked(options, dataset));
    dataset = chosen.dataset;
    checkDataset(options, checkpoint?.dataset ?? '', chosen.digest);
  }
  const title = titled(options, had?.title);
  const settings = settingsWith(options, had?.settings ?? usualSettings);
  if (had !== undefined) {
    // If other pairs replace its own, those it has learned from still count as seen.
    const seen = seenBeforeBy(seenByRun(had));
    const resumed: RunDescription = { ...had, title, recipe, dataset, settings, ...seen };
    await writeRun(options.out, resumed);
  } else {
    const plan: RunPlan = { title, recipe, dataset, settings, startedFrom: { kind: 'random' } };
    await adoptRun(options.out, plan, checkpoint?.state.step ?? 0);
  }
}

/**
 * The options that began a run are accepted again with --resume, but a different `--from` would be
 * a different run.
 */
function checkBeginning({ from }: TrainOptions, had: RunDescription | undefined): void {
  const beginning = had?.startedFrom;
  const which =
    beginning === undefined || beginning.kind === 'random' ? undefined : beginning.which;
  if (from === undefined || from === which) return;
  throw new Refusal(
    'bad-argument',
    `expected --resume without --from, as the run ${which === undefined ? 'began with random weights' : `began from ${which}`}, but received --from ${from}: leave it out, or begin another run in another folder`,
  );
}

/** @throws Refusal `bad-argument` */
function checkTakesPhotos({ domain, name }: Recipe): void {
  if (domain === 'camera-linear') return;
  throw new Refusal(
    'bad-argument',
    `expected pairs for a run of --recipe ${name}, whose targets are finished pictures, but received photos or what concerns them`,
  );
}

function asksForPhotos(options: TrainOptions): boolean {
  const { photos, camera, exclude, withHeldOut, photoMemory, validationPhotos } = options;
  const hasLists = photos.length + exclude.length > 0;
  const single = [camera, photoMemory, validationPhotos];
  return hasLists || withHeldOut || single.some((option) => option !== undefined);
}

/**
 * The photos to continue with. Options that are left out keep their previous value, so that the
 * command that began the run continues it, and so does a shorter one.
 * @param had what the run learned from; undefined for runs of the older form, which trained on
 *   every photo
 */
function photosAsked(
  options: TrainOptions,
  had: Dataset | undefined,
): [options: TrainOptions, setAside: number | undefined] {
  if (had?.kind !== 'photos') {
    return [options, options.validationPhotos ?? (had === undefined ? 0 : undefined)];
  }
  const { photos, exclude, withHeldOut, camera, photoMemory, validationPhotos } = options;
  const { photoBytesMax } = had;
  const asked = {
    ...options,
    photos: photos.length > 0 ? photos : [...had.paths],
    exclude: exclude.length > 0 ? exclude : [...had.exclude],
    withHeldOut: withHeldOut || had.withHeldOut,
    camera: camera ?? had.cameraProfile,
    photoMemory: photoMemory ?? (photoBytesMax === undefined ? undefined : photoBytesMax / 1e6),
  };
  return [asked, validationPhotos ?? had.setAside];
}

function checkDataset({ otherPhotos }: TrainOptions, had: string, found: string): void {
  if (otherPhotos || had === '' || had === found) return;
  throw new Refusal(
    'dataset',
    `expected the photos the run began with (${had}) but found ${found}: it would not go on as it ` +
      'was; --other-photos goes on all the same',
  );
}
