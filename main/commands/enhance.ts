/** `nightglass enhance`: dark RAW files in, finished pictures out. */

import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import {
  bitDepths,
  compressions,
  conflictPolicies,
  conflictPolicySchema,
  creditSchema,
  formats,
  privacies,
  privacySchema,
  qualityRange,
  spaces,
  spaceSchema,
} from '../../preload/contract/choices.ts';
import {
  editsSchema,
  ranges,
  ratioChoiceSchema,
  whiteBalanceSchema,
} from '../../preload/contract/edits.ts';
import { checkLinear } from '../develop/dialect.ts';
import { enhanceBatch, type PhotoOutcome } from '../engine/batch.ts';
import type { Output, PhotoProgress } from '../engine/protocol.ts';
import { termsOf, type Manifest } from '../network/manifest.ts';
import { describeError, Refusal } from '../base/refusal.ts';
import { numberWithin } from './arguments.ts';
import { interruptSignal } from './interrupt.ts';
import { gatherBursts, type BurstReport, type GatheredPhotos } from './enhance-bursts.ts';
import { addNetworkOptions, networkOptionsSchema, openEngine } from './network-options.ts';
import { exitStatus } from './outcome.ts';
import { findRawPhotos } from '../library/raw-photos.ts';
import { Eta, formatDuration, ProgressLine } from './progress-line.ts';

/** As typed on the command line. */
const bitWords = bitDepths.map(String);

const optionsSchema = networkOptionsSchema.extend({
  out: z.string(),
  format: z.enum(formats),
  bits: z.enum(bitWords),
  compression: z.enum(compressions),
  quality: z.number(),
  ratio: ratioChoiceSchema,
  strength: editsSchema.shape.strength,
  black: editsSchema.shape.black,
  wb: whiteBalanceSchema,
  space: spaceSchema,
  onConflict: conflictPolicySchema,
  privacy: privacySchema,
  creator: creditSchema,
  copyright: creditSchema,
  bursts: z.boolean().default(false),
  json: z.boolean().default(false),
});

type EnhanceOptions = z.infer<typeof optionsSchema>;

export function enhanceCommand(): Command {
  const command = new Command('enhance')
    .description('turn dark RAW photos into clean, bright pictures')
    .argument('<photos...>', 'RAW files, or folders of them')
    .requiredOption('--out <folder>', 'where the pictures go; originals are never touched')
    .addOption(new Option('--format <format>').choices(formats).default('tiff'))
    .addOption(new Option('--bits <bits>', 'for TIFF and PNG').choices(bitWords).default('16'))
    .addOption(
      new Option('--compression <kind>', 'for TIFF').choices(compressions).default('deflate'),
    )
    .option(
      '--quality <n>',
      'for JPEG',
      numberWithin(qualityRange, { whole: true }),
      qualityRange.default,
    )
    .option(
      '--ratio <auto|n>',
      `exposure ratio, ${String(ranges.ratio.min)}–${String(ranges.ratio.max)}`,
      parseRatio,
      'auto',
    )
    .option(
      '--strength <s>',
      '1: all noise goes; less gives grain back',
      numberWithin(ranges.strength),
      ranges.strength.default,
    )
    .option(
      '--black <n>',
      `raises the black level, in steps of 14 bits, ${String(ranges.black.min)} to ${String(ranges.black.max)}`,
      numberWithin(ranges.black),
      ranges.black.default,
    )
    .option('--wb <as-shot|auto|K,TINT>', 'white balance', parseWhiteBalance, 'as-shot')
    .addOption(new Option('--space <space>', 'colour space').choices(spaces).default('srgb'))
    .addOption(
      new Option(
        '--on-conflict <what>',
        'where a picture of the name exists; overwrite replaces only pictures of this program',
      )
        .choices(conflictPolicies)
        .default('rename'),
    )
    .addOption(
      new Option(
        '--privacy <what>',
        'what pictures tell about the photo: no-personal leaves camera, lens, exposure and time',
      )
        .choices(privacies)
        .default('keep-all'),
    )
    .option('--creator <name>', 'who made the pictures, instead of what the photos say', '')
    .option('--copyright <notice>', 'instead of what the photos say', '')
    .option('--bursts', 'merge frames that were taken right after each other into one picture')
    .option('--json', 'one JSON object a line');
  return addNetworkOptions(command).action(async (paths: string[], unknown: unknown) => {
    await enhance(paths, optionsSchema.parse(unknown));
  });
}

