/** The process that `bench -- mutate` decodes in: it is sent numbers, and says what became of each file. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';

import { decodeRaw } from '../../main/raw/decode.ts';
import type { DecodedRaw } from '../../main/raw/mosaic.ts';
import { describeError, Refusal } from '../../main/base/refusal.ts';
import { faultOf, mutate } from '../raw/damage.ts';
import type { Source } from '../raw/damage.ts';
import { seeded } from '../raw/written.ts';
import { mutationSources } from './mutation-sources.ts';

/** Of a good file here at most a second, on a busy machine. */
const watchdogMs = 20_000;
/** The watchdog has failed if nothing has come by then. */
const hangMs = watchdogMs + 20_000;

/** Beyond these a picture is not the original's. */
const meanDifferenceMax = 0.05;
const gainFactorMax = 1.5;

export const outcomeSchema = z.object({
  index: z.number(),
  format: z.string(),
  /** `wild`: accepted, but far from the original. */
  kind: z.enum(['refused', 'given-up', 'accepted', 'wild', 'fault', 'hang']),
  note: z.string(),
  ms: z.number(),
  rssMb: z.number(),
  /** Threads and ports that are left; those of the process itself included. */
  resources: z.number(),
});
export type Outcome = z.infer<typeof outcomeSchema>;

const requestSchema = z.object({ index: z.number(), seed: z.number() });

const sources = await mutationSources();
const folder = mkdtempSync(path.join(tmpdir(), 'nightglass-mutate-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const originals: DecodedRaw[] = [];
for (const source of sources) originals.push(await decoded(source.name, source.bytes));

function decoded(name: string, bytes: Uint8Array): Promise<DecodedRaw> {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return decodeRaw(file, { watchdogMs }).finally(() => {
    rmSync(file);
  });
}

/** One file in four is damaged anywhere, the others where their structure lies. */
function damaged(source: Source, index: number, seed: number): Uint8Array {
  const next = seeded(seed * 1_000_003 + index * 7919);
  // xorshift's first numbers are alike for seeds that are alike.
  for (let left = 10; left > 0; left--) next();
  const isAnywhere = next() % 4 === 0;
  return mutate(isAnywhere ? { ...source, structure: (length) => [0, length] } : source, next);
}

/** What makes a picture another one; undefined if it is nearly the original. */
function difference(raw: DecodedRaw, original: DecodedRaw): string | undefined {
  if (raw.kind !== original.kind) return `is a ${raw.kind} frame`;
  const [a, b] = [lightOf(raw), lightOf(original)];
  if (a.width !== b.width || a.height !== b.height) return `is of ${a.width}×${a.height}`;
  let sum = 0;
  for (let i = 0; i < b.samples.length; i++) sum += Math.abs(a.at(i) - b.at(i));
  const mean = sum / b.samples.length;
  if (!(mean <= meanDifferenceMax)) return `differs by ${mean.toFixed(2)} of white`;
  const factors = a.gains.map((gain, index) => gain / (b.gains[index] ?? 1));
  const isBalanced = factors.every(
    (factor) => factor < gainFactorMax && factor > 1 / gainFactorMax,
  );
  return isBalanced ? undefined : `has gains ${factors.map((f) => f.toFixed(2)).join(', ')} times`;
}

function lightOf(raw: DecodedRaw) {
  if (raw.kind === 'linear') {
    const { width, height, samples, colour } = raw.frame;
    const at = (index: number): number => Math.min(2, Math.max(-1, samples[index]!));
    return { width, height, samples, gains: colour.asShotGains, at };
  }
  const { width, height, samples, colour, blackLevel, whiteLevel } = raw.mosaic;
  const at = (index: number): number => {
    const site = (Math.floor(index / width) % 2) * 2 + ((index % width) % 2);
    return (samples[index]! - blackLevel[site]!) / (whiteLevel - blackLevel[site]!);
  };
  return { width, height, samples, gains: colour.asShotGains, at };
}

async function outcomeOf(index: number, seed: number): Promise<Outcome> {
  const at = index % sources.length;
  const [source, original] = [sources[at]!, originals[at]!];
  const name = `${index}.${source.name}`;
  const beginMs = performance.now();
  const settled = await Promise.race([
    verdict(name, damaged(source, index, seed), original),
    new Promise<readonly ['hang', string]>((resolve) =>
      setTimeout(() => {
        resolve(['hang', 'no answer']);
      }, hangMs).unref(),
    ),
  ]);
  return {
    index,
    format: source.name,
    kind: settled[0],
    note: settled[1],
    ms: performance.now() - beginMs,
    rssMb: process.memoryUsage().rss / 1e6,
    resources: process.getActiveResourcesInfo().filter((kind) => /Worker|MessagePort/.test(kind))
      .length,
  };
}

async function verdict(
  name: string,
  bytes: Uint8Array,
  original: DecodedRaw,
): Promise<readonly [Outcome['kind'], string]> {
  try {
    const raw = await decoded(name, bytes);
    const fault = faultOf(raw);
    if (fault !== undefined) return ['fault', fault];
    const wild = difference(raw, original);
    return wild === undefined ? ['accepted', ''] : ['wild', wild];
  } catch (error) {
    const note = describeError(error);
    if (!(error instanceof Refusal) || !note.includes(name)) return ['fault', note];
    return [note.includes('given up') ? 'given-up' : 'refused', note];
  }
}

process.on('message', (unknown: unknown) => {
  const { index, seed } = requestSchema.parse(unknown);
  void outcomeOf(index, seed).then((outcome) => process.send?.(outcome));
});
// Ctrl-C is for the parent, which waits for the files that are under way.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => {
  process.exit();
});
