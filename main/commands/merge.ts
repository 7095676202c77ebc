/** `nightglass merge`: merges the dark frames of a burst into one clean RAW file. */

import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { openOutputFolder } from '../base/atomic.ts';
import { Refusal } from '../base/refusal.ts';
import type { BurstProgress, MergedBurst } from '../burst/merge.ts';
import { mergeFiles, writeMergedInto } from '../engine/burst.ts';
import { findRawPhotos } from '../library/raw-photos.ts';
import { readHeader } from '../raw/header.ts';
import { interruptSignal } from './interrupt.ts';
import { formatDuration, ProgressLine } from './progress-line.ts';

const optionsSchema = z.object({
  out: z.string(),
  reference: z.string(),
  motion: z.enum(['freeze', 'blur']),
  json: z.boolean().default(false),
});

type Options = z.infer<typeof optionsSchema>;

export function mergeCommand(): Command {
  return new Command('merge')
    .description('merges the frames of a burst into one RAW file (DNG) with less noise')
    .argument('<frames...>', 'RAW files of one scene and setting, or a folder of them')
    .requiredOption('--out <folder>', 'where the merged file goes; originals are never touched')
    .option('--reference <auto|file>', 'the frame the others are laid on', 'auto')
    .addOption(
      new Option('--motion <what>', 'what moves: as in the reference, or averaged')
        .choices(['freeze', 'blur'])
        .default('freeze'),
    )
    .option('--json', 'one JSON object a line')
    .action(async (frames: string[], given: unknown) => {
      await merge(frames, optionsSchema.parse(given));
    });
}

async function merge(given: readonly string[], options: Options): Promise<void> {
  const signal = interruptSignal();
  const beginMs = performance.now();
  const frames = await framesAmong(given);
  if (frames.length < 2) {
    throw new Refusal('bad-argument', `expected at least two frames but received ${frames.length}`);
  }
  await openOutputFolder(options.out);
  const line = new ProgressLine();
  try {
    const burst = await mergeFiles(
      { frames, reference: options.reference, motion: options.motion },
      {
        signal,
        onProgress: options.json
          ? (progress) => {
              print({ event: 'progress', ...progress });
            }
          : (progress) => {
              line.update(describe(progress));
            },
      },
    );
    const written = await writeMergedInto(burst, options.out, { isAgain: false, signal });
    const elapsedMs = Math.round(performance.now() - beginMs);
    if (options.json) print({ ...reportOf(burst), path: written, elapsedMs });
    else tell(burst, written, elapsedMs, line);
  } finally {
    line.done();
  }
}

/** The photos of files and folders, without what earlier merges left in the folders. */
async function framesAmong(given: readonly string[]): Promise<string[]> {
  const named = new Set(given.map((file) => path.resolve(file)));
  const frames: string[] = [];
  for (const photo of await findRawPhotos(given)) {
    const isFrame = named.has(photo) || (await readHeader(photo))?.merged === undefined;
    if (isFrame) frames.push(photo);
  }
  return frames;
}

const stageWords = {
  look: 'looking at',
  place: 'placing',
  motion: 'comparing',
  merge: 'adding up',
} as const;

function describe({ stage, framesDone, framesTotal }: BurstProgress): string {
  return `${stageWords[stage]} frame ${framesDone + 1} of ${framesTotal}`;
}

/** A burst's result for programs; poses are those of merge.ts. */
function reportOf({ mosaic, frames, movingShare }: MergedBurst) {
  return {
    event: 'result',
    width: mosaic.width,
    height: mosaic.height,
    reference: mosaic.merged?.reference,
    merged: mosaic.merged?.frames.length,
    exposureSeconds: mosaic.merged?.exposureSeconds,
    movingShare,
    frames,
  };
}

function tell(burst: MergedBurst, written: string, elapsedMs: number, line: ProgressLine): void {
  const { frames, mosaic, movingShare } = burst;
  for (const frame of frames) {
    if (frame.kind === 'left-out') line.log(`left out: ${frame.name} ${frame.reason}`);
  }
  const { merged } = mosaic;
  const seconds = merged?.exposureSeconds;
  const parts = [
    `${merged?.frames.length ?? 0} of ${frames.length} frames on ${merged?.reference ?? ''}`,
    ...(seconds === undefined ? [] : [`${Number(seconds.toPrecision(3))} s of light`]),
    ...(movingShare > 0.001 ? [`something moves in ${(100 * movingShare).toFixed(1)} %`] : []),
  ];
  line.log(`${written}: ${parts.join(', ')} (${formatDuration(elapsedMs)})`);
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
