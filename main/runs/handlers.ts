/** What each call about training does. */

import type { App } from '../app.ts';
import type { Handlers } from '../caller.ts';
import type { CallName } from '../../preload/contract.ts';
import type { Dataset } from '../../preload/training.ts';
import { coursesFor } from './courses.ts';
import { recipeOf } from './plan.ts';
import { spawnNodeSurvey, survey } from './survey.ts';

type TrainingHandlers = Pick<Handlers, Extract<CallName, `training.${string}`>>;

export function trainingHandlersOf({ host, access, desk, checks, models, settings }: App): TrainingHandlers {
  /** With paths that the window may name, without links. */
  const allowed = async (dataset: Dataset): Promise<Dataset> => ({
    ...dataset,
    folders: await Promise.all(dataset.folders.map((folder) => access.folder(folder))),
  });

  return {
    'training.runs': async () => ({ runs: await desk.runs() }),
    'training.read': ({ run }) => desk.read(run),
    'training.courses': async ({ dataset }) => ({
      courses: coursesFor(await allowed(dataset), await models.list(), settings.current.model),
    }),
    'training.check': async ({ dataset }, { signal, onProgress }) =>
      checks.check(await allowed(dataset), {
        signal,
        onProgress: (done, total) => {
          onProgress({ done, total });
        },
      }),
    'training.measure': async ({ lesson }, { signal }) => {
      const { threads } = lesson;
      const { stepMs, rssBytes } = await survey(
        { kind: 'measure', recipe: recipeOf(lesson), ...(threads === 0 ? {} : { threads }) },
        'measured',
        { spawn: host.spawnSurvey ?? spawnNodeSurvey, signal },
      );
      return { stepMs, rssBytes };
    },
    'training.start': async (plan) => desk.start({ ...plan, dataset: await allowed(plan.dataset) }),
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
