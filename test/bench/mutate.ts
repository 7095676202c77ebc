/**
 * Decodes thousands of damaged RAW files of nine formats and counts what becomes of them. The same
 * seed damages the same files.
 *
 * Usage: npm run bench -- mutate [--count 10000] [--seed 1] [--from 0] [--list]
 */

import { fork, type ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';

import { outcomeSchema, type Outcome } from './mutate-child.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    list: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const first = Number(values.from);
let next = first;
let end = first + Number(values.count);
// Ctrl-C ends it early, with the counts so far.
process.once('SIGINT', () => {
  end = Math.min(end, next);
});

const kinds = ['refused', 'given-up', 'accepted', 'wild', 'fault', 'hang', 'crash'] as const;
type Kind = (typeof kinds)[number];

/** One file is decoded while the other is damaged, written or compared. */
const atOnce = 2;
/** Memory settles in the first files; what grows after them is a leak. */
const settledAfter = 200;
const leakMb = 200;

const counts = new Map<string, Map<Kind, number>>();
const slowest = { ms: 0, name: '' };
const rss: number[] = [];
const resources = new Set<number>();
let ended = 0;

function count(format: string, kind: Kind): void {
  const row = counts.get(format) ?? new Map<Kind, number>();
  row.set(kind, (row.get(kind) ?? 0) + 1);
  counts.set(format, row);
  ended += 1;
  if (ended % 500 === 0) console.error(`${ended} of ${end - first}`);
}

function note(outcome: Outcome): void {
  count(outcome.format, outcome.kind);
  rss.push(outcome.rssMb);
  if (outcome.ms > slowest.ms) {
    slowest.ms = outcome.ms;
    slowest.name = `${outcome.index}.${outcome.format}`;
  }
  const isTrouble = outcome.kind === 'fault' || outcome.kind === 'hang';
  if (values.list || isTrouble) {
    console.error(`${outcome.index} ${outcome.format} ${outcome.kind}: ${outcome.note}`);
  }
}

/** Sends files to one child until none is left or the child dies; what it died of is a crash. */
function decodeInChild(): Promise<void> {
  return new Promise((resolve) => {
    const child: ChildProcess = fork(new URL('./mutate-child.ts', import.meta.url));
    const underWay = new Set<number>();
    const send = (): void => {
      while (underWay.size < atOnce && next < end) {
        underWay.add(next);
        child.send({ index: next, seed });
        next += 1;
      }
      if (underWay.size === 0) child.disconnect();
    };
    child.on('message', (unknown: unknown) => {
      const outcome = outcomeSchema.parse(unknown);
      underWay.delete(outcome.index);
      note(outcome);
      if (underWay.size === 0) resources.add(outcome.resources);
      send();
    });
    child.on('exit', () => {
      for (const index of underWay) {
        console.error(`${index} crash: the process ended`);
        count('any', 'crash');
      }
      resolve();
    });
    send();
  });
}

const beginMs = performance.now();
while (next < end) await decodeInChild();
const seconds = (performance.now() - beginMs) / 1000;

const total = (kind: Kind): number =>
  [...counts.values()].reduce((sum, row) => sum + (row.get(kind) ?? 0), 0);
const line = (name: string, of: (kind: Kind) => number): string =>
  `| ${[name, ...kinds.map((kind) => String(of(kind)))].join(' | ')} |`;
console.log(`| format | ${kinds.join(' | ')} |`);
console.log(`| --- |${' --: |'.repeat(kinds.length)}`);
for (const [format, row] of [...counts].sort()) {
  console.log(line(format, (kind) => row.get(kind) ?? 0));
}
console.log(line('all', total));
const mean = (list: readonly number[]): number =>
  list.reduce((sum, value) => sum + value, 0) / Math.max(1, list.length);
const settled = rss.slice(settledAfter);
const part = Math.max(1, Math.floor(settled.length / 10));
const [early, late] = [mean(settled.slice(0, part)), mean(settled.slice(-part))];
const leaks = (late - early > leakMb ? 1 : 0) + (resources.size > 1 ? 1 : 0);
console.log(
  `\n${ended} files in ${Math.round(seconds)} s; slowest ${slowest.name} with ${(slowest.ms / 1000).toFixed(1)} s; ` +
    `memory ${Math.round(early)} MB early, ${Math.round(late)} MB late; ${leaks} leaks`,
);
const isBad = total('crash') + total('hang') + total('fault') + leaks > 0;
process.exitCode = isBad ? 1 : 0;