async function enhance(paths: readonly string[], options: EnhanceOptions): Promise<void> {
  const signal = interruptSignal();
  const beginMs = performance.now();
  const empty: Refusal[] = [];
  const found = await findRawPhotos(paths, (refusal) => empty.push(refusal));
  const report = options.json ? jsonReport() : terminalReport();
  for (const refusal of empty) report.emptyFolder(refusal);
  const { engine, manifest } = await openEngine(options, { signal, onTrouble: report.trouble });
  let gathered: GatheredPhotos | undefined;
  const counts = { done: 0, skipped: 0, failed: 0, left: 0 };
  let total: number;
  let peakRssBytes = 0;
  try {
    if (options.format === 'dng') checkLinear(termsOf(manifest));
    if (options.bursts) gathered = await gatherBursts(found, options.out, signal, report.bursts);
    const photos = gathered?.photos ?? found;
    total = photos.length;
    report.begin(total);
    await enhanceBatch(
      engine,
      {
        photos,
        folder: options.out,
        onConflict: options.onConflict,
        edit: {
          ratio: options.ratio,
          strength: options.strength,
          black: options.black,
          whiteBalance: options.wb,
          space: options.space,
        },
        output: outputOf(options),
        records: {
          privacy: options.privacy,
          creator: options.creator,
          copyright: options.copyright,
        },
      },
      {
        signal,
        onProgress: report.progress,
        onOutcome: (outcome) => {
          counts[outcome.kind] += 1;
          if (outcome.kind === 'done') peakRssBytes = Math.max(peakRssBytes, outcome.peakRssBytes);
          if (signal.aborted && outcome.kind === 'failed') return;
          report.outcome(outcome, manifest);
        },
      },
    );
  } finally {
    engine.close();
    report.end();
    await gathered?.close();
  }
  if (signal.aborted)
    throw new Refusal(
      'cancelled',
      `stopped: ${String(counts.done)} of ${String(total)} photos are done`,
    );
  report.summary({
    ...counts,
    model: manifest.id,
    device: engine.device,
    threads: options.threads ?? availableParallelism(),
    peakRssBytes,
    elapsedMs: Math.round(performance.now() - beginMs),
  });
  if (counts.failed + counts.left + empty.length > 0) exitStatus.current = 1;
}

function outputOf({ format, bits, compression, quality }: EnhanceOptions): Output {
  const depth = bits === '8' ? 8 : 16;
  switch (format) {
    case 'tiff':
      return { format, bits: depth, compression };
    case 'png':
      return { format, bits: depth };
    case 'jpeg':
      return { format, quality };
    case 'dng':
      return { format };
  }
}

function parseRatio(text: string): 'auto' | number {
  return text === 'auto' ? 'auto' : numberWithin(ranges.ratio)(text);
}

function parseWhiteBalance(text: string) {
  if (text === 'as-shot' || text === 'auto') return text;
  const [kelvin, tint = '0', ...rest] = text.split(',');
  if (kelvin === undefined || rest.length > 0) {
    throw new InvalidArgumentError(
      `expected as-shot, auto, or kelvin and tint as 4500,10 but received "${text}".`,
    );
  }
  return { kelvin: numberWithin(ranges.kelvin)(kelvin), tint: numberWithin(ranges.tint)(tint) };
}

interface Summary {
  readonly done: number;
  readonly skipped: number;
  readonly failed: number;
  /** Number of photos not developed, because the disk was full. */
  readonly left: number;
  readonly model: string;
  readonly device: string;
  readonly threads: number;
  readonly peakRssBytes: number;
  readonly elapsedMs: number;
}

/** Reports a run to a person or a program. */
interface Report {
  readonly emptyFolder: (refusal: Refusal) => void;
  /** Called with the number of photos. */
  readonly begin: (photos: number) => void;
  readonly bursts: BurstReport;
  readonly progress: (photo: string, progress: PhotoProgress) => void;
  readonly outcome: (outcome: PhotoOutcome, manifest: Manifest) => void;
  readonly trouble: (account: string) => void;
  readonly summary: (summary: Summary) => void;
  readonly end: () => void;
}

