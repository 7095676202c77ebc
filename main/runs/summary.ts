/** Summarises a run for the window, from its folder and its training process. */

import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Run } from '../../preload/contract/training.ts';
import type { RunEvent } from '../training/run/events.ts';
import type { RunFolder } from '../training/run/folder.ts';

/** A file in the folder of a run that was in training when the app last ran. */
export function underWayFile(folder: string): string {
  return path.join(folder, '.under-way');
}

/** Facts known only while a run is in training. */
export interface Watched {
  isPausing: boolean;
  isStopping: boolean;
  loading?: { readonly done: number; readonly total: number };
  progress?: Extract<RunEvent, { event: 'progress' }>;
  stepsPerEpoch?: number | undefined;
}

export interface SummaryParts {
  /** The camera that the model is for. */
  readonly camera: string | undefined;
  readonly work: Watched | undefined;
  /** Size of its folder. */
  readonly bytes: number;
  /** The app's model made from this run. */
  readonly model: string | undefined;
}

export function summaryOf(id: string, run: RunFolder, parts: SummaryParts): Run {
  const { description } = run;
  const { title, dataset, recipe, settings, startedFrom, best, last } = description;
  const { camera, work, bytes, model } = parts;
  const account = accountOf(run);
  const { progress, loading } = work ?? {};
  return {
    id,
    name: title.name,
    kind: dataset.kind,
    folders: [...dataset.paths],
    state: stateOf(run, work),
    ...(account === undefined ? {} : { account }),
    step: Math.max(description.step, progress?.step ?? 0),
    steps: recipe.steps,
    baseChannels: recipe.unet.baseChannels,
    batch: recipe.batch,
    patchPacked: recipe.patchPacked,
    ...(startedFrom.kind === 'random' ? {} : { startsFrom: startedFrom.which }),
    ...(camera === undefined ? {} : { camera }),
    device: settings.device,
    createdAt: description.createdAt,
    updatedAt: description.updatedAt,
    trainedSeconds: description.trainedSeconds,
    ...(best === undefined ? {} : { best }),
    ...(last === undefined ? {} : { last }),
    ...(progress === undefined ? {} : { live: liveOf(progress, work?.stepsPerEpoch) }),
    ...(loading === undefined ? {} : { loading }),
    bytes,
    ...(model === undefined ? {} : { model }),
  };
}

function stateOf(
  { folder, description, isAlive }: RunFolder,
  work: Watched | undefined,
): Run['state'] {
  const { kind } = description.state;
  if (work?.isStopping === true) return 'stopping';
  if (kind === 'done' || kind === 'failed') return work === undefined ? kind : 'starting';
  if (work === undefined) {
    const wasUnderWay = existsSync(underWayFile(folder));
    if (!isAlive && wasUnderWay) return 'interrupted';
    if (kind === 'stopped') return kind;
    // Another process has it, for example a command line that trains in the app's folder.
    if (isAlive) return kind === 'paused' ? 'paused' : 'running';
    return kind === 'new' && description.step === 0 ? 'waiting' : 'interrupted';
  }
  if (kind === 'stopped') return 'starting';
  if (kind === 'paused') return 'paused';
  if (work.isPausing) return 'pausing';
  return work.progress === undefined ? 'starting' : 'running';
}

function accountOf({ description: { state } }: RunFolder): string | undefined {
  if (state.kind === 'failed') return state.failure.message;
  return state.kind === 'paused' && state.reason !== 'asked' ? state.account : undefined;
}

function liveOf(
  { step, loss, stepMs, elapsedSeconds, leftSeconds, rssBytes }: NonNullable<Watched['progress']>,
  stepsPerEpoch: number | undefined,
): Run['live'] {
  return {
    loss,
    stepMs,
    elapsedSeconds,
    ...(leftSeconds === undefined ? {} : { leftSeconds }),
    ...(rssBytes === undefined ? {} : { rssBytes }),
    ...(stepsPerEpoch === undefined ? {} : { epoch: step / stepsPerEpoch }),
  };
}

/** All files in a folder and its direct subfolders. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const found = await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined);
        return found?.size ?? 0;
      }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
