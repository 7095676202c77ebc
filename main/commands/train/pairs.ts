/** Finds and checks the pairs that a command line names, and reports their faults. */

import path from 'node:path';
import { checkPairs } from '../../training/pairs/check/check.ts';
import { findPairs } from '../../training/pairs/find/find.ts';
import { splitByScene } from '../../training/pairs/split.ts';
import { usablePairs } from '../../training/pairs/usable.ts';
import type { PairReport } from '../../training/pairs/pairs.ts';
import type { Dataset } from '../../training/run/folder.ts';
import { Eta, formatDuration, type ProgressLine } from '../progress-line.ts';

export interface ChoosePairsOptions {
  readonly camera?: string | undefined;
  readonly isJson: boolean;
  readonly line: ProgressLine;
  readonly signal: AbortSignal;
}

/**
 * Finds and checks pairs and divides them by scene. Reports each pair that is left out, with the
 * reason.
 * @throws Refusal `dataset` if too few are left to learn from, `cancelled`
 */
export async function choosePairs(
  paths: readonly string[],
  { camera, isJson, line, signal }: ChoosePairsOptions,
): Promise<Extract<Dataset, { kind: 'pairs' }>> {
  const tell = (event: Record<string, unknown>, text: string | undefined): void => {
    if (isJson) process.stdout.write(`${JSON.stringify(event)}\n`);
    else if (text !== undefined) line.log(text);
  };
  const { pairs, unpaired, layout } = await findPairs(paths, {
    signal,
    onProgress: (done, total) => {
      line.update(`reading exposures: ${done}/${total}`);
    },
  });
  for (const { file, reason } of unpaired) {
    tell({ event: 'unpaired', file, reason }, `no pair: ${path.basename(file)}: ${reason}`);
  }
  const eta = new Eta();
  const reports: PairReport[] = [];
  const checking = checkPairs(pairs, {
    signal,
    onProgress: (done, total) => {
      const leftMs = eta.remainingMs(done, total);
      const left = leftMs === undefined ? '' : `, ${formatDuration(leftMs)} left`;
      line.update(`checking pairs: ${done}/${total}${left}`);
    },
  });
  for await (const report of checking) {
    reports.push(report);
    tell({ event: 'pair', ...report }, textOf(report));
  }
  line.done();
  const splits = splitByScene(usablePairs(reports, { camera }));
  const counts = [splits.train, splits.validation, splits.test].map(({ length }) => length);
  const [train = 0, validation = 0, test = 0] = counts;
  tell(
    { event: 'pairs', layout, found: pairs.length, train, validation, test },
    `${train} pairs to learn from, ${validation} to validate, ${test} kept for evaluate` +
      (train > 0 && validation === 0 ? ' (too few scenes to give one away)' : ''),
  );
  return { kind: 'pairs', paths: paths.map((given) => path.resolve(given)), splits };
}

function textOf({ pair, fault, notices }: PairReport): string | undefined {
  if (fault !== undefined) return `left out: ${pair.id}: ${fault.sentence}`;
  if (notices.length === 0) return undefined;
  return `${pair.id}: ${notices.map(({ sentence }) => sentence).join('; ')}`;
}
