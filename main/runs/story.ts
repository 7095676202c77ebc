/** The history of a run for its page: curves, examples and incidents. */

import { readdir } from 'node:fs/promises';
import type { Run, RunStory } from '../../preload/contract/training.ts';
import { readRunLog, type LoggedEvent } from '../training/run/events.ts';
import { runFiles } from '../training/run/folder.ts';

/** More points than a screen has columns would only cost time. */
const pointsMax = 2000;

export async function storyOf(run: Run, folder: string): Promise<RunStory> {
  const files = runFiles(folder);
  const events = await readRunLog(files.log);
  // The pictures of some validations have been thinned out.
  const pictures = new Set(await readdir(files.examples).catch(() => []));
  const validatedOn = events.findLast((event) => event.event === 'start')?.validation;
  const losses = events
    .filter((event) => event.event === 'progress')
    .map(({ step, loss, learningRate }) => ({ step, loss, learningRate }));
  const validations = events
    .filter((event) => event.event === 'validated')
    .map(({ step, psnrDb, ssim, loss, isBest, examples }) => {
      const shown = examples.filter(({ after }) => pictures.has(after));
      return { step, psnrDb, ssim, loss, isBest, examples: shown };
    });
  return {
    run,
    ...(validatedOn === undefined ? {} : { validatedOn }),
    losses: thinned(losses),
    // A run that was restarted before its first checkpoint has two validations of step 0.
    validations: [...new Map(validations.map((one) => [one.step, one])).values()],
    notes: events.flatMap(noteOf),
  };
}

/** Keeps every nth and always the last. */
function thinned<T>(list: readonly T[]): T[] {
  const every = Math.ceil(list.length / pointsMax);
  return list.filter((_, index) => index % every === 0 || index === list.length - 1);
}

function noteOf(event: LoggedEvent): RunStory['notes'] {
  const { at, step } = event;
  switch (event.event) {
    case 'skipped':
    case 'trouble':
    case 'diverged':
      return [{ at, step, account: event.account }];
    case 'paused':
      return event.reason === 'asked' ? [] : [{ at, step, account: event.account }];
    case 'failed':
      return [{ at, step, account: event.failure.message }];
    default:
      return [];
  }
}
