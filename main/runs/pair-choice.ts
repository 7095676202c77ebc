/** Chooses the pairs that a run learns from: those without faults, changed by the user's own choices. */

import type { Dataset } from '../../preload/contract/training.ts';
import type { Fault, PairReport } from '../training/pairs/pairs.ts';

/** Faults that a person may overrule. Pairs with any other fault are unusable. */
const forgivable: readonly Fault[] = [
  'scene-differs',
  'ratio-differs',
  'misaligned',
  'saturated',
  'dark',
  'duplicate',
];

/** Whether the user may include the pair. */
export function isTakeable({ fault, facts }: PairReport): boolean {
  return fault !== undefined && facts !== undefined && forgivable.includes(fault.code);
}

/** The reports after the user's choices: faults overruled, pairs left out. */
export function chosenReports(
  reports: readonly PairReport[],
  { leftOut, takenIn }: Extract<Dataset, { kind: 'pairs' }>,
): PairReport[] {
  const [out, taken] = [new Set(leftOut), new Set(takenIn)];
  return reports
    .filter(({ pair }) => !out.has(pair.id))
    .map((report) => {
      if (!taken.has(report.pair.id) || !isTakeable(report)) return report;
      const { pair, notices, facts } = report;
      return { pair, notices, ...(facts === undefined ? {} : { facts }) };
    });
}
