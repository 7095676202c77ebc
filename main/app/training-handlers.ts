/** Implements the calls about training. */

import type { App } from './app.ts';
import type { Handlers } from './caller.ts';
import type { CallName } from '../../preload/contract/contract.ts';
import type { Dataset } from '../../preload/contract/training.ts';
import { splitByScene } from '../training/pairs/split.ts';
import { usablePairs } from '../training/pairs/usable.ts';
import type { UsablePair } from '../training/pairs/pairs.ts';
import type { Dataset as RunDataset } from '../training/run/folder.ts';
import { coursesFor } from '../runs/courses.ts';
import { chosenReports } from '../runs/pair-choice.ts';
import { Pace } from '../runs/pace.ts';
import { recipeOf } from '../runs/plan.ts';
import { spawnNodeSurvey, survey } from '../runs/survey.ts';
import { surveyCalls } from '../runs/survey-protocol.ts';

type TrainingHandlers = Pick<Handlers, Extract<CallName, `training.${string}`>>;

export function trainingHandlersOf({
  host,
  access,
  desk,
  checks,
  cameras,
  models,
  settings,
}: App): TrainingHandlers {
  const spawnSurvey = host.spawnSurvey ?? spawnNodeSurvey;
  const pace = new Pace(spawnSurvey);

  /** The dataset with paths that the window may name, links resolved. */
  const allowed = async (dataset: Dataset): Promise<Dataset> => ({
    ...dataset,
    folders: await Promise.all(dataset.folders.map((folder) => access.folder(folder))),
  });

  const pairsOf = async (
    dataset: Extract<Dataset, { kind: 'pairs' }>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<UsablePair[]> => {
    const reports = await checks.pairReports(dataset.folders, {
      signal,
      onProgress: () => undefined,
    });
    return usablePairs(chosenReports(reports, dataset), { camera: dataset.only });
  };

  /** The description of a dataset that is stored with the run. */
  const runDatasetOf = async (
    dataset: Dataset,
    context: { readonly signal: AbortSignal },
  ): Promise<RunDataset> => {
    const paths = [...dataset.folders];
    if (dataset.kind === 'pairs') {
      return { kind: 'pairs', paths, splits: splitByScene(await pairsOf(dataset, context)) };
    }
    const { camera } = dataset;
    return {
      kind: 'photos',
      paths,
      exclude: [...dataset.leftOut],
      withHeldOut: false,
      ...(camera === undefined ? {} : { cameraProfile: await cameras.fileOf(camera) }),
    };
  };

  return {
    'training.runs': async () => ({ runs: await desk.runs() }),
    'training.read': ({ run }) => desk.read(run),
    'training.courses': async ({ dataset: given }, context) => {
      const dataset = await allowed(given);
      const pairs = dataset.kind === 'pairs' ? await pairsOf(dataset, context) : undefined;
      return {
        courses: coursesFor({
          kind: dataset.kind,
          pairs: pairs === undefined ? 0 : splitByScene(pairs).train.length,
          hasPictures: pairs?.some(({ target }) => target === 'picture') ?? false,
          models: await models.list(),
          chosen: settings.current.model,
        }),
      };
    },
    'training.check': async ({ dataset }, { signal, onProgress }) =>
      checks.check(await allowed(dataset), {
        signal,
        onProgress: (done, total) => {
          onProgress({ done, total });
        },
      }),
    'training.measure': async ({ lesson, startsFrom }, { signal }) => {
      const { device, threads } = lesson;
      const from = await desk.startOf(startsFrom);
      const recipe = recipeOf(lesson, from?.manifest);
      // A user who chose the processor for photos has a reason, which also applies to training.
      const mayUseCard = settings.current.device !== 'cpu';
      const limits = threads === 0 ? {} : { threads };
      return pace.measure({ recipe, device, mayUseCard, ...limits }, signal);
    },
    'training.cameras': async () => ({ cameras: await cameras.list() }),
    'training.camera': ({ camera }) => cameras.read(camera),
    'training.measureCamera': async ({ dark, flat }, { signal, onProgress }) => {
      const profile = await survey(
        surveyCalls.camera,
        {
          dark: await access.folder(dark),
          ...(flat === undefined ? {} : { flat: await access.folder(flat) }),
        },
        { spawn: spawnSurvey, signal, onProgress },
      );
      return { camera: await cameras.add(profile), profile };
    },
    'training.start': async (plan, context) => {
      desk.expectIdle();
      const dataset = await allowed(plan.dataset);
      const from = await desk.startOf(plan.startsFrom);
      const device = pace.deviceFor(recipeOf(plan.lesson, from?.manifest), plan.lesson.device);
      const runDataset = await runDatasetOf(dataset, context);
      return desk.start({ ...plan, dataset, lesson: { ...plan.lesson, device } }, runDataset);
    },
    'training.pause': ({ run }) => {
      desk.pause(run);
      return {};
    },
    'training.resume': async ({ run }) => {
      await desk.resume(run);
      return {};
    },
    'training.stop': async ({ run, makesModel }) => {
      await desk.stop(run, makesModel);
      return {};
    },
    'training.remove': async ({ run }) => {
      await desk.remove(run);
      return {};
    },
  };
}
