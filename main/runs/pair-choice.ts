/** Which of the checked pairs a run learns from: those without fault, as changed by hand. */

import type { Dataset } from '../../preload/contract/training.ts';
import type { Fault, PairReport } from '../training/pairs/pairs.ts';

/** What a person may know better than a measurement does; the rest cannot be learned from at all. */
const forgivable: readonly Fault[] = ['scene-differs', 'ratio-differs', 'misaligned', 'saturated', 'dark', 'duplicate'];

/** Whether the pair may be taken in by hand. */
export function isTakeable({ fault, facts }: PairReport): boolean {
  return fault !== undefined && facts !== undefined && forgivable.includes(fault.code);
}

/** The reports with faults forgiven and pairs left out as asked. */
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
