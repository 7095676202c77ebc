/** What happened in a run, for its page: curves, examples, and what went otherwise than planned. */

import type { Run, RunStory } from '../../preload/training.ts';
import { readRunLog, type LoggedEvent } from '../training/run-events.ts';
import { runFiles } from '../training/run-folder.ts';

/** More points than a screen has columns only cost time. */
const pointsMax = 2000;

export async function storyOf(run: Run, folder: string): Promise<RunStory> {
  const events = await readRunLog(runFiles(folder).log);
  const losses = events
    .filter((event) => event.event === 'progress')
    .map(({ step, loss, learningRate }) => ({ step, loss, learningRate }));
  const validations = events
    .filter((event) => event.event === 'validated')
    .map(({ step, psnrDb, ssim, loss, isBest, examples }) => {
      return { step, psnrDb, ssim, loss, isBest, examples };
    });
  return { run, losses: thinned(losses), validations, notes: events.flatMap(noteOf) };
}

/** Every nth, the last one always. */
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