function jsonReport(): Report {
  const print = (line: object): void => {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  return {
    emptyFolder: ({ code, message }) => {
      print({ event: 'empty-folder', code, error: message });
    },
    begin: () => undefined,
    bursts: {
      progress: (burst, progress) => {
        print({ event: 'burst', burst, ...progress });
      },
      merged: (merged, frames, leftOut) => {
        print({ event: 'merged', path: merged, frames, leftOut });
      },
      apart: (account) => {
        print({ event: 'trouble', account });
      },
    },
    progress: (photo, progress) => {
      print({ event: 'progress', photo, ...progress });
    },
    outcome: (outcome, manifest) => {
      switch (outcome.kind) {
        case 'done':
          print({
            event: 'result',
            ok: true,
            model: manifest.id,
            ...outcome.result,
            peakRssBytes: outcome.peakRssBytes,
          });
          break;
        case 'skipped':
          print({ event: 'skipped', photo: outcome.photo, path: outcome.path });
          break;
        case 'failed':
        case 'left': {
          const { photo, error } = outcome;
          const code = error instanceof Refusal ? error.code : 'bug';
          print({ event: 'result', ok: false, photo, code, error: describeError(error) });
          break;
        }
      }
    },
    trouble: (account) => {
      print({ event: 'trouble', account });
    },
    summary: (summary) => {
      print({ event: 'summary', ...summary });
    },
    end: () => undefined,
  };
}

function terminalReport(): Report {
  let total = 0;
  const line = new ProgressLine();
  const eta = new Eta();
  const shares = new Map<string, number>();
  const left: string[] = [];
  let ended = 0;
  return {
    emptyFolder: ({ message }) => {
      line.log(`failed: ${message}`);
    },
    begin: (photos) => {
      total = photos;
    },
    bursts: {
      progress: (burst, { stage, framesDone, framesTotal }) => {
        line.update(`burst of ${burst}: ${stage} ${framesDone + 1}/${framesTotal}`);
      },
      merged: (merged, frames, leftOut) => {
        line.log(`${path.basename(merged)}: ${frames} frames merged`);
        for (const reason of leftOut) line.log(`left out: ${reason}`);
      },
      apart: (account) => {
        line.log(`note: ${account}`);
      },
    },
    progress: (photo, { stage, tilesDone, tilesTotal }) => {
      // Decoding and encoding count as one tile each, so that the bar moves during them too.
      const share = stage === 'decode' ? 0 : (1 + tilesDone) / (tilesTotal + 2);
      shares.set(photo, share);
      const done = ended + [...shares.values()].reduce((sum, part) => sum + part, 0);
      const leftMs = eta.remainingMs(done, total);
      const left = leftMs === undefined ? '' : `  ${formatDuration(leftMs)} left`;
      const what = stage === 'network' ? `tile ${String(tilesDone)}/${String(tilesTotal)}` : stage;
      const position = `${String(Math.min(total, ended + 1))}/${String(total)}`;
      line.update(`${bar(done / total)} ${position}  ${path.basename(photo)}  ${what}${left}`);
    },
    outcome: (outcome) => {
      ended += 1;
      switch (outcome.kind) {
        case 'done': {
          const { result } = outcome;
          shares.delete(result.photo);
          const seconds = (result.totalMs / 1000).toFixed(1);
          line.log(
            `${path.basename(result.photo)} → ${result.path}  ×${String(result.ratio)}  ${seconds} s`,
          );
          break;
        }
        case 'skipped':
          line.log(`${path.basename(outcome.photo)}: skipped, ${outcome.path} exists`);
          break;
        case 'failed': {
          shares.delete(outcome.photo);
          const message = describeError(outcome.error);
          const isNamed = message.includes(path.basename(outcome.photo));
          line.log(`failed: ${isNamed ? message : `${path.basename(outcome.photo)}: ${message}`}`);
          if (!(outcome.error instanceof Refusal) && outcome.error instanceof Error) {
            line.log(outcome.error.stack ?? '');
          }
          break;
        }
        case 'left':
          shares.delete(outcome.photo);
          left.push(path.basename(outcome.photo));
          break;
      }
    },
    trouble: (account) => {
      line.log(`note: ${account}`);
    },
    summary: ({ done, skipped, failed, device, model, elapsedMs }) => {
      if (left.length > 0) line.log(`not developed: ${someOf(left)}`);
      const parts = [`${String(done)} done`];
      if (skipped > 0) parts.push(`${String(skipped)} skipped`);
      if (failed > 0) parts.push(`${String(failed)} failed`);
      if (left.length > 0) parts.push(`${String(left.length)} not developed`);
      line.log(`${parts.join(', ')} in ${formatDuration(elapsedMs)} (model ${model}, ${device})`);
    },
    end: () => {
      line.done();
    },
  };
}

/** Some of the names and the number of the others, short enough for one line. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${String(names.length - 10)} more` : shown;
}

function bar(share: number): string {
  const width = 20;
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
