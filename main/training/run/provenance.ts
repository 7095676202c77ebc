/**
 * Where a run's weights come from: which program, command, threads and files made them. It stands in
 * `run.json` and, without the folders of this machine, in the model's manifest, card and ONNX file.
 */

import path from 'node:path';
import { z } from 'zod';
import { trainingDeviceSchema } from '../../../preload/contract/choices.ts';
import type { Recipe } from '../recipe.ts';

/** One process's part of a run: from its start or resumption to its end. */
export const sittingSchema = z.object({
  /** ISO 8601, UTC. */
  at: z.iso.datetime(),
  /** Steps done when it began. */
  step: z.number().int().nonnegative(),
  /** Version of this program. */
  program: z.string(),
  /** Version of ONNX Runtime. */
  runtime: z.string(),
  device: trainingDeviceSchema,
  threads: z.number().int().positive(),
  /** Arguments of the command line; absent for the app. */
  command: z.array(z.string()).optional(),
});
export type Sitting = z.infer<typeof sittingSchema>;

/** Where the first weights came from; they stand in the run's first checkpoint. */
export const startedFromSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('random') }),
  z.object({
    kind: z.enum(['model', 'checkpoint']),
    /** Id of a shipped model, or the path of a model or checkpoint. */
    which: z.string(),
    /** Of the ONNX file or the checkpoint; absent in older runs. */
    sha256: z.string().optional(),
    /** The model's; absent where nobody knows. */
    licence: z.string().optional(),
  }),
]);
export type StartedFrom = z.infer<typeof startedFromSchema>;

/**
 * Why a run that continues will not end with the bits that it would have had, in words.
 * @param before the last sitting; undefined if there was none
 */
export function lostBits(before: Sitting | undefined, now: Sitting): string | undefined {
  if (before === undefined || now.step === 0) return undefined;
  const changes = [
    before.device === now.device ? [] : [`on ${now.device} instead of ${before.device}`],
    before.threads === now.threads
      ? []
      : [`with ${counted(now.threads)} instead of ${before.threads}`],
    before.runtime === now.runtime
      ? []
      : [`with ONNX Runtime ${now.runtime} instead of ${before.runtime}`],
  ].flat();
  if (changes.length === 0) return undefined;
  return `the run goes on ${changes.join(' and ')}: it no longer ends bit for bit as it would have`;
}

function counted(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`;
}

/**
 * A command line as it may be shared: without the place of its result, and of other places only the
 * last name.
 */
export function sharedCommand(command: readonly string[]): string {
  const shared = command.filter((_, at) => {
    return command[at] !== '--out' && command[at - 1] !== '--out' && command[at] !== '--json';
  });
  const words = shared.map((word) => {
    const name = /[/\\]/.test(word) ? path.basename(word.replaceAll('\\', '/')) : word;
    return /^[\w.,:=+-]+$/.test(name) ? name : `'${name}'`;
  });
  return ['nightglass', ...words].join(' ');
}

interface Origin {
  readonly startedFrom: StartedFrom;
  readonly sittings: readonly Sitting[];
}

/** In words: what made it, from the sitting that began the run. */
export function makingWords({ sittings }: Pick<Origin, 'sittings'>): string | undefined {
  const [first] = sittings;
  if (first === undefined) return undefined;
  const { program, runtime, device, threads } = first;
  const where = device === 'cpu' ? `${counted(threads)} of the processor` : device;
  return `nightglass ${program}, ONNX Runtime ${runtime}, ${where}`;
}

/** In words; a model is shared with others, so it must not name folders of this machine. */
export function startWords(from: StartedFrom): string {
  if (from.kind === 'random') return 'random weights';
  const facts = [
    from.licence === undefined ? [] : [from.licence],
    from.sha256 === undefined ? [] : [`SHA-256 ${from.sha256}`],
  ].flat();
  return `${path.basename(from.which)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

/** For the manifest; only what the sitting that began the run knows, so that a resumed one equals it. */
export function provenanceFacts({ startedFrom, sittings }: Origin) {
  const [first] = sittings;
  const sha256 = startedFrom.kind === 'random' ? undefined : startedFrom.sha256;
  return {
    ...(first === undefined
      ? {}
      : {
          program: first.program,
          runtime: first.runtime,
          device: first.device,
          threads: first.threads,
        }),
    ...(first?.command === undefined ? {} : { command: sharedCommand(first.command) }),
    ...(sha256 === undefined ? {} : { startSha256: sha256 }),
  };
}

/** The ONNX file's own metadata, by name. */
export function onnxMetadata(
  recipe: Recipe,
  facts: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const { teacher, seed } = recipe;
  const all = { ...facts, seed, recipe, ...(teacher === undefined ? {} : { teacher }) };
  return Object.fromEntries(
    Object.entries(all).map(([name, fact]) => [
      `nightglass.${name}`,
      typeof fact === 'string' ? fact : JSON.stringify(fact),
    ]),
  );
}
